"""The JavaScript client's types, read by TypeScript as a user's program reads them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients import tools

CLIENT = tools.ROOT / "clients" / "javascript"
RIGHT = """
import { openTeam, RefusedError, TIE, TOLERANCE, type Answer, type Team } from "./rmix.mjs";
const read = async (name: string) => new Uint8Array(name.length);
const team: Team = await openTeam({}, read, { batch: 2, onInvalid: "return", sessionOptions: {} });
const answers: Record<string, Answer> = await team.act({ a: new Int8Array(2) }, { a: new Uint8Array(4) }, { a: 0.5 });
export const action: Int32Array = answers.a.action;
export const level: Float32Array | null = answers.a.riskLevelUsed;
team.reset(Uint8Array.of(1, 0));
team.executed({ a: Int32Array.of(0, -1) });
export const sum: number = TOLERANCE + TIE + (await team.check()).a.steps;
export const known = [RefusedError, team.agents, team.specs.a.n_actions];
"""
WRONG = (
    'await openTeam({}, read, { batch: "2" });',
    'await openTeam({}, read, { onInvalid: "raise" });',
    "await team.act({ a: [0, 0] }, { a: new Uint8Array(4) });",
    "team.executed({ a: new Float32Array(2) });",
)


@pytest.mark.parametrize("resolution", ["nodenext", "bundler"])
def test_types_are_found_and_hold_a_program_to_them(tmp_path: Path, resolution: str) -> None:
    first = len(RIGHT.splitlines()) + 1
    expected = [(f"{first + place}", "TS2322") for place in range(len(WRONG))]
    assert _complaints(RIGHT + "\n".join(WRONG), tmp_path, resolution) == expected


def test_every_export_has_a_type() -> None:
    exported = re.compile(r"^export (?:declare )?(?:async )?(?:function|class|const) (\w+)", re.MULTILINE)
    names = [exported.findall((CLIENT / name).read_text(encoding="utf-8")) for name in ("rmix.mjs", "rmix.d.mts")]
    assert sorted(names[0]) == sorted(names[1])
    assert "openTeam" in names[0]


def _complaints(text: str, place: Path, resolution: str) -> list[tuple[str, str]]:
    """Return line and number of TypeScript's errors in a program beside a copy of the client."""
    compiler = tools.MODULES / "typescript" / "bin" / "tsc"
    if not compiler.is_file():
        pytest.fail("typescript is missing; `make test-clients` installs it")
    for file in CLIENT.glob("rmix.*"):
        shutil.copy(file, place)
    (place / "program.mts").write_text(text, encoding="utf-8")
    module = "esnext" if resolution == "bundler" else resolution
    options = ["--noEmit", "--strict", "--target", "es2022", "--module", module, "--moduleResolution", resolution]
    done = subprocess.run(["node", compiler, *options, place / "program.mts"], capture_output=True, text=True)
    return re.findall(r"\((\d+),\d+\): error (TS\d+)", done.stdout)
