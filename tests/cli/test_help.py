"""The command line teaches: examples, suggestions, completion."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from rmix_kit.cli.kit import CommandError, _one_line
from rmix_kit.cli.main import main

COMMANDS = [
    *("train", "evaluate", "export", "run", "film", "page", "inspect", "sweep", "report", "plot", "reproduce"),
    *("algos", "envs", "config", "doctor"),
]
TRAIN = ["train", "--env", "macn:4x7", "--seed", "0", "--steps", "1", "--out", "nowhere"]


def test_commands_come_in_the_order_of_work() -> None:
    assert main.list_commands(click.Context(main)) == COMMANDS


def test_help_names_every_command_and_how_to_complete() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    assert "_RMIX_KIT_COMPLETE" in result.stdout
    assert all(f"\n  {name} " in result.stdout for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_shows_an_example_as_it_is_typed(name: str) -> None:
    result = CliRunner().invoke(main, [name, "--help"])
    assert result.exit_code == 0
    assert f"\n    rmix-kit {name}" in result.stdout


def test_nothing_at_all_shows_the_help() -> None:
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert "Usage:" in result.stderr


def test_version_is_told() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert (result.exit_code, result.stdout.split()[0]) == (0, "rmix-kit")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["evalute"], "evaluate"),
        ([*TRAIN, "--algo", "rmx"], "rmix"),
        ([*TRAIN, "--algo", "rmix", "--preset", "rmix-papr"], "rmix-paper"),
        (["train", "--algo", "rmix", "--env", "mcan:4x7"], "macn"),
        (["train", "--alog", "rmix"], "--algo"),
        ([*TRAIN, "--algo", "rmix", "--device", "cud"], "cuda"),
        (["run", "nowhere", "--format", "onx"], "onnx"),
        (["evaluate", "nowhere", "--checkpoint", "lst"], "last"),
        (["evaluate", "nowhere", "--risk-level", "dynamc"], "dynamic"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_right_one(arguments: list[str], meant: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.strip().splitlines()
    assert f"id you mean {meant!r}" in line
    assert "--help" in line


@pytest.mark.parametrize("level", ["-1", "1.5", "nan"])
def test_a_risk_level_outside_its_range_is_refused(level: str) -> None:
    result = CliRunner().invoke(main, ["run", "nowhere", "--risk-level", level])
    assert result.exit_code == 2
    assert "(0, 1]" in result.stderr


def _completions(words: str) -> list[str]:
    environment = {
        "_RMIX_KIT_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    result = CliRunner().invoke(main, [], env=environment, prog_name="rmix-kit")
    return [line.split(",", 1)[1] for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("rmix-kit ev", ["evaluate"]),
        ("rmix-kit train --env macn:4x1", ["macn:4x11", "macn:4x12", "macn:4x15"]),
        ("rmix-kit train --algo rmix-", ["rmix-averse"]),
        ("rmix-kit evaluate run --checkpoint b", ["best"]),
        ("rmix-kit run agents --risk-level d", ["dynamic"]),
    ],
)
def test_words_are_completed(words: str, found: list[str]) -> None:
    assert _completions(words) == found


@pytest.mark.parametrize(("module", "extra"), [("torch", "train"), ("onnxruntime.capi", "runtime"), ("onnx", "export")])
def test_a_missing_library_is_answered_with_its_extra(module: str, extra: str) -> None:
    assert f"rmix-kit[{extra}]" in _one_line(ModuleNotFoundError(f"No module named {module!r}", name=module))


def test_an_error_of_the_command_line_is_a_click_exception() -> None:
    assert issubclass(CommandError, click.ClickException)
