"""Teams as a user would write them: other people's, inside other people's wrappers."""

from __future__ import annotations

from typing import Any

import supersuit
from pettingzoo.butterfly import cooperative_pong_v6, knights_archers_zombies_v11, pistonball_v6
from pettingzoo.utils.conversions import parallel_to_aec

from rmix_kit.envs import smac


def small_pong(max_cycles: int = 100) -> Any:  # noqa: ANN401 - a wrapped environment
    """Cooperative pong on 36 x 36 grey pixels."""
    return _small(cooperative_pong_v6.parallel_env(max_cycles=max_cycles))


def small_pistonball(max_cycles: int = 50) -> Any:  # noqa: ANN401
    """Five pistons that go up, down or stay, on 36 x 36 grey pixels."""
    return _small(pistonball_v6.parallel_env(n_pistons=5, continuous=False, max_cycles=max_cycles))


def black_death(max_cycles: int = 100) -> Any:  # noqa: ANN401
    """Knights, archers and zombies, the dead staying as black ones."""
    return supersuit.black_death_v3(knights_archers_zombies_v11.parallel_env(max_cycles=max_cycles))


def stacked_pursuit(max_cycles: int = 50) -> Any:  # noqa: ANN401
    """Pursuit, two frames at once."""
    from pettingzoo.sisl import pursuit_v5

    return supersuit.frame_stack_v1(pursuit_v5.parallel_env(max_cycles=max_cycles), 2)


def battle_in_turns() -> Any:  # noqa: ANN401
    """SMAC's battle of three against three as a turn-based environment, with masks."""
    return parallel_to_aec(smac.parallel_env("3m", backend="builtin"))


def _small(env: Any) -> Any:  # noqa: ANN401
    grey = supersuit.color_reduction_v0(env, mode="full")
    return supersuit.reshape_v0(supersuit.resize_v1(grey, 36, 36), (36, 36, 1))
