"""What exported agents are shown while they play: real steps to compare other forms of them on."""

from __future__ import annotations

import itertools

import numpy as np

from exporters.agent import Agent
from exporters.agreement import AGREEMENT_STEPS, Recording
from exporters.contract import LAST_ACTION
from exporters.team import Team
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.fit import check_fit
from rmix_kit.seeding import episode_seed
from rmix_kit.types import BoolArray, IntArray

LEVELS = (0.0, 0.1, 0.0, 1.0)
"""Of the episodes in turn, for agents with a dial; 0 leaves it to them."""
RANDOM_SHARE = 0.1
"""Of the actions, drawn among the allowed ones: an environment without chance would show a handful of states."""


def record(team: Team[Agent], envs: VectorEnv, *, steps: int = AGREEMENT_STEPS, seed: int = 0) -> dict[str, Recording]:
    """Let a team play in the first copy of an environment, and note what each agent is shown and what it does.

    Args:
        steps: How many to note; the last episode may be cut.
        seed: Episode i is reset with the seed of (seed, "test", i), as everywhere; also of the actions that are drawn.

    Returns:
        Agent id -> what it was shown.

    Raises:
        EnvironmentContractError: The agents do not fit the environment.
    """
    check_fit(team.specs, envs.spec)
    generator = np.random.default_rng(seed)
    has_dial = all(spec.is_risk_aware for spec in team.specs.values())
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("obs", "masks", "level", "starts", "executed")}
    for episode in itertools.count():
        level = LEVELS[episode % len(LEVELS)] if has_dial else 0.0
        first = episode * envs.num_envs
        step = envs.reset([episode_seed(seed, "test", first + copy) for copy in range(envs.num_envs)])
        team.reset()
        is_first = True
        while len(columns["obs"]) < steps and not step.has_ended[0]:
            actions = _act(team, step.obs, step.avail_actions, level, generator)
            noted = (step.obs[0], step.avail_actions[0], np.float32(level), np.bool_(is_first), actions[0])
            for column, value in zip(columns.values(), noted, strict=True):
                column.append(np.array(value))
            step, is_first = envs.step(actions), False
        if len(columns["obs"]) == steps:
            break
    table = {name: np.stack(column) for name, column in columns.items()}  # [step, ...]
    return {
        name: Recording(
            obs=table["obs"][:, agent],
            avail_actions=table["masks"][:, agent],
            risk_level=table["level"],
            starts=table["starts"],
            executed=table["executed"][:, agent],
        )
        for agent, name in enumerate(team.specs)
    }


def _act(
    team: Team[Agent], obs: np.ndarray, masks: BoolArray, level: float, generator: np.random.Generator
) -> IntArray:
    """Return what is done ``[env, agent]``, some of it drawn, and tell the agents."""
    names = list(team.specs)
    results = team.act_batch(
        {name: obs[:, agent] for agent, name in enumerate(names)},
        {name: masks[:, agent] for agent, name in enumerate(names)},
        level,
    )
    actions = np.stack([results[name].action for name in names], axis=1)  # [env, agent]
    drawn = np.where(masks, generator.random(masks.shape), -1.0).argmax(-1)  # [env, agent]
    actions = np.where(generator.random(actions.shape) < RANDOM_SHARE, drawn, actions)
    told = {
        name: actions[:, agent]
        for agent, name in enumerate(names)
        if any(tensor.name == LAST_ACTION for tensor in team.specs[name].carry)
    }
    team.executed(told)
    return actions
