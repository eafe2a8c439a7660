"""What holds for every command."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from rmix_kit.cli.main import main
from rmix_kit.roster import ROSTER
from tests.fixtures.trained import Trained


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command that does something by itself, by its words."""
    context = click.Context(main, **main.context_settings)
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {below}", one) for below, one in command.commands.items())


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_command_takes_json(name: str) -> None:
    command = dict(commands())[name]
    assert "--json" in {option for parameter in command.params for option in parameter.opts}


def test_pictures_and_pages_are_told_in_json(trained: Trained, tmp_path: Path) -> None:
    run = str(trained.run)
    for words in (
        ("film", run, "--episodes", "1", "--out", str(tmp_path / "film.html")),
        ("plot", run, "--metric", "return_mean", "--out", str(tmp_path / "curve.png")),
    ):
        result = CliRunner().invoke(main, [*words, "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["out"] == words[-1]


WRONG = (
    "macn:",
    "nope:x",
    "macn:4x7?slip",
    "macn:4x77",
    "macn:4x7?slip=2",
    "macn:4x7?slp=1",
    "smac:9z",
    "didactic:clmb",
)


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_environment_text_is_wrong_usage_whatever_is_wrong_with_it(
    text: str, trained: Trained, tmp_path: Path
) -> None:
    for words in (
        ("train", "--algo", "vdn", "--steps", "10", "--out", str(tmp_path / "run"), "--env", text),
        ("evaluate", str(trained.run), "--env", text),
        ("run", str(trained.agents), "--env", text),
        ("film", str(trained.run), "--env", text, "--out", str(tmp_path / "film.html")),
    ):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 2, (words, result.output)
        assert "Traceback" not in result.output
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["train", "config"])
def test_algorithms_are_completed_without_torch_and_without_a_word(command: str) -> None:
    words = [command, *(["show"] if command == "config" else []), "--algo"]
    found = ShellComplete(main, {}, "rmix-kit", "_RMIX_KIT_COMPLETE").get_completions(words, "rm")
    assert [item.value for item in found] == [name for name in ROSTER if name.startswith("rm")]
