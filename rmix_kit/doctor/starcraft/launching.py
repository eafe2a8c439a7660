"""Starting the game once, through smac's own interpreter."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rmix_kit.doctor.finding import Finding
from rmix_kit.doctor.starcraft.game import INSTALL, PROGRAM, bases
from rmix_kit.doctor.starcraft.interpreter import interpreter, run

LAUNCH_SECONDS = 180
"""Seconds for the game to start and to load a map; the first start of an installation is the slowest."""
_NAME = "launch"


def examine_launch(
    findings: Sequence[Finding], *, asked_python: str | None, folder: Path, seconds: int = LAUNCH_SECONDS
) -> Finding:
    """Start the game, ask its version, join a battle, and end it.

    Args:
        findings: What was found so far; the game is not started into a known problem.
        asked_python: Interpreter that has smac; None for the default one.
        seconds: Deadline for everything.
    """
    versions = bases(folder)
    broken = [finding.name for finding in findings if finding.status == "problem"]
    if broken or not versions:
        reason = f"first repair {', '.join(broken)}" if broken else "there is no game"
        return Finding(name=_NAME, status="absent", found=f"not started: {reason}")
    program = versions[-1][1] / PROGRAM
    path, _ = interpreter(asked_python)
    script = str(Path(__file__).with_name("starter.py"))
    command = [path, script, str(program), str(folder), str(max(seconds - 5, 1))]
    code, text, errors = run(command, deadline=seconds, environment={"SC2PATH": str(folder)})
    if code is None:
        found = f"{program} was not ready within {seconds} s, and was ended"
        return Finding(
            name=_NAME, status="problem", found=found, fix="rmix-kit doctor --launch  # once more, or: " + INSTALL
        )
    try:
        answer = json.loads(text.splitlines()[-1])
        is_fine, found = bool(answer["ok"]), str(answer["found"])
    except (ValueError, IndexError, KeyError, TypeError):
        is_fine, found = False, (errors.strip().splitlines() or [f"exit code {code}"])[-1]
    if is_fine:
        return Finding(name=_NAME, status="ok", found=found)
    fix = INSTALL
    if "GLIBC" in found:
        fix = "ldd --version  # the game needs a newer system, or a container of one"
    return Finding(name=_NAME, status="problem", found=found, fix=fix)
