"""A run that goes on to other steps is the run that was planned for them, or says that it is not."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.cli.main import main
from rmix_kit.errors import Interrupted, RecordError, RunFolderError
from rmix_kit.reports.groups import group_runs
from rmix_kit.results.folder import record_of
from rmix_kit.training import extension
from rmix_kit.training.loading import load
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.trainer import train
from tests.training.runs import At, Notes, content, send, tiny, with_training


def steady(steps: int, *, episodes_per_copy: int = 1, **training: Any) -> RunConfig:
    """The tiny run without anything that is relative to its planned steps; its copies wait for each other."""
    config = tiny(steps=steps)
    return with_training(config, learning_rate_decay_from=1.0, episodes_per_copy=episodes_per_copy, **training)


@pytest.fixture(scope="module")
def longer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("longer") / "run"
    train(steady(1700), folder, reporter=Notes())
    return folder


def extended(folder: Path, *plans: RunConfig) -> Path:
    for place, config in enumerate(plans):
        train(config, folder, resume=place > 0, reporter=Notes())
    return folder


@pytest.mark.parametrize("steps", [(1230,), (1, 700)], ids=str)
def test_a_finished_run_goes_on_to_the_bytes_of_one_planned_longer(
    steps: tuple[int, ...], longer: Path, tmp_path: Path
) -> None:
    folder = extended(tmp_path / "run", *map(steady, (*steps, 1700)))
    assert content(folder) == content(longer)


@pytest.mark.parametrize("interval", ["log_interval", "evaluation_interval", "checkpoint_interval"])
def test_it_does_so_whatever_was_due_at_its_end(interval: str, tmp_path: Path) -> None:
    settings = {"log_interval": 5000, "evaluation_interval": 5000, "checkpoint_interval": 5000} | {interval: 100}
    whole = extended(tmp_path / "whole", steady(900, **settings))
    parts = extended(tmp_path / "parts", steady(500, **settings), steady(900, **settings))
    assert content(parts) == content(whole)


@pytest.mark.parametrize("steps", [(700,), (500, 1400)], ids=str)  # due are evaluations at 700, checkpoints at 500
def test_where_copies_do_not_wait_it_does_so_from_where_something_was_due(
    steps: tuple[int, ...], tmp_path: Path
) -> None:
    whole = extended(tmp_path / "whole", steady(2100, episodes_per_copy=8))
    parts = extended(tmp_path / "parts", *(steady(end, episodes_per_copy=8) for end in (*steps, 2100)))
    assert content(parts) == content(whole)


def test_where_copies_do_not_wait_a_last_round_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    folder = extended(tmp_path / "run", steady(600, episodes_per_copy=8))
    longer, before = steady(2100, episodes_per_copy=8), content(folder)
    with pytest.raises(RunFolderError, match="of 2100, episodes would have begun in its last round that did not"):
        train(longer, folder, resume=True, reporter=Notes())
    assert content(folder) == before
    train(longer, folder, resume=True, extend_inexactly=True, reporter=Notes())
    assert "its last round" in str(record_of(folder).environment["extended_inexactly"])


def test_an_unfinished_run_is_planned_anew(longer: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(steady(9000), tmp_path / "run", reporter=At(1230, send(signal.SIGTERM)))
    train(steady(1700), tmp_path / "run", resume=True, reporter=Notes())
    assert content(tmp_path / "run") == content(longer)


def test_an_extension_that_was_broken_off_goes_on(
    longer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = extended(tmp_path / "run", steady(1230))
    with monkeypatch.context() as patch:
        patch.setattr(extension.RunFolder, "write_config", lambda *_: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            train(steady(1700), folder, resume=True, reporter=Notes())
    load(folder)
    with pytest.raises(RunFolderError, match="has done"):
        train(steady(1230), folder, resume=True, reporter=Notes())
    train(steady(1700), folder, resume=True, reporter=Notes())
    assert content(folder) == content(longer)


def test_fewer_steps_than_are_done_are_refused_and_change_nothing(longer: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(longer, tmp_path / "run"))
    with pytest.raises(RunFolderError, match="has done .* environment steps of 1700; --steps 700"):
        train(steady(700), folder, resume=True, reporter=Notes())
    assert content(folder) == content(longer)


RELATIVE = {
    "learning rate": (tiny(steps=1230), "the factor on the learning rate is 1 at step .* and was 0.9"),
    "epsilon": (steady(1230, epsilon_share=0.5), "epsilon is .* at step 1 and was"),
    "share": (
        replace(steady(1230), algorithm=replace(RMIX(), hidden_size=8, quantile_start_share=0.25)),
        r"algorithm.quantile_start_share \(0.25 of the steps\) is reached at step 500",
    ),
}


@pytest.mark.parametrize("name", RELATIVE)
def test_what_is_relative_to_the_planned_steps_is_refused_by_name(name: str, tmp_path: Path) -> None:
    config, words = RELATIVE[name]
    folder = extended(tmp_path / "run", config)
    before = content(folder)
    with pytest.raises(RunFolderError, match=words):
        train(replace(config, steps=2000), folder, resume=True, reporter=Notes())
    assert content(folder) == before


def test_what_has_not_begun_is_no_obstacle(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(tiny(steps=1500), tmp_path / "run", reporter=At(100, send(signal.SIGTERM)))
    train(tiny(steps=900), tmp_path / "run", resume=True, reporter=Notes())
    assert content(tmp_path / "run") == content(extended(tmp_path / "whole", tiny(steps=900)))


def test_consent_is_kept_in_the_record_and_not_mixed_in_reports(tmp_path: Path) -> None:
    folder = extended(tmp_path / "run", tiny(steps=1230))
    train(tiny(steps=2000), folder, resume=True, extend_inexactly=True, reporter=Notes())
    record = record_of(folder)
    assert record.is_finished
    assert record.steps == 2000
    assert str(record.environment["extended_inexactly"]).startswith("from 1230 to 2000 steps at step 1")
    other = record_of(extended(tmp_path / "other", tiny(steps=2000, seed=1)))
    with pytest.raises(RecordError, match="whether its plan was changed on the way"):
        group_runs([record, other])


def test_evaluations_of_the_end_that_is_none_any_more_are_dropped(tmp_path: Path) -> None:
    folder = extended(tmp_path / "run", steady(300))
    (folder / "evaluations").mkdir()
    (folder / "evaluations" / "last.json").write_text(json.dumps({}))
    train(steady(600), folder, resume=True, reporter=Notes())
    assert not list((folder / "evaluations").iterdir())


def test_the_command_line_goes_on(tmp_path: Path) -> None:
    words = ["train", "--algo", "vdn", "--env", "macn:4x7?max_steps=20", "--seed", "0", "--out", str(tmp_path / "run")]
    words += ["--set", "training.num_envs=2", "--set", "training.evaluation_episodes=2", "--resume"]
    assert CliRunner().invoke(main, [*words, "--steps", "60"]).exit_code == 0
    refused = CliRunner().invoke(main, [*words, "--steps", "120"])
    assert refused.exit_code == 1
    assert "--extend-inexactly" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert CliRunner().invoke(main, [*words, "--steps", "120", "--extend-inexactly"]).exit_code == 0
    assert load(tmp_path / "run").config.steps == 120
