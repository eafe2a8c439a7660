"""Asking smac's interpreter, which may be another one than ours: a short process, a deadline, JSON."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rmix_kit.doctor.finding import Finding

VARIABLE = "RMIX_SMAC_PYTHON"
DEADLINE = 30.0
"""Seconds for an answer; a cold interpreter on a busy disk needs a few."""
_NAME = "smac's python"


def interpreter(python: str | None) -> tuple[str, str]:
    """Name the interpreter that has smac, and who chose it.

    Args:
        python: A path or a command's name; None for the environment variable, or else our own interpreter.
    """
    if python:
        return python, "--smac-python"
    if chosen := os.environ.get(VARIABLE):
        return chosen, VARIABLE
    return sys.executable, "the interpreter of rmix-kit"


def ask(python: str | None) -> tuple[Finding, dict[str, Any] | None]:
    """Run the probe.

    Args:
        python: The interpreter; None for the default one.

    Returns:
        What became of it, and the probe's report, None if there is none.
    """
    path, chosen_by = interpreter(python)
    where = f"{path} ({chosen_by})"
    fix = f"{shlex.quote(sys.executable)} -m venv ~/smac-venv && export {VARIABLE}=~/smac-venv/bin/python"
    if chosen_by == VARIABLE:
        fix = f"unset {VARIABLE}  # or let it name a Python that has smac"
    if shutil.which(path) is None:
        reason = "is not executable" if Path(path).exists() else "does not exist"
        return Finding(name=_NAME, status="problem", found=f"{where} {reason}", fix=fix), None
    code, text, errors = run([path, str(Path(__file__).with_name("probe.py"))], deadline=DEADLINE)
    if code is None:
        return Finding(name=_NAME, status="problem", found=f"{where} gave no answer in {DEADLINE:g} s", fix=fix), None
    try:
        report = json.loads(text.splitlines()[-1]) if code == 0 else None
    except (ValueError, IndexError):
        report = None
    if not isinstance(report, dict) or "versions" not in report:
        ending = (errors.strip().splitlines() or [f"exit code {code}"])[-1]
        found = f"{where} is no Python that can be asked (3.8 or newer): {ending}"
        return Finding(name=_NAME, status="problem", found=found, fix=fix), None
    # The name under which the user knows it, which is what a fix must call.
    return Finding(name=_NAME, status="ok", found=f"{report['python']}, {where}"), {**report, "executable": path}


def run(
    command: Sequence[str], *, deadline: float, environment: Mapping[str, str] | None = None
) -> tuple[int | None, str, str]:
    """Run a program in a session of its own, and end everything in it.

    Args:
        command: Program and arguments.
        deadline: Seconds after which it is killed.
        environment: Variables to add.

    Returns:
        The exit code (None: the deadline passed), standard output and standard error.
    """
    # Files, not pipes: a game that outlives its starter would hold a pipe open for ever.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        except OSError as error:
            return 126, "", f"{command[0]}: {error.strerror}"
        try:
            code: int | None = process.wait(timeout=deadline)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        texts = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode("utf-8", "replace"))
        return code, texts[0], texts[1]
