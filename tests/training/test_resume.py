from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from rmix_kit.algorithms import ALGORITHMS, Algorithm
from rmix_kit.errors import Interrupted, RunFolderError
from rmix_kit.training.learner import TargetSettings
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.trainer import train
from tests.algorithms.cases import small
from tests.architecture.sources import ROOT
from tests.training.runs import At, Notes, content, send, tiny, with_training

STOPS = (signal.SIGTERM, signal.SIGINT)


def interrupt(config: RunConfig, folder: Path, env_steps: int, number: signal.Signals, *, resume: bool) -> Interrupted:
    with pytest.raises(Interrupted) as caught:
        train(config, folder, resume=resume, reporter=At(env_steps, send(number)))
    return caught.value


def test_run_interrupted_several_times_ends_with_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for index, env_steps in enumerate((1, 620, 1100, 1130, 2400)):
        error = interrupt(tiny(), folder, env_steps, STOPS[index % 2], resume=index > 0)
        assert error.signal == STOPS[index % 2]
    train(tiny(), folder, resume=True, reporter=Notes())
    assert content(folder) == content(finished)


@pytest.mark.parametrize("kind", ALGORITHMS, ids=lambda kind: kind.name)
def test_every_algorithm_resumes_exactly(kind: type[Algorithm], tmp_path: Path) -> None:
    newest = {"on_policy_episodes": 4} if hasattr(kind, "on_policy_episodes") else {}
    config = with_training(
        tiny(algorithm=small(kind, **newest), steps=400),
        checkpoint_interval=150,
        target=TargetSettings(interval_episodes=0, interval_steps=7),  # in the middle of two copies at the interruption
    )
    train(config, tmp_path / "whole", reporter=Notes())
    interrupt(config, tmp_path / "parts", 230, signal.SIGTERM, resume=False)
    train(config, tmp_path / "parts", resume=True, reporter=Notes())
    assert content(tmp_path / "parts") == content(tmp_path / "whole")


KILLED = """
import os, signal, sys
from pathlib import Path
from rmix_kit.training import checkpoint, trainer
from tests.training.runs import At, send, tiny

folder, env_steps, moment = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
kill = send(signal.SIGKILL)

def arm():
    if moment == "collecting":
        kill()
    checkpoint.os = type("Deadly", (), {"rename": staticmethod(lambda *paths: kill())})

trainer.train(tiny(), folder, resume=folder.exists(), reporter=At(env_steps, arm))
"""


def test_killed_run_ends_with_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    for env_steps, moment in ((1250, "saving"), (2150, "collecting")):
        command = [sys.executable, "-c", KILLED, str(folder), str(env_steps), moment]
        assert subprocess.run(command, cwd=ROOT, timeout=120).returncode == -signal.SIGKILL
    notes = Notes()
    train(tiny(), folder, resume=True, reporter=notes)
    assert "going on from step_20" in notes.text
    assert content(folder) == content(finished)


def test_resume_without_a_checkpoint_starts_at_step_zero(finished: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    with pytest.raises(ZeroDivisionError):
        train(tiny(), folder, resume=True, reporter=At(400, lambda: 1 // 0))
    begun = (folder / "metrics.jsonl").read_bytes()
    with pytest.raises(ZeroDivisionError):
        train(tiny(), folder, resume=True, reporter=At(400, lambda: 1 // 0))
    assert (folder / "metrics.jsonl").read_bytes() == begun
    assert (finished / "metrics.jsonl").read_bytes().startswith(begun)


def test_resuming_a_finished_run_changes_nothing(copy_of_finished: Path) -> None:
    def times() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in copy_of_finished.rglob("*")}

    before = times()
    notes = Notes()
    run = train(tiny(), copy_of_finished, resume=True, reporter=notes)
    assert "is finished" in notes.text
    assert run.checkpoint_step >= 3000
    assert times() == before


def test_resume_with_another_configuration_is_refused_with_the_difference(copy_of_finished: Path) -> None:
    with pytest.raises(RunFolderError, match="seed is 0 there and 1 here"):
        train(replace(tiny(), seed=1), copy_of_finished, resume=True, reporter=Notes())


def test_tensorboard_forgets_what_a_resumed_run_writes_anew(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder = tmp_path / "run"
    config = tiny(steps=1200)
    with pytest.raises(ZeroDivisionError):
        train(config, folder, reporter=At(900, lambda: 1 // 0))
    train(config, folder, resume=True, reporter=Notes())
    board = EventAccumulator(str(folder / "tensorboard"))
    board.Reload()
    steps = [event.step for event in board.Scalars("training/return_mean")]
    rows = (folder / "metrics.jsonl").read_text().count('"training"')
    assert steps == sorted(set(steps))
    assert len(steps) == rows
