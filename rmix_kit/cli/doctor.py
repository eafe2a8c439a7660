"""``rmix-kit doctor``."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rmix_kit.cli.kit import EXTRAS, FAILURE, CommandError, KitCommand
from rmix_kit.cli.output import print_json

if TYPE_CHECKING:
    from rmix_kit.doctor.starcraft import Finding

COLOURS = {"ok": "green", "warning": "yellow", "problem": "bold red", "absent": "dim"}
WITHOUT_STARCRAFT = (
    "macn:, matrix:, didactic:, gymnasium: and pettingzoo: environments",
    "smac: environments with backend=builtin, a simulator with SMAC's observations, masks and rewards (its win rates "
    "are not StarCraft's)",
    "training, evaluation, export and running exported agents",
)
_LIBRARIES = ("torch", "onnx", "onnxruntime")
_ASK_LIBRARIES = """
import importlib, json
found = {}
for name in %r:
    try:
        module = importlib.import_module(name)
        found[name] = {"cuda": module.cuda.is_available() if name == "torch" else False}
    except Exception as error:
        found[name] = {"error": f"{type(error).__name__}: {error}"}
print("\\n" + json.dumps(found))
"""
_LIBRARY_SECONDS = 120.0


@click.command("doctor", cls=KitCommand)
@click.option("--smac-python", metavar="PATH", help="Python that has smac; by default RMIX_SMAC_PYTHON, or this one.")
@click.option(
    "--sc2-path",
    type=click.Path(path_type=Path),
    help="Folder of StarCraft II; by default SC2PATH, or ~/StarCraftII.",
)
@click.option(
    "--games", default=1, show_default=True, type=click.IntRange(min=1), help="Games at once, for the memory."
)
@click.option(
    "--gib-per-game",
    type=click.FloatRange(min=0.0, min_open=True),
    help="Memory that one game needs; by default an assumption, which is printed.",
)
@click.option("--launch", is_flag=True, help="Start the game, join a battle and end it (at most three minutes).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def command(
    smac_python: str | None, sc2_path: Path | None, games: int, gib_per_game: float | None, launch: bool, as_json: bool
) -> None:
    """Check this installation and StarCraft's, and say how to repair what is broken.

        rmix-kit doctor
        rmix-kit doctor --games 8
        rmix-kit doctor --smac-python ~/smac-venv/bin/python --launch

    Each fix is one line for a shell. Nothing is changed, and no game is started without --launch. The exit code is 0
    if StarCraft works or is simply not installed, 1 if something that is installed is broken.
    """
    from rmix_kit.doctor.starcraft import examine, is_starcraft_absent

    ours = examine_kit()
    starcraft = examine(smac_python, sc2_path, games, gib_per_game=gib_per_game, launch=launch)
    broken = [finding.name for finding in (*ours, *starcraft) if finding.status == "problem"]
    is_broken = any(finding.status == "problem" for finding in starcraft)
    state = "broken" if is_broken else "absent" if is_starcraft_absent(starcraft) else "ready"
    if as_json:
        print_json(
            {
                "starcraft": state,
                "works_without_starcraft": list(WITHOUT_STARCRAFT),
                "rmix_kit": [_record(finding) for finding in ours],
                "findings": [_record(finding) for finding in starcraft],
            }
        )
    else:
        _print_part("rmix-kit", ours)
        click.echo("")
        _print_part("StarCraft", starcraft)
        click.echo("")
        _print_end(state)
    if broken:
        many = f"{len(broken)} problem{'s' if len(broken) > 1 else ''}: {', '.join(broken)}"
        raise CommandError(f"{many}; the fix stands beside each", FAILURE)


def examine_kit() -> list[Finding]:
    """Check what rmix-kit itself needs: the interpreter, the base, each extra, a GPU."""
    from rmix_kit.doctor.starcraft import Finding

    found = f"{platform.python_version()}, {sys.executable}"
    findings = [Finding(name="python", status="ok", found=found), _base()]
    extras = {extra: [name for name in EXTRAS if EXTRAS[name] == extra] for extra in dict.fromkeys(EXTRAS.values())}
    answers = _imported([name for name in _LIBRARIES if _version(name)])
    for extra, names in extras.items():
        findings.append(_extra(extra, names, answers))
    if "error" not in answers.get("torch", {"error": ""}):
        has_cuda = answers["torch"]["cuda"]
        found = "available" if has_cuda else "not available; training runs on the CPU"
        findings.append(Finding(name="CUDA", status="ok" if has_cuda else "absent", found=found))
    return findings


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _base() -> Finding:
    """Play one step of MACN."""
    from rmix_kit.doctor.starcraft import Finding

    version = _version("rmix-kit") or "run from its sources"
    fix = f"{shlex.quote(sys.executable)} -m pip install --upgrade --force-reinstall rmix-kit"
    try:
        from rmix_kit.envs.make import make_vector_env

        envs = make_vector_env("macn:4x7", 1)
        envs.reset([0])
        envs.close()
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the installation is the finding
        found = f"{version}; macn:4x7 cannot be played: {type(error).__name__}: {error}"
        return Finding(name="base", status="problem", found=found, fix=fix)
    return Finding(name="base", status="ok", found=f"rmix-kit {version}; macn:4x7 can be played")


def _imported(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Import libraries in a process of its own, so that a broken one breaks nothing here."""
    from rmix_kit.doctor.starcraft.interpreter import run

    if not names:
        return {}
    command = [sys.executable, "-c", _ASK_LIBRARIES % (tuple(names),)]
    code, text, errors = run(command, deadline=_LIBRARY_SECONDS)
    try:
        answers: dict[str, dict[str, Any]] = json.loads(text.splitlines()[-1])
    except (ValueError, IndexError):
        ending = "no answer in time" if code is None else (errors.strip().splitlines() or [f"exit code {code}"])[-1]
        return {name: {"error": ending} for name in names}
    return answers


def _extra(extra: str, names: Sequence[str], answers: dict[str, dict[str, Any]]) -> Finding:
    """Judge one extra of the distribution."""
    from rmix_kit.doctor.starcraft import Finding

    name, fix = f"extra {extra}", f"{shlex.quote(sys.executable)} -m pip install 'rmix-kit[{extra}]'"
    versions = {library: _version(library) for library in names}
    errors = [f"{library}: {answers[library]['error']}" for library in names if "error" in answers.get(library, {})]
    if errors:
        return Finding(name=name, status="problem", found=f"cannot be imported: {'; '.join(errors)}", fix=fix)
    missing = [library for library, version in versions.items() if version is None]
    present = ", ".join(f"{library} {version}" for library, version in versions.items() if version)
    if not missing:
        return Finding(name=name, status="ok", found=present)
    found = f"{present + '; ' if present else ''}not installed: {', '.join(missing)}"
    return Finding(name=name, status="absent", found=found, fix=fix)


def _record(finding: Finding) -> dict[str, str]:
    return {"name": finding.name, "status": finding.status, "found": finding.found, "fix": finding.fix}


def _print_part(title: str, findings: Sequence[Finding]) -> None:
    """Print findings: a table in a terminal, lines elsewhere; fixes always in lines of their own, to be copied."""
    console = Console(highlight=False)
    if console.is_terminal:
        table = Table(title=title, title_justify="left")
        for column in ("", "what", "found"):
            table.add_column(column, overflow="fold")
        for finding in findings:
            table.add_row(Text(finding.status, style=COLOURS[finding.status]), finding.name, Text(finding.found))
        console.print(table)
        for finding in findings:
            if finding.fix:
                click.echo(f"{finding.name}:\n    {finding.fix}")
        return
    click.echo(title)
    for finding in findings:
        click.echo(f"  {finding.status:8} {finding.name}: {finding.found}")
        if finding.fix:
            click.echo(f"           fix: {finding.fix}")


def _print_end(state: str) -> None:
    if state == "ready":
        click.echo("StarCraft: nothing speaks against it.")
        return
    reason = "is not installed" if state == "absent" else "does not work yet"
    click.echo(f"StarCraft {reason}. What works without it:")
    for line in WITHOUT_STARCRAFT:
        click.echo(f"  {line}")
