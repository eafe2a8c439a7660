"""Weights & Biases and MLflow hold the rows of ``metrics.jsonl``, after a resume too; Optuna prunes runs."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import rmix_kit
from rmix_kit.callbacks import Callback, RoundPlayed, Stop
from rmix_kit.loggers import Logger, MlflowLogger, WandbLogger
from rmix_kit.training.run import Run

pytestmark = [pytest.mark.foreign, pytest.mark.filterwarnings("default")]

ROOT = Path(__file__).resolve().parents[2]
VALUES = {"training.num_envs": 4, "log_interval": 50, "evaluation_interval": 100, "checkpoint_interval": 200}
Rows = list[tuple[str, int, dict[str, float]]]


class Ending(Callback):
    """Ends training at a step: in order, or by a fault."""

    def __init__(self, env_steps: int, *, is_fault: bool) -> None:
        self._at, self._is_fault = env_steps, is_fault

    def round(self, record: RoundPlayed) -> Stop | None:
        if record.env_steps < self._at:
            return None
        if self._is_fault:
            raise RuntimeError("a fault")
        return Stop("pause")


def trained(folder: Path, logger: Callable[[], Logger]) -> Run:
    """A run that breaks between two checkpoints, goes on, is stopped, and goes on to its end."""

    def train(*callbacks: Callback, resume: bool) -> Run:
        given: dict[str, Any] = {"seed": 3, "steps": 900, "out": folder, "overrides": VALUES, "resume": resume}
        return rmix_kit.train("rmix", "macn:4x7?slip=0.1", callbacks=callbacks, loggers=[logger()], **given)

    with pytest.raises(RuntimeError, match="a fault"):
        train(Ending(350, is_fault=True), resume=False)
    assert train(Ending(600, is_fault=False), resume=True).stopped == "pause"
    return train(resume=True)


def written(run: Run) -> Rows:
    rows = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    numbers = [(row.pop("kind"), row.pop("env_steps"), row) for row in rows]
    known = [(kind, steps, {k: float(v) for k, v in row.items() if v is not None}) for kind, steps, row in numbers]
    return [row for row in known if row[0] in ("training", "evaluation")]


def records_in(file: Path) -> Iterator[bytes]:
    """Take the records out of wandb's file: LevelDB's log format behind seven bytes of its own."""
    data, place, parts = file.read_bytes(), 7, b""
    while place + 7 <= len(data):
        left = 32_768 - place % 32_768
        if left < 7:
            place += left
            continue
        length, kind = int.from_bytes(data[place + 4 : place + 6], "little"), data[place + 6]
        parts += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield parts
            parts = b""


def test_weights_and_biases_holds_the_rows_offline(tmp_path: Path) -> None:
    from wandb.proto import wandb_internal_pb2

    run = trained(tmp_path / "run", lambda: WandbLogger(mode="offline", dir=str(tmp_path), settings={"silent": True}))
    rows: Rows = []
    ids = set()
    for file in sorted(tmp_path.glob("wandb/offline-run-*/*.wandb"), key=lambda path: path.stat().st_mtime):
        for data in records_in(file):
            record = wandb_internal_pb2.Record.FromString(data)
            if record.HasField("run"):
                ids.add(record.run.run_id)
                assert json.loads(next(u.value_json for u in record.run.config.update if u.key == "algo")) == "rmix"
            if record.HasField("history"):
                items = {
                    item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item
                }
                kind = next(name.partition("/")[0] for name in items if "/" in name)
                values = {k.partition("/")[2]: float(v) for k, v in items.items() if k.startswith(f"{kind}/")}
                rows.append((kind, int(items["env_steps"]), values))
    assert len(ids) == 1
    assert rows == written(run)


def test_mlflow_holds_the_rows_in_a_store_of_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "store").as_uri()
    run = trained(tmp_path / "run", lambda: MlflowLogger(tracking_uri=uri, experiment="cliffs"))
    client = MlflowClient(uri)
    (remote,) = client.search_runs([client.get_experiment_by_name("cliffs").experiment_id])
    assert (remote.info.run_name, remote.info.status) == ("run", "FINISHED")
    assert remote.data.params["training.num_envs"] == "4"
    for kind in ("training", "evaluation"):
        wanted: dict[str, list[tuple[int, float]]] = {}
        for found, steps, numbers in written(run):
            for name, value in numbers.items() if found == kind else ():
                wanted.setdefault(name, []).append((steps, value))
        assert wanted
        for name, points in wanted.items():
            history = client.get_metric_history(remote.info.run_id, f"{kind}/{name}")
            assert [(point.step, point.value) for point in history] == points
    assert {name.partition("/")[0] for name in remote.data.metrics} == {"training", "evaluation"}
    assert all(math.isfinite(value) for value in remote.data.metrics.values())


def test_the_optuna_example_prunes(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "examples" / "optuna_pruning.py"), "--steps", "1600"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("trial ") == 4
    assert "COMPLETE" in done.stdout
    assert len(list(tmp_path.glob("search/trial-*/stopped.json"))) == done.stdout.count("PRUNED")
