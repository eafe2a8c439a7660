"""Who is best, by how much, and what these runs do not tell apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rmix_kit.reports import statistics
from rmix_kit.reports.groups import environments_of, group_runs
from rmix_kit.reports.optimum import optimum_table
from rmix_kit.reports.scores import Scores
from rmix_kit.reports.verdicts import verdict_table, verdicts
from rmix_kit.results import Episodes, RunRecord
from tests.reports.records import BRIDGE, episodes, record


def said(*records: RunRecord) -> tuple[str, ...]:
    groups = group_runs(records)
    scores = Scores(groups)
    optima = optimum_table(environments_of(groups))
    return verdicts(verdict_table(scores, scores.comparisons(), optima, resamples=500, seed=0))


def changed(ends: Episodes, value: float) -> Episodes:
    """The same episodes with one return."""
    return replace(ends, returns=(value,) * len(ends))


def seeds(algo: str, *won: int, env: str = BRIDGE) -> list[RunRecord]:
    return [record(algo, env, seed, won=count) for seed, count in enumerate(won)]


def test_the_best_is_named_with_its_interval_and_how_far_the_next_is_behind() -> None:
    (text,) = said(*seeds("rmix", 38, 39, 40), *seeds("qmix", 20, 21, 22), *seeds("vdn", 8, 9, 10))
    assert text.startswith(f"{BRIDGE}: rmix is best, success rate 97.5 % (95.4 % to 100.0 %).")
    assert "qmix is next, 45.0 (41.7 to 48.3) points behind; vdn by more." in text


def test_what_an_interval_around_nothing_tells_is_no_best() -> None:
    (text,) = said(*seeds("rmix", 20, 40), *seeds("qmix", 19, 39), *seeds("vdn", 1, 2))
    assert f"{BRIDGE}: rmix is ahead, success rate 75.0 %" in text
    assert "Not told apart: qmix, 2.5 (" in text
    assert "vdn is 71.2 (" in text


def test_one_run_each_says_nothing_of_other_seeds() -> None:
    (text,) = said(record(env=BRIDGE, won=39), record("qmix", BRIDGE, won=10))
    assert text == f"{BRIDGE}: rmix is ahead, success rate 97.5 % (one run). qmix is next, 72.5 points behind."


def test_an_algorithm_alone_is_compared_with_nobody() -> None:
    assert said(*seeds("rmix", 38, 40)) == (f"{BRIDGE}: rmix alone, success rate 97.5 % (95.0 % to 100.0 %).",)


def test_where_success_saturates_the_return_counts_beside_the_exact_optimum() -> None:
    best = episodes(40, 0)
    at = [record("rmix", "macn:4x7", last=changed(best, -7.0)), record("qmix", "macn:4x7", last=changed(best, -9.0))]
    (text,) = said(*at)
    assert "rmix is ahead, mean return -7 (one run), the exact optimum. qmix is next, 2 behind." in text
    scores = Scores(group_runs(at))
    assert scores.describe("macn:4x7").startswith("normalised return: 0 at ")
    assert scores.why_return("macn:4x7") == "every run ends with 100 % success"
    assert scores.of(scores.groups[0]) == pytest.approx([1.0])


def test_the_return_also_parts_those_who_share_the_highest_success() -> None:
    best = episodes(40, 0)
    at = [record(algo, "macn:4x7", last=changed(best, value)) for algo, value in (("rmix", -7.0), ("qmix", -9.0))]
    (text,) = said(*at, record("vdn", "macn:4x7", won=0))
    assert "rmix is ahead, mean return -7" in text
    assert Scores(group_runs([*at, record("vdn", "macn:4x7", won=0)])).saturated == {
        "macn:4x7": "every run of rmix and qmix ends with 100 % success"
    }


def test_success_that_parts_the_best_from_the_others_counts() -> None:
    groups = group_runs([record("rmix", "macn:4x7", won=40), record("qmix", "macn:4x7", won=39)])
    assert Scores(groups).saturated == {}
    assert Scores(groups).describe("macn:4x7") == "success rate"


def test_those_who_are_level_share_the_place() -> None:
    (text,) = said(*seeds("rmix", 39, 39), *seeds("qmix", 39, 39))
    assert text == f"{BRIDGE}: all 2 algorithms are level, success rate 97.5 % (97.5 % to 97.5 %)."


def test_a_difference_of_constants_is_itself() -> None:
    ours, theirs = [np.array([3.0, 3.0]), np.array([1.0])], [np.array([1.0]), np.array([0.0, 0.0])]
    found = statistics.difference(ours, theirs, rng=np.random.default_rng(0), resamples=50)
    assert (found.value, found.low, found.high) == (1.5, 1.5, 1.5)
    with pytest.raises(ValueError, match="give both the same tasks"):
        statistics.difference(ours, theirs[:1], rng=np.random.default_rng(0))
