"""The Commands section of docs/contracts.md is what the command line does."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from rmix_kit.cli.main import main
from tests.architecture.contract_page import Option, Synopsis, section, span_after, spans, synopses
from tests.architecture.sources import ROOT
from tests.fixtures.trained import Trained


def live(synopsis: Synopsis) -> click.Command:
    """The command of the real command line."""
    module = importlib.import_module("rmix_kit.cli.main")
    (group,) = {value for value in vars(module).values() if isinstance(value, click.Group)}
    found: click.Command = group
    for name in synopsis.command.split():
        assert isinstance(found, click.Group)
        below = found.get_command(click.Context(found), name)
        assert below is not None, f"rmix-kit has no command {synopsis.command}"
        found = below
    return found


def live_option(synopsis: Synopsis, option: Option) -> click.Option:
    """The command's option of that name."""
    for parameter in live(synopsis).params:
        if isinstance(parameter, click.Option) and option.name in parameter.opts:
            return parameter
    raise AssertionError(f"rmix-kit {synopsis.command} has no {option.name}")


def rmix_kit(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the command line in a process of its own; the last line of its errors says whether torch was loaded."""
    program = (
        "import sys\n"
        "sys.argv[0] = 'rmix-kit'\n"
        "from rmix_kit.cli.main import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        "    print('\\ntorch' if 'torch' in sys.modules else '\\nno torch', file=sys.stderr, flush=True)\n"
    )
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def output_of(*arguments: str | Path) -> tuple[str, str]:
    """What the command prints, and "torch" or "no torch"."""
    done = rmix_kit(*arguments)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"
    return done.stdout, done.stderr.rstrip("\n").rpartition("\n")[2]


def test_commands_take_the_arguments_of_the_page() -> None:
    found = [
        f"{synopsis.command} takes {count} arguments, {len(synopsis.arguments)} on the page"
        for synopsis in synopses()
        if (count := sum(isinstance(parameter, click.Argument) for parameter in live(synopsis).params))
        != len(synopsis.arguments)
    ]
    assert not found, "\n".join(found)


def _complaints(option: Option, parameter: click.Option) -> Iterator[str]:
    """What the page says about the option and the command does otherwise."""
    if parameter.is_flag != (not option.values):
        yield "is a flag on one side only"
    if option.is_optional and parameter.required:
        yield "is optional on the page"
    if option.is_repeatable and not parameter.multiple:
        yield "is repeatable on the page"
    if option.choices:
        live_choices = set(parameter.type.choices) if isinstance(parameter.type, click.Choice) else set()
        if set(option.choices) != live_choices:
            yield f"has the choices {sorted(live_choices)}"
    if option.default is not None and parameter.default != option.default:
        yield f"has the default {parameter.default}"


def test_commands_have_the_options_of_the_page_with_their_choices_and_defaults() -> None:
    found = [
        f"{synopsis.command} {option.name} {complaint}"
        for synopsis in synopses()
        for option in synopsis.options
        for complaint in _complaints(option, live_option(synopsis, option))
    ]
    assert not found, "\n".join(found)


def test_help_of_commands_says_what_each_option_is_for() -> None:
    silent = [synopsis.command for synopsis in synopses() if not live(synopsis).help] + [
        f"{synopsis.command} {parameter.name}"
        for synopsis in synopses()
        for parameter in live(synopsis).params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert not silent, f"without help: {', '.join(silent)}"


def exit_codes() -> dict[str, int]:
    """The page's exit codes: failure, usage."""
    line = section("Commands")[section("Commands").index("Exit codes:") :]
    return {word: int(code) for code, word in re.findall(r"(\d+) (failure|usage)", line)}


def test_help_exits_with_zero() -> None:
    assert rmix_kit("--help").returncode == 0


def test_a_usage_error_exits_with_the_code_of_the_page() -> None:
    assert rmix_kit("train", "--no-such-option").returncode == exit_codes()["usage"]


def test_a_misspelt_command_is_answered_with_the_right_one() -> None:
    done = rmix_kit("evalute")
    assert done.returncode == exit_codes()["usage"]
    assert "evaluate" in done.stderr


def test_a_failure_exits_with_the_code_of_the_page_and_one_line(tmp_path: Path) -> None:
    done = rmix_kit("run", tmp_path)
    assert done.returncode == exit_codes()["failure"]
    error, *about_torch = done.stderr.strip().splitlines()
    assert error.startswith("Error: ")
    assert len(about_torch) == 2, done.stderr  # an empty line, and whether torch was loaded


def test_evaluate_prints_the_json_of_the_page(trained: Trained) -> None:
    done = CliRunner().invoke(main, ["evaluate", str(trained.run), "--episodes", "2", "--json"])
    assert done.exit_code == 0, done.output
    assert list(json.loads(done.stdout)) == span_after("print the same JSON:", section("Commands")).split()


def test_run_prints_the_json_of_the_page_without_loading_torch(trained: Trained) -> None:
    text, torch = output_of("run", trained.agents, "--format", "onnx", "--episodes", "2", "--json")
    assert list(json.loads(text)) == span_after("print the same JSON:", section("Commands")).split()
    assert torch == "no torch"


def test_exported_rmix_carries_the_tensors_of_the_page(trained: Trained) -> None:
    from exporters.runtime import OnnxTeam

    text = section("Policy tensors")
    carry = spans(text[text.index("the carry:") : text.index("Outputs:")])
    for agent in OnnxTeam(trained.agents).agents.values():
        assert [tensor.name for tensor in agent.spec.carry] == carry
