"""A run tells from its beginning what was laid over its preset; records read that and no preset."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import rmix_kit
from rmix_kit.cli.main import main
from rmix_kit.config.differences import differences_from_preset
from rmix_kit.config.load import resolve
from rmix_kit.errors import RecordError
from rmix_kit.reproduction.cells import _with_overrides
from rmix_kit.results import RunRecord, read_record, record_of, write_record
from rmix_kit.training.trainer import train
from tests.fixtures.trained import ENVIRONMENT, Trained
from tests.training.runs import Notes, tiny

LAID_OVER = {"training.num_envs": 4}


def origins(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "origin.jsonl").read_text().splitlines()]


def with_origins(run: Path, rows: list[dict[str, Any]]) -> RunRecord:
    (run / "seal.json").unlink(missing_ok=True)
    (run / "origin.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return record_of(run)


def without(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "overrides"}


def test_training_writes_the_overrides_when_it_starts(own_run: Path) -> None:
    assert [row["overrides"] for row in origins(own_run)] == [LAID_OVER]
    record = record_of(own_run)
    assert record.overrides == LAID_OVER
    assert list(record.origins) == [without(row) for row in origins(own_run)]
    assert record.command.endswith("--device cpu --set training.num_envs=4")


@pytest.mark.parametrize("way", ["command", "python"])
def test_every_way_to_train_writes_them(way: str, tmp_path: Path) -> None:
    if way == "python":
        rmix_kit.train(
            resolve(algo="vdn", env="macn:4x7", seed=0, steps=30, num_envs=2, device="cpu"), out=tmp_path / "run"
        )
    else:
        words = ("--algo", "vdn", "--env", "macn:4x7", "--seed", "0", "--steps", "30", "--num-envs", "2")
        result = CliRunner().invoke(main, ("train", *words, "--device", "cpu", "--out", str(tmp_path / "run")))
        assert result.exit_code == 0, result.stderr
    assert record_of(tmp_path / "run").overrides == {"training.num_envs": 2}


def test_a_run_that_goes_on_keeps_what_it_told_first(tmp_path: Path) -> None:
    config, run = tiny(steps=200), tmp_path / "run"
    train(config, run, overrides={"training.batch_size": 4}, reporter=Notes())
    train(tiny(steps=400), run, resume=True, extend_inexactly=True, overrides={}, reporter=Notes())
    assert [row["overrides"] for row in origins(run)] == [{"training.batch_size": 4}, {}]
    assert record_of(run).overrides == {"training.batch_size": 4}


def test_an_older_run_tells_what_the_process_wrote_that_went_on_with_it(own_run: Path) -> None:
    (row,) = origins(own_run)
    assert with_origins(own_run, [without(row), {**row, "env_steps": 100}]).overrides == LAID_OVER


def test_the_command_of_an_older_run_names_its_configuration(own_run: Path, tmp_path: Path) -> None:
    record = with_origins(own_run, [without(row) for row in origins(own_run)])
    assert record.overrides is None
    assert record.command.endswith("--config run/config.yaml")
    write_record(tmp_path / "a.json", record)
    assert read_record(tmp_path / "a.json") == record
    again = resolve(algo="rmix", env=ENVIRONMENT, seed=3, steps=200, device="cpu", config_file=own_run / "config.yaml")
    assert again == rmix_kit.load(own_run).config


def test_an_older_run_is_reported_as_not_recorded(own_run: Path) -> None:
    with_origins(own_run, [without(row) for row in origins(own_run)])
    assert CliRunner().invoke(main, ("report", "run", "--out", "report")).exit_code == 0
    with Path("report/tables/runs.csv").open(newline="") as file:
        assert [row["overrides"] for row in csv.DictReader(file)] == ["not recorded"]


def test_reproductions_of_older_runs_take_the_preset_of_this_version(own_run: Path) -> None:
    record = with_origins(own_run, [without(row) for row in origins(own_run)])
    assert _with_overrides(record, own_run).overrides == LAID_OVER


@pytest.mark.parametrize(
    "told", ["many", [], {"training.num_envs": 5}, {"training.unknown": 1}, {"seed": 3}], ids=json.dumps
)
def test_overrides_that_are_not_the_configurations_are_refused(told: object, own_run: Path) -> None:
    (row,) = origins(own_run)
    with pytest.raises(RecordError, match=r"origin\.jsonl cannot be read: its overrides are not what config\.yaml has"):
        with_origins(own_run, [{**row, "overrides": told}])


def test_a_preset_that_this_version_lacks_leaves_them_unknown(trained: Trained, tmp_path: Path) -> None:
    assert differences_from_preset(tiny(preset="forgotten")) is None
    train(tiny(preset="forgotten", steps=60), tmp_path / "run", overrides=None, reporter=Notes())
    assert record_of(tmp_path / "run").overrides is None


def test_a_record_with_overrides_that_are_no_mapping_is_refused(own_run: Path, tmp_path: Path) -> None:
    write_record(tmp_path / "a.json", record_of(own_run))
    shutil.copy(tmp_path / "a.json", tmp_path / "b.json")
    (tmp_path / "b.json").write_text(json.dumps({**json.loads((tmp_path / "a.json").read_text()), "overrides": [1]}))
    with pytest.raises(RecordError, match=r"b\.json: overrides is \[1\]; it must be a mapping"):
        read_record(tmp_path / "b.json")
