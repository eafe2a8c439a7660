"""Commands and code of the documents work: run where that is short, otherwise read as the command line reads them."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import click
import numpy as np
import pytest
from click.testing import CliRunner

import macn
import rmix_kit
from rmix_kit.cli.main import main
from rmix_kit.cli.train import refuse_missing
from rmix_kit.config.load import resolve
from tests.documented import ROOT, Line, lines, python_blocks
from tests.fixtures.trained import Trained

KIT = [line for line in lines("rmix-kit") if not re.search(r"\[--|\w\|\w", line.text)]
"""But for the synopses of contracts.md, which have a test of their own."""
SHORT = ("run", "film", "algos", "config", "inspect", "export")
LONG_OPTIONS = ("--frontier", "--risk-levels")
RUNS = ("runs/first", "runs/rmix", "runs/averse", "runs/dial")


def _here(word: str) -> str:
    """Name the checkpoint that there is."""
    steps = list(Path().glob(word.replace("step_10000", "step_*"))) if "step_10000" in word else []
    return str(steps[0]) if steps else word


def context_of(line: Line) -> click.Context:
    """The command line, read to its end; nothing is run."""
    words = [_here(word) for word in line.words if word != "..."]
    group: click.Command = main
    context = click.Context(main, info_name="rmix-kit", **main.context_settings)
    rest = words[1:]
    while isinstance(group, click.Group) and rest and not rest[0].startswith("-"):
        found = group.get_command(context, {"replay": "film"}.get(rest[0], rest[0]))
        assert found is not None, f"there is no command {rest[0]}"
        group, rest = found, rest[1:]
    is_mention = not line.is_whole or all(word.startswith("--") for word in rest)
    if not is_mention:
        return group.make_context(group.name, rest, parent=context)
    for option in (word for word in rest if word.startswith("--")):
        known = {name for parameter in group.params for name in parameter.opts} | {"--help"}
        assert option in known, f"there is no {option}"
    return context


@pytest.mark.parametrize("line", KIT, ids=str)
def test_a_command_is_one_that_the_command_line_takes(
    line: Line, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    parameters = context_of(line).params
    for word in line.words:
        if word.startswith(("examples/", "benchmarks/")) and "out" not in parameters.get("out", Path()).parts:
            assert (ROOT / word).exists(), word


@pytest.mark.parametrize("line", [line for line in KIT if line.is_whole and "train --algo" in line.text], ids=str)
def test_a_run_is_one_that_can_be_trained(line: Line) -> None:
    given = context_of(line).params
    refuse_missing({"--algo": given["algo"], "--env": given["env"], "--steps": given["steps"]}, given["config"])
    seeds = given.pop("seeds") or (given.pop("seed"),)
    names = ("algo", "env", "steps", "preset", "overrides", "num_envs", "checkpoint_every", "device")
    config = resolve(**{name: given[name] for name in names}, seed=seeds[0], report=lambda text: None)
    assert config.steps == given["steps"]


@pytest.mark.parametrize("line", lines("make"), ids=str)
def test_make_has_the_target(line: Line) -> None:
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    for word in line.words[1:]:
        assert "=" in word or word in targets, word


@pytest.mark.parametrize("line", [line for line in lines("python") if line.words[1].endswith(".py")], ids=str)
def test_a_program_is_there_and_has_the_options(line: Line) -> None:
    program = line.words[1].replace("agents/client.py", "exporters/standalone.py")  # which every export holds
    text = (ROOT / program).read_text(encoding="utf-8")
    for option in (word for word in line.words[2:] if word.startswith("--")):
        assert f'"{option}"' in text, option


@pytest.mark.parametrize("line", lines("pip"), ids=str)
def test_what_is_to_be_installed_is_an_extra(line: Line) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    for named in re.findall(r"(?:rmix-kit|\.)\[([\w,-]+)\]", line.text):
        assert set(named.split(",")) <= set(extras)


@pytest.fixture(scope="module")
def workplace(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which what the documents speak of lies: runs, exported agents, examples."""
    folder = tmp_path_factory.mktemp("documented")
    for name in RUNS:
        shutil.copytree(trained.run, folder / name)
    shutil.copytree(trained.agents, folder / "agents")
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def _is_short(line: Line) -> bool:
    words = line.text.split()
    is_known = "docs" not in line.page or "commands.md" not in line.page
    small = not any(option in line.text for option in LONG_OPTIONS) and (
        "--dry-run" in words or (len(words) > 2 and words[1] in SHORT)
    )
    named = {word for word in words if word.startswith("runs/") or word == "agents"}
    return is_known and small and line.is_whole and named <= {*RUNS, "agents"} and "smac:MMM2" not in line.text


@pytest.mark.parametrize("line", [line for line in KIT if _is_short(line)], ids=str)
def test_a_short_command_runs(line: Line, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    words = [_here(word) for word in line.words[1:]]
    if "--out" in words and words[0] != "sweep":  # folders that one line makes are others' input
        place = words.index("--out") + 1
        words[place] = f"made/{line.page}/{line.number}/{words[place]}"
        Path(words[place]).parent.mkdir(parents=True)
    if words[0] == "run" and words[1] not in ("agents",):
        words[1] = "agents"
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(("page", "code"), python_blocks(), ids=[page for page, _ in python_blocks()])
def test_python_runs(page: str, code: str, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(workplace)
    run = rmix_kit.load("runs/rmix")
    observations, infos = macn.parallel_env(layout="4x7", include_position=True).reset(seed=0)
    masks = {name: np.asarray(info["action_mask"], dtype=bool) for name, info in infos.items()}
    exec(
        compile(code, page, "exec"), {"policies": run.policies(), "observations": observations, "avail_actions": masks}
    )
