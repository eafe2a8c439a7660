"""What a program can get wrong in a call is refused in words, and moves no memory."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.clients import tools
from tests.clients.conftest import FOLDER, built

CPP = (
    "scout's observations are float32, not of the type that was asked for",  # int32_t is as wide as a float
    "scout's observations are float32, not of the type that was asked for",
    "there is no agent medic",
    "tank has no risk dial",
    "tank does not remember actions; executed() has no effect on it",
    "tank's mask has other numbers than 0 and 1",
    "batch is 0; expected at least 1",
)
JAVASCRIPT = (
    "tank's observation is Float32Array of 9; expected Float32Array of 10",
    "tank's observation is Float64Array of 10; expected Float32Array of 10",
    "tank's observation is object; expected Float32Array of 10",
    "there is no agent medic; this team has scout, tank",
    "availActions lacks tank",
    "tank's mask has other numbers than 0 and 1",
    "tank's mask is Uint8Array of 5; expected Uint8Array of 3",
    "tank (mixed) has no risk dial; leave riskLevel at 0",
    "riskLevel lacks tank",
    "scout's riskLevel is Float32Array of 2; expected Float32Array of 1",
    "riskLevel is null; expected a number, or one by agent id",
    "availActions is null; expected arrays by agent id",
    "observations is null; expected arrays by agent id",
    "tank does not remember actions; executed() has no effect on it",
    "scout's executed actions is 0.5; expected Int32Array of 1",
    "scout's executed actions is 5; expected Int32Array of 1",
    "scout's executed actions are 5; expected -1 to 4",
    "rows is Uint8Array of 2; expected Uint8Array of 1",
    "batch is 0; expected a whole number from 1 on",
    'onInvalid is raise; expected "throw" or "return"',
)


def test_calls_that_do_not_fit_are_refused_in_cpp(mixed: Path, tmp_path: Path) -> None:
    program = built("inputs.cpp", tmp_path, "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    _check([str(program), str(mixed)], CPP)


@pytest.mark.parametrize("package", ["onnxruntime-node", "onnxruntime-web"])
def test_calls_that_do_not_fit_are_refused_in_javascript(mixed: Path, package: str) -> None:
    _check(["node", str(FOLDER / "inputs.mjs"), str(tools.MODULES / package), str(mixed)], JAVASCRIPT)


def _check(command: list[str], expected: tuple[str, ...]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == [*(f"InputError: {line}" for line in expected), "same"]
