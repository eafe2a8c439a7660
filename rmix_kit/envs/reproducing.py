"""Whether an environment plays the same episode again."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from rmix_kit.types import IntArray

SEED, OTHER_SEED = 20_231, 7


class Copy(Protocol):
    """One copy of an environment."""

    def reset(self, seed: int) -> Any:  # noqa: ANN401 - a named tuple with the fields of a time step
        """Start an episode."""
        ...

    def step(self, actions: IntArray) -> Any:  # noqa: ANN401 - as of reset
        """Take a joint action ``[agent]``."""
        ...


class Difference(NamedTuple):
    """Where two episodes part.

    Attributes:
        step: Steps after the reset.
        field: What differs there.
    """

    step: int
    field: str


def first_difference(copy: Copy, other: Copy | None, *, most_steps: int) -> Difference | None:
    """Play one seed again with the same actions, and say where two episodes part.

    An episode must depend on its seed and actions alone: not on how many came before, so another seed is played
    between; nor on what other copies do meanwhile, so it is also played beside another one.

    Args:
        copy: Plays.
        other: Plays beside it; None where there is one copy alone.
        most_steps: Steps after which an episode counts as played.

    Returns:
        None where all are the same.
    """
    first = _episode(copy, SEED, most_steps)
    _episode(copy, OTHER_SEED, most_steps)
    if (found := _parting(first, _episode(copy, SEED, most_steps))) is not None or other is None:
        return found
    return _parting(first, _episode(copy, SEED, most_steps, beside=other))


def _episode(copy: Copy, seed: int, most_steps: int, *, beside: Copy | None = None) -> list[Any]:
    """Play one episode with random allowed actions of its seed."""
    rng, played = np.random.default_rng(seed), [copy.reset(seed)]
    meanwhile, chance = beside.reset(OTHER_SEED) if beside else None, np.random.default_rng(OTHER_SEED)
    while len(played) <= most_steps and not _is_over(played[-1]):
        if beside and not _is_over(meanwhile):
            meanwhile = beside.step(_allowed(meanwhile, chance))
        played.append(copy.step(_allowed(played[-1], rng)))
    return played


def _allowed(step: Any, rng: np.random.Generator) -> IntArray:  # noqa: ANN401 - as of reset
    return np.array([rng.choice(np.flatnonzero(row)) for row in step.avail_actions])


def _is_over(step: Any) -> bool:  # noqa: ANN401 - as of reset
    return bool(step.terminated or step.truncated)


def _parting(one: list[Any], other: list[Any]) -> Difference | None:
    for number, (left, right) in enumerate(zip(one, other, strict=False)):
        for name in left._fields:
            if not np.array_equal(np.asarray(getattr(left, name)), np.asarray(getattr(right, name))):
                return Difference(number, name)
    return None if len(one) == len(other) else Difference(min(len(one), len(other)), "length")
