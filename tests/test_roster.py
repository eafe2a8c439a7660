"""The list of algorithms that needs no torch is the roster's."""

from __future__ import annotations

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.roster import ROSTER


def test_every_algorithm_is_listed_and_no_other() -> None:
    assert list(ROSTER) == [algorithm.name for algorithm in ALGORITHMS]
