"""Callbacks watch a training, end it in order, and break it without harm."""

from __future__ import annotations

import json
import signal
from dataclasses import FrozenInstanceError, is_dataclass
from pathlib import Path
from typing import Any

import pytest

import rmix_kit
from rmix_kit.callbacks import Callback, Ended, Evaluated, RoundPlayed, Saved, Started, Stop
from rmix_kit.config.differences import differences_from_preset
from rmix_kit.errors import ConfigError, Interrupted, RecordError
from rmix_kit.training.loading import load
from rmix_kit.training.run import Run
from rmix_kit.training.trainer import train
from tests.training.runs import At, Notes, content, send, tiny, with_training

METHODS = ("started", "round", "evaluation", "checkpoint")


class Heard(Callback):
    """Keeps what it is told, and answers once with something."""

    def __init__(self, method: str = "", answer: Any = None, at: int = 0) -> None:
        self.records: list[Any] = []
        self._method, self._answer, self._at = method, answer, at

    def _hear(self, method: str, record: Any) -> Any:
        self.records.append(record)
        if method != self._method or record.env_steps < self._at:
            return None
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer

    def started(self, record: Started) -> Stop | None:
        return self._hear("started", record)

    def round(self, record: RoundPlayed) -> Stop | None:
        return self._hear("round", record)

    def evaluation(self, record: Evaluated) -> Stop | None:
        return self._hear("evaluation", record)

    def checkpoint(self, record: Saved) -> Stop | None:
        return self._hear("checkpoint", record)

    def ended(self, record: Ended) -> None:
        self._hear("ended", record)

    def of(self, kind: type) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]


def rows(folder: Path, kind: str) -> list[dict[str, Any]]:
    written = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in written if row["kind"] == kind]


def test_everything_is_told_in_order_and_changes_nothing(finished: Path, tmp_path: Path) -> None:
    heard, config = Heard(), tiny()
    run = train(config, tmp_path / "run", callbacks=[heard], reporter=Notes())
    assert content(run.path) == content(finished)
    (started,), (ended,) = heard.of(Started), heard.of(Ended)
    assert heard.records[0] is started
    assert heard.records[-1] is ended
    assert (started.run, started.config, started.env_steps) == (run.path, config.to_dict(), 0)
    assert (ended.env_steps, ended.how, ended.reason) == (run.checkpoint_step, "finished", "")
    told = [(record.env_steps, record.evaluation.return_mean) for record in heard.of(Evaluated)]
    assert told == [(row["env_steps"], row["return_mean"]) for row in rows(run.path, "evaluation")]
    played = heard.of(RoundPlayed)
    assert [record.env_steps for record in played] == sorted({record.env_steps for record in played})
    last = rows(run.path, "training")[-1]
    assert (played[-1].episodes, played[-1].updates) == (last["episodes"], last["updates"])
    assert None not in (played[-1].loss, played[-1].return_mean)
    saved = heard.of(Saved)
    assert saved[-1].checkpoint == run.path / "checkpoints" / f"step_{run.checkpoint_step}"
    assert {record.env_steps for record in saved} >= set(run.checkpoints())
    assert run.stopped is None


def test_records_are_frozen() -> None:
    for record in (Started, RoundPlayed, Evaluated, Saved, Ended, Stop):
        assert is_dataclass(record)
    with pytest.raises(FrozenInstanceError):
        Stop("enough").reason = "more"  # type: ignore[misc]


@pytest.mark.parametrize("method", METHODS)
def test_stop_ends_in_order_and_the_run_goes_on_exactly(method: str, finished: Path, tmp_path: Path) -> None:
    at = 0 if method == "started" else 1200
    heard, notes = Heard(method, Stop("good enough"), at), Notes()
    run = train(tiny(), tmp_path / "run", callbacks=[heard], reporter=notes)
    assert at <= run.checkpoint_step < tiny().steps
    assert run.stopped == "good enough"
    assert f"stopped at step {run.checkpoint_step:,}: good enough" in notes.text
    assert not (run.path / "seal.json").exists()
    assert heard.records[-1] == Ended(env_steps=run.checkpoint_step, how="stopped", reason="good enough")
    run.team()  # it can be used
    after = Heard()
    whole = train(tiny(), run.path, resume=True, callbacks=[after], reporter=Notes())
    assert after.records[0].env_steps == run.checkpoint_step
    assert whole.stopped is None
    assert content(whole.path) == content(finished)


def test_a_stop_in_the_last_round_leaves_a_finished_run(finished: Path, tmp_path: Path) -> None:
    heard = Heard("round", Stop("late"), tiny().steps)
    run = train(tiny(), tmp_path / "run", callbacks=[heard], reporter=Notes())
    assert run.stopped is None
    assert heard.records[-1].how == "finished"
    assert content(run.path) == content(finished)


@pytest.mark.parametrize("method", [*METHODS, "ended"])
def test_an_error_in_a_callback_leaves_the_last_checkpoint(method: str, finished: Path, tmp_path: Path) -> None:
    folder, at = tmp_path / "run", 0 if method == "started" else 1200
    broken, other = Heard(method, ZeroDivisionError("of mine"), at), Heard()
    with pytest.raises(ZeroDivisionError, match="of mine") as raised:
        train(tiny(), folder, callbacks=[broken, other], reporter=Notes())
    (ended,) = other.of(Ended)
    if method == "ended":
        assert ended.how == "finished"
    else:
        assert (ended.how, ended.reason) == ("failed", "ZeroDivisionError: of mine")
        stands = "no checkpoint was saved yet" if at == 0 else "the checkpoint of step"
        assert stands in raised.value.__notes__[0]
    if at:
        assert load(folder).checkpoint_step <= ended.env_steps
    train(tiny(), folder, resume=True, reporter=Notes())
    assert content(folder) == content(finished)


def test_a_signal_is_told_as_an_interruption(tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(Interrupted):
        train(tiny(), tmp_path / "run", callbacks=[heard], reporter=At(700, send(signal.SIGTERM)))
    assert heard.records[-1].how == "interrupted"


def test_nothing_is_told_of_a_finished_run(finished: Path) -> None:
    heard = Heard()
    train(tiny(), finished, resume=True, callbacks=[heard], reporter=Notes())
    assert heard.records == []


@pytest.mark.parametrize("answer", [True, "stop", Stop])
def test_another_answer_is_refused(answer: Any, tmp_path: Path) -> None:
    said = r"Heard.evaluation returned .*; expected Stop\(reason\) or None"
    with pytest.raises(ConfigError, match=said):
        train(tiny(), tmp_path / "run", callbacks=[Heard("evaluation", answer)], reporter=Notes())


@pytest.mark.parametrize("reason", [None, 3, object()])
def test_a_reason_is_a_text(reason: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="a reason is a text"):
        train(tiny(), tmp_path / "run", callbacks=[Heard("round", Stop(reason))], reporter=Notes())


def test_one_alone_is_refused(tmp_path: Path) -> None:
    alone: Any = Heard()
    with pytest.raises(ConfigError, match="give a list of them"):
        train(tiny(), tmp_path / "run", callbacks=alone, reporter=Notes())


@pytest.mark.parametrize("given", [Heard, print, None])
def test_what_is_no_callback_is_refused_before_anything_is_made(given: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"callbacks\[1\] is .*; expected an object of a class that extends"):
        train(tiny(), tmp_path / "run", callbacks=[Heard(), given], reporter=Notes())
    assert not (tmp_path / "run").exists()


def test_games_on_the_device_are_told_of_too(tmp_path: Path) -> None:
    config = with_training(tiny(steps=2000), rollout="device", rollout_steps=16, updates_per_step=0.01)
    whole, heard = Heard(), Heard("evaluation", Stop("seen"), 700)
    train(config, tmp_path / "whole", callbacks=[whole], reporter=Notes())
    run = train(config, tmp_path / "parts", callbacks=[heard], reporter=Notes())
    assert run.stopped == "seen"
    train(config, run.path, resume=True, reporter=Notes())
    assert content(tmp_path / "parts") == content(tmp_path / "whole")
    assert len(whole.of(RoundPlayed)) > 10


@pytest.mark.parametrize(
    "damage",
    [
        "[]",
        "{}",
        '{"env_steps": 1e999, "reason": ""}',
        '{"env_steps": 1.5, "reason": ""}',
        '{"env_steps": 1, "reason": 2}',
    ],
)
def test_a_damaged_reason_is_told(damage: str, tmp_path: Path) -> None:
    run = train(tiny(), tmp_path / "run", callbacks=[Heard("round", Stop("early"))], reporter=Notes())
    (run.path / "stopped.json").write_text(damage)
    with pytest.raises(RecordError, match="stopped.json cannot be read"):
        _ = run.stopped


def test_the_front_door_takes_callbacks(tmp_path: Path) -> None:
    config = tiny()
    run: Run = rmix_kit.train(config, out=tmp_path / "run", callbacks=[Heard("checkpoint", Stop("one is enough"))])
    assert run.stopped == "one is enough"
    assert differences_from_preset(config)
