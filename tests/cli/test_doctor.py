"""`rmix-kit doctor` tells what is broken, gives the line that repairs it, and ends with the right exit code."""

from __future__ import annotations

import json
import platform
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from rmix_kit.cli import doctor
from rmix_kit.cli.main import main
from tests.fixtures.broken_starcraft import BROKEN, enter_empty_home
from tests.fixtures.starcraft import Fake, whole

linux = pytest.mark.skipif(platform.system() != "Linux", reason="the fake game is a program of Linux")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter_empty_home(monkeypatch, tmp_path)
    return tmp_path


@pytest.fixture
def light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Import no library for the sake of a test about StarCraft."""
    monkeypatch.setattr(doctor, "_LIBRARIES", ())


def run(fake: Fake, *options: object) -> Result:
    words = ["doctor", "--smac-python", fake.python, *options]
    return CliRunner().invoke(main, [str(word) for word in words])


def as_json(result: Result) -> Any:
    return json.loads(result.stdout)


@linux
@pytest.mark.usefixtures("light")
def test_a_whole_installation_exits_with_zero(home: Path) -> None:
    result = run(whole(home), "--json")
    assert (result.exit_code, as_json(result)["starcraft"]) == (0, "ready")
    assert result.stderr == ""


@pytest.mark.usefixtures("light")
def test_no_starcraft_at_all_exits_with_zero_and_says_what_works(home: Path) -> None:
    fake = Fake(home=home)
    fake.add_python()
    result = run(fake)
    assert result.exit_code == 0
    assert "StarCraft is not installed. What works without it:" in result.stdout
    assert "backend=builtin" in result.stdout
    assert as_json(run(fake, "--json"))["starcraft"] == "absent"


@linux
@pytest.mark.usefixtures("light")
@pytest.mark.parametrize("name", sorted(set(BROKEN) - {"no answer"}))
def test_a_broken_installation_exits_with_one_and_prints_the_fix(name: str, home: Path) -> None:
    broken, fake = BROKEN[name], whole(home)
    broken.damage(fake)
    result = run(fake, *(option.format(home=home) for option in broken.options))
    assert result.exit_code == 1
    (error,) = result.stderr.splitlines()
    assert broken.check in error
    (line,) = [line for line in result.stdout.splitlines() if line.startswith(f"  problem  {broken.check}: ")]
    assert broken.found in line
    following = result.stdout.splitlines()[result.stdout.splitlines().index(line) + 1]
    assert following.startswith("           fix: ")
    assert broken.fix in following
    assert shlex.split(following, comments=True)


@linux
@pytest.mark.usefixtures("light")
def test_json_has_every_finding_and_stands_alone(home: Path) -> None:
    fake = whole(home)
    BROKEN["smac3"].damage(fake)
    result = run(fake, "--json")
    record = as_json(result)
    assert (result.exit_code, record["starcraft"]) == (1, "broken")
    assert record["works_without_starcraft"]
    assert all(set(entry) == {"name", "status", "found", "fix"} for entry in (*record["findings"], *record["rmix_kit"]))
    assert [entry["name"] for entry in record["findings"] if entry["status"] == "problem"] == ["smac"]


@linux
@pytest.mark.usefixtures("light")
def test_a_fix_is_one_line_in_a_narrow_terminal_too(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def terminal(**options: Any) -> Console:
        return Console(force_terminal=True, width=60, **options)

    monkeypatch.setattr(doctor, "Console", terminal)
    fake = whole(home)
    BROKEN["no smac"].damage(fake)
    lines = run(fake).stdout.splitlines()
    fix = lines[lines.index("smac:") + 1]
    assert fix.endswith("pysc2==4.0.0")


def test_games_beyond_the_memory_are_a_warning_only(home: Path) -> None:
    fake = Fake(home=home)
    fake.add_python()
    result = run(fake, "--games", 10**6, "--json")
    (memory,) = [entry for entry in as_json(result)["findings"] if entry["name"] == "memory"]
    assert (result.exit_code, memory["status"]) == (0, "warning")


@pytest.mark.parametrize("options", [["--games", "0"], ["--gib-per-game", "0"]])
def test_impossible_numbers_are_a_usage_error(options: list[str]) -> None:
    assert CliRunner().invoke(main, ["doctor", *options]).exit_code == 2


def test_the_libraries_of_the_extras_are_told_with_their_versions() -> None:
    import torch

    findings = {finding.name: finding for finding in doctor.examine_kit()}
    assert findings["python"].found == f"{platform.python_version()}, {sys.executable}"
    assert findings["base"].status == "ok"
    assert f"torch {torch.__version__}" in findings["extra train"].found
    assert findings["CUDA"].status == ("ok" if torch.cuda.is_available() else "absent")


def test_a_library_that_cannot_be_imported_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"onnx": {"error": "ImportError: cannot import name 'runtime_version' from 'google.protobuf'"}}
    monkeypatch.setattr(doctor, "_imported", lambda names: answers)
    findings = {finding.name: finding for finding in doctor.examine_kit()}
    assert findings["extra export"].status == "problem"
    assert "runtime_version" in findings["extra export"].found
    assert "rmix-kit[export]" in findings["extra export"].fix


def test_a_missing_library_is_answered_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: None)
    findings = {finding.name: finding for finding in doctor.examine_kit()}
    assert findings["extra runtime"].status == "absent"
    assert findings["extra runtime"].fix.endswith("install 'rmix-kit[runtime]'")


def test_a_library_that_ends_the_process_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_ASK_LIBRARIES", "%r; import os; os._exit(139)")
    assert doctor._imported(["torch"]) == {"torch": {"error": "exit code 139"}}


def test_a_base_that_cannot_play_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rmix_kit.envs.make", None)
    assert doctor._base().status == "problem"
