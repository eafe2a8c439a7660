"""Runs on environments that say nothing of success, or say it late."""

from __future__ import annotations

import io
import json
import signal
from pathlib import Path
from typing import Any

import pytest

import rmix_kit
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import Interrupted
from rmix_kit.films.from_export import film_export
from rmix_kit.films.from_run import film_run
from rmix_kit.films.page_file import page_of
from rmix_kit.playing.episodes import play
from rmix_kit.playing.team import LocalTeam, load_team
from rmix_kit.results import Episodes, record_of
from rmix_kit.training.absolute import evaluate_run
from rmix_kit.training.exporting import export
from rmix_kit.training.learner import Learner
from rmix_kit.training.progress_bar import PlainReporter, Status
from rmix_kit.training.state import TrainerState
from rmix_kit.training.trainer import train
from rmix_kit.types import Progress
from tests.fixtures.quiet_team import LATE, QUIET
from tests.training.runs import At, Notes, content, send, tiny, with_training


class Shown(Notes):
    """Keeps what was shown."""

    def __init__(self) -> None:
        super().__init__()
        self.rates: list[float | None] = []

    def show(self, status: Status) -> None:
        self.rates.append(status.success_rate)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quiet") / "run"
    shown = Shown()
    train(tiny(env=QUIET, steps=300), folder, reporter=shown)
    assert set(shown.rates) == {None}
    return folder


@pytest.fixture(scope="module")
def agents(quiet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(rmix_kit.load(quiet, consent="once"), tmp_path_factory.mktemp("quiet") / "agents")


def rows_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_no_row_of_metrics_has_a_success_rate(quiet: Path) -> None:
    rows = rows_of(quiet)
    assert {row["kind"] for row in rows} == {"training", "evaluation"}
    assert {row["success_rate"] for row in rows} == {None}
    assert all(row["return_mean"] is not None for row in rows)


def test_updates_are_told_that_no_success_will_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Progress] = []
    update = Learner.update

    def watched(self: Learner, batch: Any, progress: Progress, **rest: Any) -> Any:
        seen.append(progress)
        return update(self, batch, progress, **rest)

    monkeypatch.setattr(Learner, "update", watched)
    train(tiny(env=QUIET, steps=100), tmp_path / "quiet", reporter=Notes())
    assert seen
    assert {(progress.reports_success, progress.best_success_rate) for progress in seen} == {(False, 0.0)}
    seen.clear()
    train(tiny(steps=100), tmp_path / "macn", reporter=Notes())
    assert {progress.reports_success for progress in seen} == {True}


def test_what_was_played_has_no_success_rate_whoever_plays(quiet: Path, agents: Path) -> None:
    run = rmix_kit.load(quiet, consent="once")
    record = run.evaluate(episodes=5).to_json()
    assert record["success_rate"] is None
    team = LocalTeam(load_team(agents, "onnx"))
    assert play(team, make_vector_env(QUIET, 5), episodes=5, seed=0).summary(run.checkpoint_step, 0) == record


def test_a_film_says_nothing_of_success(quiet: Path, agents: Path) -> None:
    run = rmix_kit.load(quiet, consent="once")
    for film in (film_run(run, episodes=2), film_export(agents, episodes=2, consent="once")):
        assert [episode.success for episode in film.episodes] == [None, None]
        assert film.metrics["success_rate"] is None
        assert '"success":null' in page_of(film)


def test_episodes_of_a_checkpoint_are_kept_without_success_and_read_back(quiet: Path) -> None:
    evaluate_run(quiet, consent="once")
    record = record_of(quiet)
    assert record.last is not None
    assert record.last.success is None
    assert Episodes.from_json(json.loads(json.dumps(record.last.to_json())), "there") == record.last


def test_a_late_word_counts_from_then_on_and_stays_said(tmp_path: Path) -> None:
    shown = Shown()
    config = with_training(tiny(env=LATE, steps=300, seed=1), log_interval=10, evaluation_episodes=2)
    train(config, tmp_path / "run", reporter=shown)
    rates = [row["success_rate"] for row in rows_of(tmp_path / "run")]
    said = [rate is not None for rate in rates]
    assert said == sorted(said)
    assert said[0] is False
    assert said[-1] is True
    assert shown.rates[-1] is not None


def test_a_run_that_goes_on_knows_what_was_said_before(tmp_path: Path) -> None:
    config = with_training(tiny(env=LATE, steps=300), log_interval=10)
    train(config, tmp_path / "whole", reporter=Notes())
    for number, env_steps in enumerate((12, 60, 200)):
        with pytest.raises(Interrupted):
            train(config, tmp_path / "parts", resume=number > 0, reporter=At(env_steps, send(signal.SIGTERM)))
    train(config, tmp_path / "parts", resume=True, reporter=Notes())
    assert content(tmp_path / "parts") == content(tmp_path / "whole")


def test_a_checkpoint_from_before_the_question_counted_success() -> None:
    values = TrainerState.at_start(0).to_json()
    del values["reports_success"], values["progress"]["reports_success"]
    state = TrainerState.from_json(values, 0)
    assert state.reports_success
    assert state.progress.reports_success


def test_the_line_of_progress_shows_the_return_alone() -> None:
    stream = io.StringIO()
    reporter = PlainReporter(stream)
    reporter.start(10, 0)
    known = {"env_steps": 1, "updates": 0, "return_mean": 2.0, "loss": None, "is_evaluation": True}
    reporter.show(Status(**known, success_rate=None))  # type: ignore[arg-type]
    reporter.show(Status(**known, success_rate=0.0))  # type: ignore[arg-type]
    silent, told = stream.getvalue().splitlines()
    assert "return 2.00" in silent
    assert "success" not in silent
    assert "return 2.00  success 0.00" in told
