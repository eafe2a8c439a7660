"""The guides' commands and code work, in the order in which they stand, in an empty folder."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT

GUIDES = sorted((ROOT / "docs" / "guides").glob("*.md"))
BLOCK = re.compile(r'^```(\w*)(?: title="([\w.]+)")?\n(.*?)^```$', flags=re.DOTALL | re.MULTILINE)
LINES = 80
ELSEWHERE = ("pip install", "rmix-kit sweep sweep.yaml --out DIR --engine ray")
"""What beginnings of commands need more than this machine: `make test-install` and `make test-ray` run them."""


def blocks(guide: Path) -> Iterator[tuple[str, str, str]]:
    """Language, file name and content of each block."""
    return (tuple(found) for found in BLOCK.findall(guide.read_text(encoding="utf-8")))


def commands(content: str) -> Iterator[list[str]]:
    """The commands of a block that can be run here."""
    for line in content.splitlines():
        if not line.startswith(ELSEWHERE):
            program, *words = shlex.split(line, comments=True)
            assert program == "rmix-kit", line
            yield [sys.executable, "-c", "from rmix_kit.cli.main import main; main()", *words]


def test_there_are_guides() -> None:
    assert len(GUIDES) >= 6


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_a_guide_does_what_it_says(guide: Path, tmp_path: Path) -> None:
    if guide.stem == "your-algorithm" and not find_spec("rmix_kit.testing"):
        pytest.skip("rmix_kit.testing is not there yet")
    shutil.copy(ROOT / "examples" / "custom_env.py", tmp_path)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    for language, name, content in blocks(guide):
        if language == "toml":
            tomllib.loads(content)
            continue
        if name:
            (tmp_path / name).write_text(content, encoding="utf-8")
            continue
        if language in {"js", "cpp", "text"}:
            continue  # tests/clients/test_guide.py runs the first two
        assert language in {"sh", "python"}, content
        for command in commands(content) if language == "sh" else [[sys.executable, "-W", "error", "-c", content]]:
            done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, f"{command[2:]}\n{done.stderr}"


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.stem)
def test_a_guide_is_short(guide: Path) -> None:
    assert len(guide.read_text(encoding="utf-8").splitlines()) < LINES
