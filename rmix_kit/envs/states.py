"""Whether someone's environment tells its state, and what it tells."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray
from pettingzoo import AECEnv, ParallelEnv

from rmix_kit.envs.spaces import flat_bounds
from rmix_kit.types import FloatArray


class StateSource:
    """Asks an environment for its state, and gives the observations in a row where it has none.

    There is none where `state` is no method, is PettingZoo's own that only says so, or raises NotImplementedError or
    gives None when it is asked for the first time. Every other error is the environment's, and is not swallowed.
    """

    def __init__(self, env: Any, *, is_wanted: bool) -> None:  # noqa: ANN401 - the user's
        """Wrap an environment.

        Args:
            env: Perhaps wrapped.
            is_wanted: Whether to ask it at all.
        """
        self._env, self._is_known = env, not is_wanted
        self.exists = False

    def state(self, obs: NDArray[np.generic]) -> FloatArray:
        """Return the state float32 ``[state]``.

        Args:
            obs: The agents' observations ``[agent, ...]``.
        """
        state = self._ask()
        if state is None:
            return obs.astype(np.float32).reshape(-1)
        with np.errstate(over="ignore"):
            return np.asarray(state).astype(np.float32).reshape(-1)

    def _ask(self) -> object:
        if self._is_known:
            return self._env.state() if self.exists else None
        self._is_known = True
        if not has_state_method(self._env):
            return None
        try:
            state: object = self._env.state()
        except NotImplementedError:
            return None
        self.exists = state is not None
        return state


def has_state_method(env: Any) -> bool:  # noqa: ANN401 - the user's
    """Return whether an environment, below its wrappers, has a `state` that is a method of its own."""
    inner = getattr(env, "unwrapped", env)
    if not callable(getattr(env, "state", None)) or not callable(getattr(inner, "state", None)):
        return False
    return getattr(type(inner), "state", None) not in (ParallelEnv.state, AECEnv.state)


def state_bounds(env: Any, size: int) -> tuple[str, tuple[float, ...], tuple[float, ...]]:  # noqa: ANN401
    """Return dtype and bounds of an environment's own state: those of its `state_space`, or none."""
    for holder in (env, getattr(env, "unwrapped", None)):
        space = getattr(holder, "state_space", None)
        if isinstance(space, Box) and int(np.prod(space.shape)) == size:
            return (str(space.dtype), *flat_bounds(space))
    return "float32", (-np.inf,) * size, (np.inf,) * size
