"""Loggers get every row of metrics once, whatever becomes of the process; other people's are in tests/foreign."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import rmix_kit
from rmix_kit.callbacks import Callback, Ended, RoundPlayed, Started, Stop
from rmix_kit.errors import ConfigError, MissingExtraError, RunFolderError
from rmix_kit.loggers import Logger, MlflowLogger, WandbLogger
from rmix_kit.training.trainer import train
from tests.training.runs import Notes, content, tiny, with_training


class Store(Logger):
    """A remote run in this process."""

    name = "store"

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, dict[str, float]]] = []
        self.begun: list[str | None] = []
        self.ends: list[str] = []
        self.breaks_at = 10**9

    def begin(self, started: Started, continued: str | None) -> str:
        self.begun.append(continued)
        return continued or "run-1"

    def row(self, kind: str, env_steps: int, numbers: Mapping[str, float]) -> None:
        if env_steps >= self.breaks_at:
            raise ConnectionError("the network is gone")
        self.rows.append((kind, env_steps, dict(numbers)))

    def end(self, ended: Ended) -> None:
        self.ends.append(ended.how)


class Breaking(Callback):
    """Ends training as a fault would, or in order."""

    def __init__(self, env_steps: int, stop: Stop | None = None) -> None:
        self._at, self._stop = env_steps, stop

    def round(self, record: RoundPlayed) -> Stop | None:
        if record.env_steps < self._at:
            return None
        if self._stop is None:
            raise OSError("a fault")
        return self._stop


def written(folder: Path) -> list[tuple[str, int, dict[str, float]]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [
        (kind, steps, {name: float(value) for name, value in row.items() if value is not None})
        for row in rows
        if (kind := row.pop("kind")) in ("training", "evaluation") and (steps := row.pop("env_steps")) is not None
    ]


def test_a_logger_gets_the_rows_of_the_file_and_changes_no_other(finished: Path, tmp_path: Path) -> None:
    store = Store()
    run = train(tiny(), tmp_path / "run", loggers=[store], reporter=Notes())
    assert store.rows == written(run.path)
    assert len(store.rows) > 20
    assert (store.begun, store.ends) == ([None], ["finished"])
    own = content(run.path)
    del own["loggers/store.jsonl"]
    assert own == content(finished)


def test_every_row_comes_once_over_faults_and_stops(tmp_path: Path) -> None:
    store, folder = Store(), tmp_path / "run"
    with pytest.raises(OSError, match="a fault"):  # long after a checkpoint: rows are written again
        train(tiny(), folder, loggers=[store], callbacks=[Breaking(1450)], reporter=Notes())
    before = len(store.rows)
    train(tiny(), folder, resume=True, loggers=[store], callbacks=[Breaking(2100, Stop("pause"))], reporter=Notes())
    train(tiny(), folder, resume=True, loggers=[store], reporter=Notes())
    assert before > len([row for row in written(folder) if row[1] <= 1000])
    assert store.rows == written(folder)
    assert store.begun == [None, "run-1", "run-1"]
    assert store.ends == ["failed", "stopped", "finished"]


def test_a_logger_that_comes_later_or_fails_gets_what_it_lacks(tmp_path: Path) -> None:
    folder, store = tmp_path / "run", Store()
    train(tiny(), folder, callbacks=[Breaking(1200, Stop("without a logger"))], reporter=Notes())
    store.breaks_at = 2000
    with pytest.raises(ConnectionError, match="the network is gone"):
        train(tiny(), folder, resume=True, loggers=[store], reporter=Notes())
    assert all(steps < 2000 for _, steps, _ in store.rows)
    store.breaks_at = 10**9
    train(tiny(), folder, resume=True, loggers=[store], reporter=Notes())
    assert store.rows == written(folder)


def test_half_a_line_of_a_killed_process_is_cut_off(tmp_path: Path) -> None:
    folder, store = tmp_path / "run", Store()
    train(tiny(), folder, loggers=[store], callbacks=[Breaking(1200, Stop("pause"))], reporter=Notes())
    with (folder / "loggers" / "store.jsonl").open("a") as file:
        file.write('"ab')
    train(tiny(), folder, resume=True, loggers=[store], reporter=Notes())
    assert store.rows == written(folder)
    assert len((folder / "loggers" / "store.jsonl").read_text().splitlines()) == 1 + len(store.rows)


def test_rows_that_a_new_plan_changes_are_sent_as_new_ones(tmp_path: Path) -> None:
    store, folder = Store(), tmp_path / "run"
    config = with_training(tiny(steps=1700), learning_rate_decay_from=1.0, episodes_per_copy=1)
    train(config, folder, loggers=[store], reporter=Notes())
    first = list(store.rows)
    train(replace(config, steps=2600), folder, resume=True, loggers=[store], reporter=Notes())
    whole = written(folder)
    same = next(i for i, (sent, row) in enumerate(zip(first, whole, strict=False)) if sent != row)
    assert same >= len(first) - 2  # the rows that were written because it was the end
    assert store.rows == first + whole[same:]


@pytest.mark.parametrize("damage", ["", "[]\n", '{"run": 3}\n', '{"run": "a"}\n3\n', "no json\n"])
def test_a_damaged_note_is_told_in_one_line(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    train(tiny(), folder, loggers=[Store()], callbacks=[Breaking(1200, Stop("pause"))], reporter=Notes())
    (folder / "loggers" / "store.jsonl").write_text(damage)
    with pytest.raises(RunFolderError, match="store.jsonl .*; restore it, or remove it") as refusal:
        train(tiny(), folder, resume=True, loggers=[Store()], reporter=Notes())
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["wandbb"], "there is no logger 'wandbb'; did you mean 'wandb'"),
        ([Store], r"loggers\[0\] is .*; expected 'wandb' or 'mlflow', or an object"),
        ([Store(), Store()], "named store, store"),
    ],
)
def test_what_is_no_logger_is_refused_before_anything_is_made(given: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        rmix_kit.train(tiny(), out=tmp_path / "run", loggers=given)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["../up", "", "a/b", None, 5])
def test_a_name_that_names_no_file_is_refused(name: Any, tmp_path: Path) -> None:
    store = Store()
    store.name = name
    with pytest.raises(ConfigError, match="set name to a word"):
        train(tiny(), tmp_path / "run", loggers=[store], reporter=Notes())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("found", [None, 5])
def test_a_remote_run_without_a_text_is_refused(found: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "begin", lambda self, started, continued: found)
    with pytest.raises(ConfigError, match="Store.begin returned .*; expected a text"):
        train(tiny(), tmp_path / "run", loggers=[Store()], reporter=Notes())


@pytest.mark.parametrize("kind", [WandbLogger, MlflowLogger])
def test_a_missing_library_is_told_with_its_extra(kind: type[Logger], monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, kind.name, None)
    with pytest.raises(MissingExtraError, match=rf"pip install 'rmix-kit\[{kind.name}\]'"):
        kind()
