"""Presets and settings of one algorithm side by side."""

from __future__ import annotations

import pytest

from rmix_kit.errors import RecordError
from rmix_kit.reports.groups import group_runs
from rmix_kit.reports.variants import name_presets, name_variants
from rmix_kit.results import RunRecord
from tests.reports.records import record


def names(*records: RunRecord) -> list[str]:
    return [run.algo for run in name_variants(records)]


def test_what_does_not_differ_changes_no_name() -> None:
    same = {"training.batch_size": 64}
    assert names(record(overrides=same), record(seed=1, overrides=same), record("qmix")) == ["rmix", "rmix", "qmix"]


def test_a_setting_that_differs_names_its_variant() -> None:
    plain = record(overrides={"training.batch_size": 64})
    other = record(overrides={"training.batch_size": 64, "algorithm.hidden_size": 32, "algorithm.has_bounds": True})
    assert names(plain, other) == ["rmix", "rmix has_bounds=true hidden_size=32"]


def test_presets_that_differ_name_theirs() -> None:
    quick = record(preset="rmix-quick", overrides={"algorithm.gamma": 0.9})
    assert names(record(), quick) == ["rmix", "rmix-quick gamma=0.9"]


def test_a_preset_that_is_not_the_algorithms_own_names_its_runs_whatever_stands_beside_them() -> None:
    quick = record(preset="rmix-quick")
    assert names(quick) == ["rmix-quick"]
    labels = [group.label for group in group_runs(name_presets([record("qmix"), quick, record()]))]
    assert labels == ["rmix", "rmix-quick", "qmix"]


def test_settings_of_one_last_word_are_named_in_full() -> None:
    values = {"training.target.rate": 0.5, "training.rate": 0.25}
    assert names(record(), record(overrides=values)) == ["rmix", "rmix training.rate=0.25 training.target.rate=0.5"]


def test_what_is_laid_over_on_one_environment_alone_makes_no_variant() -> None:
    laid = {"training.epsilon_steps": 5}
    assert names(record(), record(env="macn:4x11", overrides=laid), record(seed=1)) == ["rmix"] * 3


def test_settings_that_change_no_result_make_no_variant() -> None:
    assert names(record(), record(seed=1, overrides={"training.threads": 2})) == ["rmix", "rmix"]


def test_runs_that_do_not_tell_what_is_laid_over_are_named_by_all_their_settings() -> None:
    older, plain = record(overrides=None), record(seed=1)
    sections = {name: dict(plain.config[name]) for name in ("algorithm", "training")}
    sections["algorithm"]["gamma"] = 0.9
    other = record(seed=2, config={**plain.config, **sections}, overrides={"algorithm.gamma": 0.9})
    assert names(older, plain, other) == ["rmix gamma=0.99", "rmix gamma=0.99", "rmix gamma=0.9"]
    assert names(older, plain) == ["rmix", "rmix"]


def test_variants_are_groups_of_their_own_in_the_order_of_their_algorithm() -> None:
    records = [record("vdn"), record(overrides={"algorithm.gamma": 0.9}), record(), record("qmix")]
    labels = [group.label for group in group_runs(name_variants(records))]
    assert labels == ["rmix", "rmix gamma=0.9", "qmix", "vdn"]


def test_what_is_no_setting_still_parts_runs() -> None:
    other = record(seed=1, overrides={"algorithm.gamma": 0.9}, origins=({"rmix_kit": "0.2.0"},))
    again = record(seed=2, overrides={"algorithm.gamma": 0.9})
    with pytest.raises(RecordError, match="the version of rmix-kit"):
        group_runs(name_variants([record(), other, again]))
