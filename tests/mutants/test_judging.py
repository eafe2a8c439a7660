from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.mutants.judging import plant
from tests.mutants.mutants import mutants_of

ROOT = Path(__file__).resolve().parents[2]
PROJECT = {
    "pyproject.toml": "[tool.pytest.ini_options]\npythonpath = ['.']\naddopts = ['--import-mode=importlib']\n",
    "rmix_kit/__init__.py": "",
    "rmix_kit/risk/__init__.py": "",
    "rmix_kit/risk/a.py": """
        LIMIT = 5 - 4


        def low(a, b):
            return min(a, b)


        def unseen(a, b):
            return a < b


        def forever(n):
            while n > 0:
                n -= 1
            return n


        assert LIMIT
        """,
    "tests/risk/test_a.py": """
        from rmix_kit.risk.a import forever, low


        def test_low():
            assert low(1, 2) == 1


        def test_end():
            assert forever(3) == 0
        """,
    "tests/risk/test_unrelated.py": """
        from rmix_kit.risk import a


        def test_nothing():
            assert a.LIMIT < 99
        """,
}
# In a process of its own: a fork of one that runs pytest already, or that has other threads, would not be clean.
PROGRAM = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from tests.mutants import judging, looks
from tests.mutants.mutants import mutants_of
from tests.mutants.sample import AREAS

judging.PATIENCE_SECONDS = 2.0
project, scratch = map(Path, sys.argv[1:])
file = "rmix_kit/risk/a.py"
wanted = {"min -> max", "a < b -> a <= b", "n -= 1 -> pass", "5 - 4 -> 5 + 4", "4 -> 5"}
found = [mutant for mutant in mutants_of(file, (project / file).read_text()) if mutant.change in wanted]
rows = [asdict(row) for row in judging.judge(project, scratch, [("risk", mutant) for mutant in found], workers=2)]
kept = json.loads((project / looks.KEPT).read_text())
print(json.dumps({"rows": rows, "looks": kept}))
"""


def run(project: Path, scratch: Path) -> subprocess.CompletedProcess[str]:
    scratch.mkdir()
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, str(project), str(scratch)], cwd=ROOT, capture_output=True, text=True
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mutants") / "project"
    for name, text in PROJECT.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(dedent(text))
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


@pytest.fixture(scope="module")
def judged(project: Path) -> dict[str, Any]:
    finished = run(project, project.parent / "scratch")
    assert finished.returncode == 0, finished.stderr
    told: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return told


@pytest.mark.parametrize(
    ("change", "outcome", "test"),
    [
        ("min -> max", "caught", "tests/risk/test_a.py::test_low"),
        ("a < b -> a <= b", "survived", "none of 2 files"),  # none calls it, so both are asked
        ("n -= 1 -> pass", "timeout", "tests/risk/test_a.py::test_end"),
        ("5 - 4 -> 5 + 4", "survived", "none of 1 files"),  # the other only imports it
        ("4 -> 5", "incompetent", "(collecting)"),
    ],
)
def test_a_mutant_gets_its_outcome(judged: dict[str, Any], change: str, outcome: str, test: str) -> None:
    row = next(row for row in judged["rows"] if row["change"] == change)
    assert row["outcome"] == outcome
    assert row["test"].endswith(test)  # the quicker file comes first, and two as quick as these take turns


def test_the_first_look_sees_who_calls_what(judged: dict[str, Any]) -> None:
    called = {file: look["reached"]["rmix_kit/risk/a.py"] for file, look in judged["looks"].items()}
    assert called == {
        "tests/risk/test_a.py": ["()", "<module>", "forever", "low"],
        "tests/risk/test_unrelated.py": ["<module>"],
    }


def test_planting_forgets_what_was_compiled(tmp_path: Path) -> None:
    source = "def f(a, b):\n    return a - b\n"
    (tmp_path / "a.py").write_text(source)
    compiled = Path(cache_from_source(str(tmp_path / "a.py")))
    compiled.parent.mkdir()
    compiled.touch()
    (mutant,) = (mutant for mutant in mutants_of("a.py", source) if mutant.change == "a - b -> a + b")
    plant(mutant, tmp_path)
    assert (tmp_path / "a.py").read_text() == "def f(a, b):\n    return (a + b)\n"
    assert not compiled.exists()


def test_the_checkout_is_not_touched(project: Path, judged: dict[str, Any]) -> None:
    assert (project / "rmix_kit/risk/a.py").read_text() == dedent(PROJECT["rmix_kit/risk/a.py"])


def test_no_mutant_is_judged_where_the_tests_fail_without_one(project: Path, judged: dict[str, Any]) -> None:
    broken = project / "tests" / "risk" / "test_broken.py"
    broken.write_text("def test_broken():\n    assert 1 == 2\n")
    finished = run(project, project.parent / "scratch-broken")
    broken.unlink()
    assert finished.returncode == 1
    assert "first look at 1 of 3 test files" in finished.stdout  # the others are known already
    assert "tests/risk/test_broken.py::test_broken" in finished.stderr
