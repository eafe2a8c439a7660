"""Film the networks of a run (torch)."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.make import make_drawn, remark_on, resolved_text
from rmix_kit.films.film import TAIL_LEVEL, Film
from rmix_kit.films.watching import Decision, WatchedEnvs
from rmix_kit.networks.array_agent import ArrayAgent, ArrayStep
from rmix_kit.networks.carry import Carry, StepOutput
from rmix_kit.networks.implicit_quantile import ImplicitQuantileAgent
from rmix_kit.networks.quantile import QuantileAgent
from rmix_kit.policy import ActingAgent
from rmix_kit.risk.operators import cvar_weights
from rmix_kit.training.run import Run
from rmix_kit.types import BoolArray, FloatArray


class WatchedAgent:
    """An agent network that reports what it thinks; a `rmix_kit.policy.ActingAgent` itself."""

    def __init__(self, agent: ActingAgent, envs: WatchedEnvs) -> None:
        """Watch an agent network."""
        self._agent, self._envs = agent, envs
        self.carry_sizes = agent.carry_sizes
        self.value_kind = agent.value_kind
        self.is_risk_aware = agent.is_risk_aware
        self.default_risk_level = agent.default_risk_level
        self.n_risk_levels = agent.n_risk_levels

    def step(self, obs: Tensor, agent: Tensor, risk_level: Tensor, carry: Carry) -> StepOutput:
        """Act for one step of all agents of all copies, and report."""
        output = self._agent.step(obs, agent, risk_level, carry)
        self.report(output.action_values, output.risk_level, output.carry)
        return output

    def array_agent(self) -> ArrayAgent | None:
        """Return what acts in the network's place on the CPU, watched as well: a film shows what `evaluate` counts."""
        arrays = self._agent.array_agent()
        return None if arrays is None else WatchedArrays(arrays, self)

    @torch.inference_mode()
    def report(self, action_values: Tensor, risk_level: Tensor, carry: Carry) -> None:
        """Tell of a step of all agents of all copies.

        Args:
            action_values: ``[row, action]``.
            risk_level: ``[row]``.
            carry: What the step gave.
        """
        quantiles = tails = None
        if isinstance(self._agent, QuantileAgent | ImplicitQuantileAgent):
            known = self._agent.quantiles_of(carry["hidden_state"])  # [row, action, quantile]
            weights = cvar_weights(torch.full_like(known[..., 0], TAIL_LEVEL), self._agent.edges)
            quantiles, tails = self._by_agent(known), self._by_agent((known * weights).sum(-1))
        values, levels = self._by_agent(action_values), self._by_agent(risk_level)
        self._envs.decided(Decision(values, levels, quantiles, tails))

    def _by_agent(self, rows: Tensor) -> FloatArray:
        """Bring ``[env * agent, ...]`` into ``[env, agent, ...]``."""
        array: FloatArray = torch.unflatten(rows, 0, (-1, self._envs.spec.n_agents)).cpu().numpy()
        return array


class WatchedArrays:
    """An `ArrayAgent` whose steps a watched agent reports."""

    def __init__(self, arrays: ArrayAgent, watched: WatchedAgent) -> None:
        """Watch what acts in a network's place."""
        self._arrays, self._watched = arrays, watched

    def step(self, obs: np.ndarray, avail_actions: BoolArray, risk_level: FloatArray, carry: Carry) -> ArrayStep:
        """Act for one step of all agents of all copies, and report the values of all actions."""
        output = self._arrays.step(obs, np.ones_like(avail_actions), risk_level, carry)
        self._watched.report(torch.from_numpy(output.action_values), torch.from_numpy(output.risk_level), output.carry)
        return output


def film_run(
    run: Run,
    env_text: str | None = None,
    *,
    episodes: int = 3,
    seed: int = 0,
    risk_level: float | None = None,
) -> Film:
    """Play greedy episodes with a run and keep everything; `rmix-kit evaluate` counts the same numbers.

    Args:
        run: At one of its checkpoints.
        env_text: Where; the run's own environment if None.
        seed: Episode i is reset with the seed of (seed, "test", i).
        risk_level: In (0, 1] for all agents; None leaves it to them.

    Raises:
        ConfigError: A number is out of range, or the algorithm has no risk level.
        EnvironmentTextError: There is no such environment.
        UntrustedCodeError: The run's own environment is code, and nobody has consented to run it.
        EnvironmentContractError: The policies do not fit the environment.
    """
    text = resolved_text(env_text or run.own_environment())
    made: list[WatchedEnvs] = []

    def make_env(name: str, num_envs: int) -> VectorEnv:
        made.append(WatchedEnvs(make_drawn(name, num_envs)))
        return made[0]

    played = run.evaluate(
        text, episodes, seed, risk_level, make_env=make_env, watched_by=lambda agent: WatchedAgent(agent, made[0])
    )
    (envs,) = made
    agent = run.networks.agent
    is_distributional = isinstance(agent, QuantileAgent | ImplicitQuantileAgent)
    return Film(
        source=run.path.resolve().name,
        kind="run",
        env=text,
        remark=remark_on(text),
        algorithm=run.config.algorithm.name,
        risk_level=risk_level,
        agent_ids=envs.spec.agent_ids,
        action_meanings=envs.spec.action_meanings,
        value_kind=str(agent.value_kind),
        reward_scale=run.reward_scale,
        is_risk_aware=bool(agent.is_risk_aware),
        has_distributions=is_distributional,
        edges=_shares(agent) if is_distributional else None,
        stage=envs.stage,
        episodes=envs.episodes(played),
        metrics=played.to_json(),
    )


def _shares(agent: torch.nn.Module) -> np.ndarray:
    """Return where the quantiles' shares of probability begin and end, float64 ``[quantile + 1]`` from 0 to 1."""
    assert isinstance(agent, QuantileAgent | ImplicitQuantileAgent)
    edges = agent.edges.double().numpy()
    return np.asarray(edges / edges[-1])
