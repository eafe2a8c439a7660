"""Exit codes and the one line of an error."""

from __future__ import annotations

import errno
import signal
from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main
from rmix_kit.errors import Interrupted, RunFolderError
from rmix_kit.training import trainer

TRAIN = ["train", "--algo", "rmix", "--env", "macn:4x7", "--seed", "0", "--steps", "1", "--out"]


def _raising(error: BaseException) -> object:
    def train(*args: object, **kwargs: object) -> NoReturn:
        raise error

    return train


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Interrupted(signal.SIGINT), 130),
        (Interrupted(signal.SIGTERM), 143),
        (KeyboardInterrupt(), 130),
        (RunFolderError("the folder exists"), 1),
        (OSError(28, "No space left on device", "runs/a"), 1),
        (ValueError("two\nlines"), 1),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else str(value),
)
def test_the_exit_code_says_how_it_ended(
    error: BaseException, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "train", _raising(error))
    result = CliRunner().invoke(main, [*TRAIN, str(tmp_path / "run")])
    assert result.exit_code == code
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_where_there_is_no_room_the_line_names_the_file_and_says_what_to_do(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer, "train", _raising(OSError(number, "[Errno]", "a/file")))
    (line,) = CliRunner().invoke(main, [*TRAIN, str(tmp_path / "run")]).stderr.strip().splitlines()
    assert line.startswith("Error: a/file could not be written: ")
    assert line.endswith("; make room and give the command again with --resume")
    assert "[Errno]" not in line


@pytest.mark.parametrize("before", [True, False], ids=["before the command", "behind it"])
def test_debug_shows_where_it_happened(before: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "train", _raising(RunFolderError("the folder exists")))
    arguments = [*TRAIN, str(tmp_path / "run")]
    result = CliRunner().invoke(main, ["--debug", *arguments] if before else [*arguments, "--debug"])
    assert isinstance(result.exception, RunFolderError)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "nowhere"], "no such folder"),
        (["export", "nowhere", "--out", "agents"], "no such folder"),
        (["run", "nowhere"], "nowhere is not a folder"),
    ],
)
def test_a_failure_is_one_line(arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    (line,) = result.stderr.strip().splitlines()
    assert words in line


def test_a_run_in_place_of_exported_agents_is_told_to_be_exported(tmp_path: Path) -> None:
    run = tmp_path / "my run"
    run.mkdir()
    (run / "config.yaml").write_text("")
    (line,) = CliRunner().invoke(main, ["run", str(run)]).stderr.strip().splitlines()
    assert f"is a training run; export it first: rmix-kit export '{run}' --out agents" in line


@pytest.mark.parametrize("command", [["evaluate"], ["export", "--out", "again"]], ids=lambda words: words[0])
def test_exported_agents_in_place_of_a_run_are_told_to_be_run(command: list[str], tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{}")
    (line,) = CliRunner().invoke(main, [*command, str(tmp_path)]).stderr.strip().splitlines()
    assert "is no run: there is no config.yaml; what it holds looks exported, which rmix-kit run plays" in line


def test_an_environment_that_cannot_be_made_leaves_no_folder(tmp_path: Path) -> None:
    arguments = [word.replace("macn:4x7", "macn:4x77") for word in TRAIN]
    result = CliRunner().invoke(main, [*arguments, str(tmp_path / "run")])
    assert result.exit_code == 2
    assert "did you mean '4x7'" in result.stderr
    assert not (tmp_path / "run").exists()


def test_an_existing_folder_is_refused_without_resume(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("")
    result = CliRunner().invoke(main, [*TRAIN, str(tmp_path)])
    assert result.exit_code == 1
    assert "--resume" in result.stderr


def test_a_path_that_is_nothing_of_ours_is_a_usage_error(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["inspect", str(tmp_path)])
    assert result.exit_code == 2
    assert "neither a run" in result.stderr
