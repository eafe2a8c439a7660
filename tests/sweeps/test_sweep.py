"""A sweep with an engine that pretends: what is run again, what is given up, what is recorded."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from rmix_kit.errors import Interrupted
from rmix_kit.sweeps.engine import folder_of
from rmix_kit.sweeps.sweep import Sweep
from tests.sweeps.sweeps import FakeEngine, Told, make_finished, planned

LOST = "NodeDiedError: the node is gone"


def sweep(folder: Path, engine: FakeEngine, told: Told | None = None) -> dict[str, object]:
    plan = planned(folder)
    (folder / "out").mkdir(exist_ok=True)
    return Sweep(plan, engine, told or Told(), engine_name="local").run()


def states(status: dict[str, object]) -> dict[str, tuple[str, int]]:
    runs = status["runs"]
    assert isinstance(runs, list)
    return {run["name"]: (run["state"], run["attempts"]) for run in runs}


def names(folder: Path) -> list[str]:
    return [run.name for run in planned(folder).runs]


def test_every_run_is_run_once_where_nothing_fails(tmp_path: Path) -> None:
    engine = FakeEngine()
    status = sweep(tmp_path, engine)
    assert engine.submitted == names(tmp_path)
    assert status["state"] == "finished"


def test_failed_run_is_tried_again_and_the_others_go_on(tmp_path: Path) -> None:
    name = names(tmp_path)[0]
    status = sweep(tmp_path, FakeEngine({name: [LOST, LOST]}))
    assert states(status)[name] == ("finished", 3)
    assert status["state"] == "finished"


def test_run_that_fails_too_often_is_given_up_and_the_others_are_finished(tmp_path: Path) -> None:
    first, *others = names(tmp_path)
    status = sweep(tmp_path, FakeEngine({first: [LOST] * 9}))
    assert states(status) == {first: ("failed", 3), **dict.fromkeys(others, ("finished", 1))}
    assert status["state"] == "failed"
    assert next(run for run in status["runs"] if run["name"] == first)["error"] == LOST  # type: ignore[attr-defined]


def test_finished_run_is_not_submitted(tmp_path: Path) -> None:
    plan, engine = planned(tmp_path), FakeEngine()
    first, *others = [run.name for run in plan.runs]
    make_finished(folder_of(tmp_path / "out", first))
    Sweep(plan, engine, Told(), engine_name="local").run()
    assert engine.submitted == others


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_the_engine_and_is_told_to_the_caller(number: signal.Signals, tmp_path: Path) -> None:
    engine = FakeEngine(on_start=lambda name: os.kill(os.getpid(), number))
    with pytest.raises(Interrupted) as caught:
        sweep(tmp_path, engine)
    assert caught.value.signal == number
    assert engine.is_stopped
    assert json.loads((tmp_path / "out" / "status.json").read_bytes())["state"] == "interrupted"


def test_engine_is_closed_whatever_happens(tmp_path: Path) -> None:
    def break_down(name: str) -> None:
        raise ZeroDivisionError

    engine = FakeEngine(on_start=break_down)
    with pytest.raises(ZeroDivisionError):
        sweep(tmp_path, engine)
    assert engine.is_closed


def test_every_change_of_state_is_told(tmp_path: Path) -> None:
    told, name = Told(), names(tmp_path)[0]
    sweep(tmp_path, FakeEngine({name: [LOST]}), told)
    assert [state for run, state in told.news_of if run == name] == ["running", "to resume", "running", "finished"]
