"""The Commands section of docs/contracts.md is what the command line does."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.architecture.contract_page import Option, Synopsis, section, span_after, spans, synopses
from tests.architecture.sources import ROOT

TRAIN = ["--algo", "rmix", "--env", "macn:4x7", "--seed", "0", "--steps", "200", "--num-envs", "2"]
each_command = pytest.mark.parametrize("synopsis", synopses(), ids=lambda synopsis: synopsis.command)


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


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of 200 steps."""
    folder = tmp_path_factory.mktemp("commands") / "run"
    output_of("train", *TRAIN, "--out", folder)
    return folder


@pytest.fixture(scope="module")
def bundle(run_folder: Path) -> Path:
    """The run's agents, exported."""
    folder = run_folder.parent / "agents"
    output_of("export", run_folder, "--out", folder, "--format", "onnx")
    return folder


@each_command
def test_command_takes_the_arguments_of_the_page(synopsis: Synopsis) -> None:
    arguments = [parameter for parameter in live(synopsis).params if isinstance(parameter, click.Argument)]
    assert len(arguments) == len(synopsis.arguments)


@each_command
def test_command_has_the_options_of_the_page(synopsis: Synopsis) -> None:
    for option in synopsis.options:
        parameter = live_option(synopsis, option)
        assert parameter.is_flag == (not option.values), option.name
        assert not (option.is_optional and parameter.required), f"{option.name} is optional on the page"
        assert parameter.multiple or not option.is_repeatable, f"{option.name} is repeatable on the page"


@each_command
def test_options_have_the_choices_and_defaults_of_the_page(synopsis: Synopsis) -> None:
    for option in synopsis.options:
        parameter = live_option(synopsis, option)
        if option.choices:
            assert isinstance(parameter.type, click.Choice), option.name
            assert set(option.choices) == set(parameter.type.choices), option.name
        if option.default is not None:
            assert parameter.default == option.default, option.name


@each_command
def test_help_of_a_command_says_what_each_option_is_for(synopsis: Synopsis) -> None:
    command = live(synopsis)
    assert command.help
    assert not [
        parameter.name for parameter in command.params if isinstance(parameter, click.Option) and not parameter.help
    ]


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
    done = rmix_kit("evaluate", tmp_path)
    assert done.returncode == exit_codes()["failure"]
    error, *about_torch = done.stderr.strip().splitlines()
    assert error.startswith("Error: ")
    assert len(about_torch) == 2, done.stderr  # an empty line, and whether torch was loaded


def test_evaluate_prints_the_json_of_the_page(run_folder: Path) -> None:
    text, _ = output_of("evaluate", run_folder, "--episodes", "2", "--json")
    assert list(json.loads(text)) == span_after("print the same JSON:", section("Commands")).split()


def test_run_prints_the_json_of_the_page_without_loading_torch(bundle: Path) -> None:
    text, torch = output_of("run", bundle, "--episodes", "2", "--json")
    assert list(json.loads(text)) == span_after("print the same JSON:", section("Commands")).split()
    assert torch == "no torch"


def test_exported_rmix_carries_the_tensors_of_the_page(bundle: Path) -> None:
    from exporters.runtime import OnnxTeam

    text = section("Policy tensors")
    carry = spans(text[text.index("the carry:") : text.index("Outputs:")])
    for agent in OnnxTeam(bundle).agents.values():
        assert [tensor.name for tensor in agent.spec.carry] == carry
