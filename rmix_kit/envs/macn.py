"""MACN behind the trainer's vector interface."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import macn
from macn.layout import CLIFF, KNOWN
from macn.settings import ACTION_MEANINGS, Settings, make_settings
from rmix_kit.envs.interface import chosen_copies
from rmix_kit.envs.spaces import flat_bounds
from rmix_kit.envs.text import EnvironmentText, Value, known_options
from rmix_kit.errors import EnvironmentTextError
from rmix_kit.types import BoolArray, EnvSpec, IntArray, TimeStep


def make(text: EnvironmentText, num_envs: int) -> MACNVector:
    """Make copies of the MACN game that a text names.

    Args:
        text: ``macn:LAYOUT`` with the arguments of ``macn.parallel_env`` as options.

    Raises:
        EnvironmentTextError: The layout or an option is unknown or out of range.
    """
    with _refusing(text):
        return MACNVector(text.name, num_envs, _options(text))


def resolve(text: EnvironmentText) -> EnvironmentText:
    """Write the drawing in place of a map file's name, so that a record says what was played and not where it lay.

    Args:
        text: As for `make`.

    Raises:
        EnvironmentTextError: The map is unknown or refused.
    """
    if text.name in macn.NAMED_LAYOUTS or "\n" in text.name or set(text.name) <= KNOWN:
        return text
    with _refusing(text):
        return replace(text, name=macn.CliffLayout.parse(text.name).text)


def settings_of(text: EnvironmentText) -> Settings:
    """Return the game that a text names.

    Args:
        text: As for `make`.

    Raises:
        EnvironmentTextError: The layout or an option is unknown or out of range.
    """
    options: dict[str, Any] = _options(text)
    with _refusing(text):
        return make_settings(text.name, **options)


def _options(text: EnvironmentText) -> dict[str, Value]:
    return known_options(text, set(inspect.signature(make_settings).parameters) - {"layout"})


@contextmanager
def _refusing(text: EnvironmentText) -> Iterator[None]:
    try:
        yield
    except macn.MACNError as error:
        raise EnvironmentTextError(f"environment {str(text)!r}: {error}") from error


class MACNVector:
    """Copies of MACN that stand still at the end of their episodes."""

    def __init__(self, layout: str, num_envs: int, options: Mapping[str, Any]) -> None:
        """Make the copies.

        Args:
            layout: A layout's name, drawing or path.
            options: Keyword arguments of ``macn.vector_env``.
        """
        self._envs = macn.vector_env(num_envs, layout, autoreset_mode="Disabled", **options)
        settings = self._envs.settings
        box = settings.observation_box(of_team=False)
        low, high = flat_bounds(box)
        self.num_envs = num_envs
        self.spec = EnvSpec(
            n_agents=settings.n_agents,
            n_actions=len(ACTION_MEANINGS),
            obs_shape=tuple(box.shape),
            obs_dtype=str(box.dtype),
            obs_low=low,
            obs_high=high,
            state_size=settings.state_size,
            episode_limit=settings.max_steps,
            agent_ids=tuple(settings.possible_agents),
            action_meanings=tuple(ACTION_MEANINGS),
            obs_meanings=settings.observation_meanings,
        )

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in every copy; copy i runs the stream of a single environment reset with ``seeds[i]``."""
        obs, infos = self._envs.reset(seed=list(seeds))
        self._terminated, self._truncated = np.zeros((2, self.num_envs), dtype=np.bool_)
        return self._begun(obs, infos)

    def restart(self, copies: BoolArray, seeds: Sequence[int]) -> TimeStep:
        """Start an episode in some copies; see `rmix_kit.envs.interface.VectorEnv.restart`."""
        streams: list[int | None] = [None] * self.num_envs
        for copy, seed in zip(chosen_copies(copies, seeds, self.num_envs), seeds, strict=True):
            streams[copy] = seed
        obs, infos = self._envs.reset(seed=streams, options={"reset_mask": copies})
        self._terminated, self._truncated = self._terminated & ~copies, self._truncated & ~copies
        return self._begun(obs, infos)

    def step(self, actions: IntArray) -> TimeStep:
        """Advance every copy that has not finished."""
        obs, reward, self._terminated, self._truncated, infos = self._envs.step(actions)
        return self._time_step(obs, reward, infos)

    def close(self) -> None:
        """Nothing is held."""

    @property
    def settings(self) -> Settings:
        """The game that the copies play."""
        return self._envs.settings

    @property
    def stage(self) -> Mapping[str, Any]:
        """The map, row by row from the top, and the slip; see `rmix_kit.envs.interface.Scenery`."""
        settings = self._envs.settings
        return {"kind": "macn", "rows": list(settings.layout.rows), "slip": settings.slip}

    def scene(self, env: int) -> Mapping[str, Any]:
        """Return the agents' cells ``row * width + column`` and who fell; see `rmix_kit.envs.interface.Scenery`."""
        cells = self._envs.cells[env].tolist()
        fell = [self._envs.settings.layout.cells[cell] == CLIFF for cell in cells]
        return {"cells": cells, "fell": fell, "is_out": fell}

    def _begun(self, obs: NDArray[np.int8], infos: dict[str, Any]) -> TimeStep:
        return self._time_step(obs, np.zeros(self.num_envs), infos)

    def _time_step(self, obs: NDArray[np.int8], reward: NDArray[np.float64], infos: dict[str, Any]) -> TimeStep:
        return TimeStep(
            obs=obs,
            avail_actions=infos["action_mask"].astype(np.bool_),
            state=infos["state"],
            reward=reward.astype(np.float32),
            terminated=self._terminated.copy(),
            truncated=self._truncated.copy(),
            success=infos["success"],
            fell=infos["fell"],
        )
