"""The parity rule: when do two runs of one policy agree? numpy only.

Values differ by at most `TOLERANCE`; actions are equal except where the reference's two best available values differ by
less than `TIE`. Such ties are counted and reported.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from exporters.contract import LAST_ACTION, PolicySpec
from exporters.errors import ParityError
from exporters.tensors import Array

TOLERANCE = 1e-4  # two libraries order float32 sums differently; recurrence adds these up
TIE = 1e-5

Tensors: TypeAlias = dict[str, Array]


@dataclass(kw_only=True)
class Parity:
    """Figures of one agent and format: rows compared, how many a guard refused, ties, largest difference."""

    rows: int = 0
    refused_rows: int = 0
    ties: int = 0
    largest_difference: float = 0.0

    def to_json(self) -> dict[str, object]:
        """Return a JSON-able mapping."""
        return {**vars(self), "tolerance": TOLERANCE, "tie": TIE}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a comparison stands, for the error."""

    format: str
    agent_id: str
    step: int
    batch: int

    def error(self, output: str, difference: float) -> ParityError:
        """Return the error that names this place."""
        return ParityError(output=output, difference=difference, **vars(self))


def compare(
    spec: PolicySpec, expected: Tensors, found: Tensors, mask: Array, *, where: Place, figures: Parity
) -> NDArray[np.bool_]:
    """Compare one step of two runs.

    Args:
        expected: outputs of the reference by name, `[batch, ...]`.
        found: outputs of the other run.
        mask: available actions, bool `[batch, action]`.
        figures: counters to add to.

    Returns:
        The rows whose action differs because of a tie, bool `[batch]`.

    Raises:
        ParityError: at the first output that breaks the rule.
    """
    tied = expected["action"] != found["action"]
    figures.rows += len(mask)
    figures.refused_rows += int((~expected["valid"].astype(bool)).sum())
    figures.ties += int(tied.sum())
    for row in np.flatnonzero(tied):
        best = np.sort(expected["action_values"][row][mask[row].astype(bool)])[::-1]
        if found["action"][row] < 0 or len(best) < 2 or best[0] - best[1] >= TIE:
            raise where.error("action", abs(float(expected["action"][row]) - float(found["action"][row])))
    for name in spec.output_names:
        if name == "action":
            continue
        rows = ~tied if name == f"next_{LAST_ACTION}" else slice(None)
        if expected[name].dtype != found[name].dtype or expected[name].shape != found[name].shape:
            raise where.error(name, math.inf)
        gap = np.abs(expected[name][rows].astype(np.float64) - found[name][rows].astype(np.float64))
        largest = float(gap.max(initial=0.0))
        if not largest <= TOLERANCE:  # NaN fails too
            raise where.error(name, largest)
        figures.largest_difference = max(figures.largest_difference, largest)
    return np.asarray(tied, dtype=np.bool_)
