"""Who learned how often for what it played."""

from __future__ import annotations

from typing import Any

from rmix_kit.reports.content import make_page
from rmix_kit.reports.groups import group_runs
from rmix_kit.reports.pace import pace_of, unequal_updates
from rmix_kit.reports.scores import Scores
from rmix_kit.results import RunRecord
from tests.reports.records import record


def trained(algo: str, **training: Any) -> RunRecord:
    run = record(algo)
    return record(algo, config={**run.config, "training": {**run.config["training"], **training}})


def test_updates_are_counted_by_steps_by_episodes_or_by_rounds() -> None:
    assert pace_of(trained("qmix", updates_per_step=0.02, updates_per_episode=0.25)) == "0.02 a step"
    assert pace_of(trained("qmix", updates_per_step=0.0, updates_per_episode=0.25)) == "0.25 an episode"
    assert pace_of(trained("coma", num_envs=8, updates_per_step=0.02)) == "one for 8 episodes"
    assert pace_of(record("qmix", config={"algo": "qmix"})) == ""


def test_algorithms_with_other_updates_are_named_and_equal_ones_are_not() -> None:
    alike = [trained("qmix", updates_per_step=0.02), trained("vdn", updates_per_step=0.02)]
    assert unequal_updates(alike) == ""
    told = unequal_updates([*alike, trained("rmix", updates_per_step=0.04)])
    assert told.endswith("qmix, vdn: 0.02 a step; rmix: 0.04 a step.")


def test_the_report_says_it_beside_the_environment() -> None:
    runs = [trained("qmix", updates_per_step=0.02), trained("rmix", updates_per_step=0.04)]
    groups = group_runs(runs)
    page = make_page(groups, Scores(groups), title="Runs", resamples=10)
    said = [text for section in page.sections for text in section.texts if "equal updates" in text]
    assert len(said) == 1
