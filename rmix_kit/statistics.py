"""Statistics of evaluated episodes, without torch: `rmix-kit evaluate` and `rmix-kit run` print the same numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

TAIL_LEVELS = (0.1, 0.25)


def tail_mean(returns: ArrayLike, risk_level: float) -> float:
    """Give the CVaR of returns: the mean of their lowest ``risk_level`` share.

    A partly covered episode counts in proportion, as in `rmix_kit.risk.operators`.

    Args:
        returns: ``[episode]``, in any order, at least one.
        risk_level: In (0, 1]; 1 is the mean.

    Returns:
        The mean in reward units.

    Raises:
        ValueError: There is no return, or the level is out of range.
    """
    ordered = np.sort(np.asarray(returns, dtype=np.float64))
    if ordered.ndim != 1 or not ordered.size or not 0 < risk_level <= 1:
        raise ValueError(f"{ordered.shape} returns at level {risk_level}; expected [episode] and a level in (0, 1]")
    share = risk_level * len(ordered)
    weights = np.clip(share - np.arange(len(ordered)), 0.0, 1.0) / share  # [episode]
    return float(weights @ ordered)


def summarize(
    *,
    returns: ArrayLike,
    success: NDArray[np.bool_],
    fell: NDArray[np.bool_],
    lengths: NDArray[np.int64],
    risk_levels: ArrayLike,
    checkpoint_step: int,
    seed: int,
) -> dict[str, float | int]:
    """Summarise evaluated episodes under the names of docs/contracts.md.

    Args:
        returns: Undiscounted team returns ``[episode]``.
        success: Solved, bool ``[episode]``.
        fell: Any agent met a catastrophe, bool ``[episode]``.
        lengths: Steps ``[episode]``.
        risk_levels: Mean level used ``[episode]`` or ``[episode, agent]``, in (0, 1].
        checkpoint_step: Environment steps after which the policy was saved.
        seed: Seed of the episodes.

    Returns:
        A JSON-able record; the standard deviation is that of the episodes themselves (divided by their number).
    """
    values: NDArray[np.float64] = np.asarray(returns, dtype=np.float64)
    return {
        "return_mean": float(values.mean()),
        "return_std": float(values.std()),
        "success_rate": float(np.mean(success)),
        "fall_rate": float(np.mean(fell)),
        "episode_length_mean": float(np.mean(lengths)),
        **{f"cvar_{level}": tail_mean(values, level) for level in TAIL_LEVELS},
        "risk_level_mean": float(np.asarray(risk_levels, dtype=np.float64).mean()),
        "episodes": len(values),
        "checkpoint_step": checkpoint_step,
        "seed": seed,
    }
