"""Copies of someone's team behind the trainer's vector interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from gymnasium.spaces import Discrete, Space
from numpy.typing import NDArray

from rmix_kit.envs.agreement import Agreement, TeamOptions
from rmix_kit.envs.border import Border
from rmix_kit.envs.interface import RENDER_MODE, Array, StepCodec, chosen_copies
from rmix_kit.envs.masks import unread_masks
from rmix_kit.envs.parallel_copy import CopyStep, ParallelCopy
from rmix_kit.envs.reproducing import Difference, first_difference
from rmix_kit.envs.spaces import MOST_VALUES, observation_coding
from rmix_kit.envs.states import state_bounds
from rmix_kit.errors import EnvironmentContractError
from rmix_kit.types import BoolArray, EnvSpec, IntArray, TimeStep


class ParallelEnvironment(Protocol):
    """The part of PettingZoo's parallel interface that is used here."""

    possible_agents: list[Any]
    agents: list[Any]

    def observation_space(self, agent: Any) -> Space[Any]:  # noqa: ANN401 - any name
        """Return one agent's observation space."""
        ...

    def action_space(self, agent: Any) -> Space[Any]:  # noqa: ANN401 - any name
        """Return one agent's action space."""
        ...

    def reset(self, seed: int | None = None) -> tuple[dict[Any, Any], dict[Any, Any]]:
        """Start an episode."""
        ...

    def step(self, actions: dict[Any, int]) -> tuple[dict[Any, Any], ...]:
        """Take one step."""
        ...


class TeamVector:
    """Copies of a parallel environment that stand still at the end of their episodes."""

    def __init__(
        self,
        envs: Sequence[ParallelEnvironment],
        episode_limit: int,
        where: str,
        options: TeamOptions | None = None,
        *,
        asked_limit: int | None = None,
        release: Callable[[], None] = lambda: None,
    ) -> None:
        """Wrap the copies.

        Args:
            episode_limit: Steps after which an episode is truncated at the latest.
            options: How the team is counted; the mean of the agents' rewards if None.
            asked_limit: The limit that the environment's text asks for, if it does.
            release: Called once, when the copies are closed.

        Raises:
            EnvironmentContractError: Its agents or spaces are of a sort that cannot be trained on.
        """
        first, chosen = envs[0], options or TeamOptions(reward="mean")
        agreement = _agreement(first, where, chosen, episode_limit, asked_limit)
        coding, copied = agreement.coding, len(agreement.agents)
        probe = ParallelCopy(envs[0], agreement)
        size = probe.reset(0).state.size
        state = (coding.dtype, coding.low * copied, coding.high * copied)
        agreement = replace(agreement, state_size=size)
        if probe.has_state:
            with Border(where, 0).calling("state_space"):
                state = state_bounds(first, size)
            agreement = replace(agreement, state_dtype=state[0], state_low=state[1], state_high=state[2])
        self._copies = [ParallelCopy(env, agreement, number=number) for number, env in enumerate(envs)]
        self._first, self._release, self._options = first, release, chosen
        self.num_envs, self.is_costly = len(envs), chosen.copies > 0
        self.spec = EnvSpec(
            n_agents=copied,
            n_actions=agreement.n_actions,
            obs_shape=coding.shape,
            obs_dtype=coding.dtype,
            obs_low=coding.low,
            obs_high=coding.high,
            state_size=size,
            episode_limit=episode_limit,
            agent_ids=agreement.agents,
            action_meanings=_words(first, "action_meanings", agreement.n_actions)
            or tuple(f"action_{action}" for action in range(agreement.n_actions)),
            obs_meanings=_words(first, "obs_meanings", len(coding.low)),
            state_dtype=state[0],
            state_low=state[1],
            state_high=state[2],
        )
        self.codec: StepCodec | None = None if probe.has_state else StandInCodec(self.spec)

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in every copy, each seeded by its own seed."""
        return self._joined([copy.reset(seed) for copy, seed in zip(self._copies, seeds, strict=True)])

    def restart(self, copies: BoolArray, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in some copies; see `rmix_kit.envs.interface.VectorEnv.restart`."""
        for copy, seed in zip(chosen_copies(copies, seeds, self.num_envs), seeds, strict=True):
            self._copies[copy].reset(seed)
        return replace(self._joined([copy.now for copy in self._copies]), reward=np.zeros(self.num_envs, np.float32))

    def step(self, actions: IntArray) -> TimeStep:
        """Advance every copy that has not finished."""
        return self._joined([copy.step(row) for copy, row in zip(self._copies, actions, strict=True)])

    def close(self) -> None:
        """Close the copies."""
        release, self._release = self._release, lambda: None
        try:
            for copy in self._copies:
                copy.close()
        finally:
            release()

    @property
    def could_draw(self) -> bool:
        """Whether the environment has a render mode "rgb_array" and was made without any."""
        modes = (getattr(self._first, "metadata", None) or {}).get("render_modes") or ()
        return getattr(self._first, "render_mode", None) is None and RENDER_MODE in modes

    def frame(self, env: int) -> NDArray[np.uint8] | None:
        """Return what one copy's own `render` draws; None where it was not made to."""
        return self._copies[env].frame() if getattr(self._first, "render_mode", None) == RENDER_MODE else None

    @property
    def reports_success(self) -> bool:
        """Whether any episode so far said whether it was solved."""
        return any(copy.reports_success for copy in self._copies)

    @cached_property
    def irreproducible(self) -> Difference | None:
        """Where the same seed and actions gave another episode; None where they did not. Plays a few episodes."""
        copy, *others = self._copies
        return first_difference(copy, others[0] if others else None, most_steps=self.spec.episode_limit)

    @property
    def is_reproducible(self) -> bool:
        """Whether the same seed gives the same episode, whatever came before; measured when it is asked."""
        return self.irreproducible is None

    @property
    def notes(self) -> Sequence[str]:
        """What must be said before training: how the team is counted."""
        counted = (
            f"team reward: {_REWARDS[self._options.reward]} (reward=mean, sum or first chooses); "
            f"state: {'its own' if self.codec is None else 'the observations in a row'}"
        )
        names = self._options.mask_names
        unread = unread_masks(self._first, names) if names else ()
        asked = (
            f"{name} is not read as a mask; mask={name.removesuffix('()')} does, mask=none ends this" for name in unread
        )
        return (counted, *asked)

    def _joined(self, steps: Sequence[CopyStep]) -> TimeStep:
        """Put single steps, without the axis env, behind each other."""
        arrays: dict[str, Any] = {name: np.stack([getattr(step, name) for step in steps]) for name in CopyStep._fields}
        compact: Mapping[str, Any] | None = None
        if self.codec is not None:
            compact = {"obs": arrays["obs"], "avail_actions": arrays["avail_actions"]}
        return TimeStep(**arrays, compact=compact)


_REWARDS = {
    "mean": "the mean of the agents' rewards",
    "sum": "the sum of the agents' rewards",
    "first": "the first agent's",
}


def _agreement(
    env: ParallelEnvironment, where: str, options: TeamOptions, episode_limit: int, asked_limit: int | None
) -> Agreement:
    """Read what all copies have in common off one of them, before its first reset."""
    agents = {str(agent): agent for agent in env.possible_agents}
    if len(agents) < len(env.possible_agents):
        raise EnvironmentContractError(f"{where}: two agents have the same name in {env.possible_agents}")
    border = Border(where, 0)
    with border.calling("observation_space"):
        spaces = {name: env.observation_space(agent) for name, agent in agents.items()}
    with border.calling("action_space"):
        actions = {name: _discrete(env.action_space(agent), name, where) for name, agent in agents.items()}
    return Agreement(
        where=where,
        agents=tuple(agents),
        coding=observation_coding(spaces, where, options.mask_names),
        action_starts={name: int(space.start) for name, space in actions.items()},
        action_sizes={name: int(space.n) for name, space in actions.items()},
        episode_limit=episode_limit,
        options=options,
        asked_limit=asked_limit,
    )


def _discrete(space: Space[Any], agent: str, where: str) -> Discrete:
    if not isinstance(space, Discrete):
        raise EnvironmentContractError(f"{where}: the action space of {agent} is {space}; expected Discrete")
    if space.n > MOST_VALUES:
        raise EnvironmentContractError(
            f"{where}: the action space of {agent} is {space}; expected at most {MOST_VALUES:,} actions: networks "
            "give each of them a value"
        )
    return space


def _words(env: object, attribute: str, count: int) -> tuple[str, ...]:
    """Return the environment's own words, or none where it has not as many as are needed."""
    words = getattr(env, attribute, None)
    if not isinstance(words, Sequence) or isinstance(words, str) or len(words) != count:
        return ()
    return tuple(words) if all(isinstance(word, str) for word in words) else ()


class StandInCodec:
    """Keeps observations and masks, and makes the state of them again: a `rmix_kit.envs.interface.StepCodec`."""

    def __init__(self, spec: EnvSpec) -> None:
        """Read the sizes.

        Args:
            spec: Of an environment whose state is its observations.
        """
        self._rank = 1 + len(spec.obs_shape)
        self.template: Mapping[str, NDArray[np.generic]] = {
            "obs": np.zeros((spec.n_agents, *spec.obs_shape), dtype=spec.obs_dtype),
            "avail_actions": np.zeros((spec.n_agents, spec.n_actions), dtype=np.bool_),
        }

    def rebuild(self, fields: Mapping[str, Array]) -> tuple[Array, Array, Array]:
        """See `rmix_kit.envs.interface.StepCodec.rebuild`."""
        obs = fields["obs"]
        flat = obs.reshape(*obs.shape[: len(obs.shape) - self._rank], -1)  # [..., agent * element]
        numbers: Any = flat  # of either library
        state: Array = numbers.astype(np.float32) if hasattr(numbers, "astype") else numbers.float()
        return obs, state, fields["avail_actions"]
