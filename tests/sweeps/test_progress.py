from __future__ import annotations

import json
from pathlib import Path

import pytest

from rmix_kit.sweeps import status
from rmix_kit.sweeps.progress import Progress, progress_in, state_of, tail_of_file
from tests.sweeps.sweeps import make_finished

EVALUATION = '{"kind": "evaluation", "env_steps": 10, "return_mean": -3.0, "success_rate": 0.5}\n'
TRAINING = '{"kind": "training", "env_steps": 25, "return_mean": -9.0}\n'


def test_progress_has_the_last_step_and_the_last_evaluation() -> None:
    rows = (EVALUATION + TRAINING).encode()
    assert progress_in(rows) == Progress(env_steps=25, return_mean=-3.0, success_rate=0.5)


def test_rows_that_are_cut_off_are_left_out() -> None:
    rows = (EVALUATION + TRAINING).encode()
    assert progress_in(b'8, "x": 1}\n' + rows + b'{"kind": "train').env_steps == 25


def test_tail_of_a_missing_file_is_empty(tmp_path: Path) -> None:
    assert tail_of_file(tmp_path / "metrics.jsonl", 10) == b""


def test_tail_is_the_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    assert tail_of_file(tmp_path / "file", 3) == b"789"


def test_run_without_a_checkpoint_is_new(tmp_path: Path) -> None:
    assert state_of(tmp_path / "absent", evaluation=False) == "new"


def test_run_whose_last_manifest_says_so_is_finished(tmp_path: Path) -> None:
    make_finished(tmp_path)
    assert state_of(tmp_path, evaluation=False) == "finished"


def test_run_with_a_later_checkpoint_that_is_not_its_last_is_to_be_resumed(tmp_path: Path) -> None:
    make_finished(tmp_path, 800)
    (tmp_path / "checkpoints" / "step_900").mkdir()
    assert state_of(tmp_path, evaluation=False) == "to resume"


@pytest.mark.parametrize(("step", "expected"), [(800, "finished"), (700, "to resume")])
def test_finished_run_whose_evaluation_is_of_another_checkpoint_is_to_be_played(
    tmp_path: Path, step: int, expected: str
) -> None:
    make_finished(tmp_path, 800)
    (tmp_path / "evaluations").mkdir()
    columns = {"returns": [1.0], "success": [1], "fell": [0], "lengths": [3], "risk_levels": [1.0]}
    for which in ("best", "last"):
        text = json.dumps({"checkpoint_step": step, "seed": 0, **columns})
        (tmp_path / "evaluations" / f"{which}.json").write_text(text)
    assert state_of(tmp_path, evaluation=True) == expected


def test_time_left_follows_from_the_progress_since_the_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((0.0, 10.0))
    monkeypatch.setattr(status.time, "monotonic", lambda: next(now))
    clock = status.Clock()
    assert [clock.eta(100, 500), clock.eta(200, 500)] == [None, 30.0]


def test_time_left_starts_anew_where_rows_were_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter((0.0, 10.0, 20.0))
    monkeypatch.setattr(status.time, "monotonic", lambda: next(now))
    clock = status.Clock()
    assert [clock.eta(100, 500), clock.eta(50, 500), clock.eta(150, 500)] == [None, None, 35.0]
