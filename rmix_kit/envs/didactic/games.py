"""The named table games, each with the paper that it comes from."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rmix_kit.envs.didactic.table import END, TableGame
from rmix_kit.errors import ConfigError
from rmix_kit.spelling import suggestion

QTRAN = ((8, -12, -12), (-12, 0, 0), (-12, 0, 0))
"""Son et al., "QTRAN", ICML 2019: the best joint action lies beside the worst ones."""
QTRAN_HARDER = ((8, -12, -12), (-12, 6, 0), (-12, 0, 6))
"""Wang et al., "QPLEX", ICLR 2021: two good joint actions, the best one beside the worst ones."""
MONOTONE = ((0, 1, 2), (1, 2, 3), (2, 3, 8))
"""More is better for either agent, whatever the other does."""
CLIMBING = ((11, -30, 0), (-30, 7, 6), (0, 0, 5))
"""Claus and Boutilier, "The dynamics of reinforcement learning in cooperative multiagent systems", AAAI 1998."""
CLIMBING_NOISE = {
    "none": (CLIMBING,),
    # (B, B) pays 14 or 0: 7 in the mean.
    "partial": (
        ((11, -30, 0), (-30, 14, 6), (0, 0, 5)),
        ((11, -30, 0), (-30, 0, 6), (0, 0, 5)),
    ),
    "full": (
        ((12, 5, 8), (5, 14, 12), (5, 5, 10)),
        ((10, -65, -8), (-65, 0, 0), (-5, -5, 0)),
    ),
}
"""Kapetanakis and Kudenko, AAAI 2002: the two equally likely outcomes of each cell; the means are `CLIMBING`."""
TWO_STEP = (((7, 7), (7, 7)), ((0, 1), (1, 8)))
"""Rashid et al., "QMIX", ICML 2018: what the second step pays in state 2A and in state 2B."""
MMDP_LIMIT = 100
"""Steps of the two-state MMDP, as in QPLEX's released code."""
_LOWEST = float(np.finfo(np.float32).min)  # rewards are float32


def one_step(name: str, payoffs: ArrayLike) -> TableGame:
    """Make a game of one state that ends after one step.

    Args:
        payoffs: ``[outcome, *action]``, all outcomes alike likely.
    """
    table: NDArray[np.float64] = np.asarray(payoffs, dtype=np.float64)[None]  # [state, outcome, *action]
    successors = np.full((1, *table.shape[2:]), END, dtype=np.int64)
    return TableGame(name=name, payoffs=table, successors=successors, episode_limit=1)


def qtran() -> TableGame:
    """Make QTRAN's matrix game."""
    return one_step("qtran", [QTRAN])


def qtran_harder() -> TableGame:
    """Make QPLEX's harder version of QTRAN's matrix game."""
    return one_step("qtran-harder", [QTRAN_HARDER])


def monotone() -> TableGame:
    """Make the matrix game that a monotonic mixer holds."""
    return one_step("monotone", [MONOTONE])


def climbing(noise: str = "none") -> TableGame:
    """Make the climbing game.

    Args:
        noise: "none", "partial" (one cell is a coin) or "full" (every cell is one).

    Raises:
        ConfigError: ``noise`` is another word.
    """
    if noise not in CLIMBING_NOISE:
        raise ConfigError(
            f"noise is {noise!r}; it must be one of {', '.join(CLIMBING_NOISE)}{suggestion(str(noise), CLIMBING_NOISE)}"
        )
    return one_step("climbing", CLIMBING_NOISE[noise])


def penalty(k: float = -100.0) -> TableGame:
    """Make the penalty game (Claus and Boutilier): 10 for meeting in a corner, k for choosing opposite ones.

    Args:
        k: The penalty, at most 0.

    Raises:
        ConfigError: ``k`` is no such number.
    """
    k = checked_penalty("k", k)
    return one_step("penalty", [((10.0, 0.0, k), (0.0, 2.0, 0.0), (k, 0.0, 10.0))])


def two_step() -> TableGame:
    """Make QMIX's two-step game: the first agent's first action chooses between state 2A (1) and 2B (2)."""
    payoffs = np.zeros((3, 1, 2, 2))
    payoffs[1:, 0] = TWO_STEP
    successors = np.full((3, 2, 2), END, dtype=np.int64)
    successors[0] = [[1, 1], [2, 2]]
    return TableGame(name="two-step", payoffs=payoffs, successors=successors, episode_limit=2)


def mmdp() -> TableGame:
    """Make QPLEX's two-state MMDP: (A, A) pays 1 and stays, (B, B) leads where nothing is paid, the rest pays 0."""
    payoffs = np.zeros((2, 1, 2, 2))
    payoffs[0, 0, 0, 0] = 1.0
    successors = np.zeros((2, 2, 2), dtype=np.int64)
    successors[0, 1, 1] = 1
    successors[1] = 1
    return TableGame(name="mmdp", payoffs=payoffs, successors=successors, episode_limit=MMDP_LIMIT)


def checked_penalty(name: str, value: object) -> float:
    """Return a number that is at most 0.

    Args:
        name: What it is called, for the error.
        value: What was given.

    Raises:
        ConfigError: It is no finite number, or above 0.
    """
    # A NaN fails every comparison.
    if isinstance(value, bool) or not isinstance(value, int | float) or not _LOWEST <= value <= 0:
        raise ConfigError(f"{name} is {value!r}; it must be a number, at most 0")
    return float(value)
