"""A slice of `make test-faults`: a few cases of every family, and what the corpus itself relies on."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.base import build
from tests.faults.corpus import batches, faults, run
from tests.faults.families import FAMILIES
from tests.faults.sandbox import Bait, can_confine

CASES = 125
ROOT = Path(__file__).parents[2]
needs_landlock = pytest.mark.skipif(not can_confine(), reason="needs Landlock, of Linux 6.2 or newer")


@needs_landlock
def test_a_slice_of_the_corpus_holds(tmp_path: Path) -> None:
    canary = Bait(tmp_path / "canary")
    build(tmp_path / "base")
    results = run(tmp_path, cases=CASES)
    assert faults(results) == []
    assert {result["family"] for result in results} == set(FAMILIES)
    assert canary.what_changed() == ""


def test_cases_are_shared_out_once_each() -> None:
    found = [(s.family, n) for batch in batches(10_000, tuple(FAMILIES)) for s in batch for n in range(s.first, s.end)]
    assert len(found) == len(set(found))
    assert abs(len(found) - 10_000) <= len(FAMILIES)


CONFINED = """
import os, sys
from pathlib import Path
from tests.faults.sandbox import confine
inside, outside = map(Path, sys.argv[1:])
confine(inside)
(inside / "new").write_text("x")
os.remove(inside / "new")
refused = []
for change in (
    lambda: (outside / "new").write_text("x"),
    lambda: (outside / "canary.txt").write_text("x"),
    lambda: os.truncate(outside / "canary.txt", 0),
    lambda: os.remove(outside / "canary.txt"),
    lambda: os.rename(outside / "canary.txt", inside / "taken"),
    lambda: os.link(outside / "canary.txt", inside / "second"),
    lambda: (outside / "folder").mkdir(),
    lambda: os.symlink("x", outside / "link"),
    lambda: os.mkfifo(outside / "pipe"),
    lambda: os.rmdir(outside / "inner"),
):
    try:
        change()
    except OSError:
        refused.append(change)
print(len(refused))
"""


@needs_landlock
def test_a_confined_process_changes_nothing_outside(tmp_path: Path) -> None:
    bait = Bait(tmp_path / "outside")
    (tmp_path / "inside").mkdir()
    words = [sys.executable, "-c", CONFINED, str(tmp_path / "inside"), str(bait.folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "10\n"
    assert bait.what_changed() == ""


def test_bait_notices_what_is_done_to_it(tmp_path: Path) -> None:
    for number, change in enumerate(
        (
            lambda folder: (folder / "canary.txt").write_text("x"),
            lambda folder: (folder / "new").touch(),
            lambda folder: (folder / "canary.txt").unlink(),
            lambda folder: os.chmod(folder / "canary.txt", 0o400),
        )
    ):
        bait = Bait(tmp_path / str(number))
        assert bait.what_changed() == ""
        change(bait.folder)
        assert bait.what_changed() != ""


def test_the_threat_table_names_what_holds_each_row() -> None:
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    table = page.partition("| who gives | what | at most | held by |\n|---|---|---|---|\n")[2].partition("\n\n")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert len(rows) >= 10
    named: set[str] = set()
    for row in rows:
        assert len(row) == 4
        holders = re.findall(r"`([^`]+)`", row[3])
        assert holders or row[3] == "nobody: not defended against", row
        for holder in holders:
            assert holder in FAMILIES or (ROOT / holder).is_file(), holder
        named.update(holders)
    assert set(FAMILIES) <= named
