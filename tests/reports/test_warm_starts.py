"""Runs that began with weights of another: not pooled with others, told apart, and their command says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import rmix_kit
from rmix_kit.errors import RecordError
from rmix_kit.reports.groups import group_runs
from rmix_kit.reports.variants import name_variants
from rmix_kit.results import RunRecord
from rmix_kit.results.folder import record_of

VALUES = {"training.num_envs": 2, "training.evaluation_episodes": 2}


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunRecord, ...]:
    """A run from scratch, and two with the weights of it and of a checkpoint of another."""
    folder = tmp_path_factory.mktemp("runs")

    def run(name: str, seed: int, init_from: Path | None = None) -> Path:
        task = {"seed": seed, "steps": 10, "overrides": VALUES, "init_from": init_from}
        return rmix_kit.train("vdn", "macn:4x7?max_steps=5", out=folder / name, **task).path  # type: ignore[arg-type]

    cold = run("cold", 0)
    warm = run("warm", 1, cold)
    return tuple(map(record_of, (cold, warm, run("warmer", 2, warm))))


def test_warm_and_cold_runs_are_not_pooled(records: tuple[RunRecord, ...]) -> None:
    with pytest.raises(RecordError, match="differ in init_from: nothing against True"):
        group_runs(records)
    assert len(group_runs(records[1:])) == 1


@pytest.mark.parametrize("is_told", [True, False])
def test_variants_tell_warm_from_cold(records: tuple[RunRecord, ...], is_told: bool) -> None:
    told = [run if is_told else replace(run, overrides=None) for run in records]
    assert [run.algo for run in name_variants(told)] == ["vdn", "vdn init_from=true", "vdn init_from=true"]


def test_the_command_of_a_warm_run_says_whose_weights(records: tuple[RunRecord, ...]) -> None:
    cold, warm, _ = records
    assert "--init-from" not in cold.command
    assert f"--init-from {warm.config['init_from']['run']}/checkpoints/step_10" in warm.command
