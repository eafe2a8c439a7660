"""The oldest libraries are named once, and everything else says the same; tests/clients/test_floors.py runs them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from exporters import floors
from exporters.bundle import read_manifest

ROOT = Path(__file__).parents[2]


def test_files_need_the_floor(sealed_team: Path, sealed_plain: Path) -> None:
    for folder in (sealed_team, sealed_plain):
        assert read_manifest(folder).minimum_onnxruntime == floors.ONNXRUNTIME


def test_the_package_asks_for_the_floors() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["optional-dependencies"]["runtime"] == [f"onnxruntime>={floors.ONNXRUNTIME}"]
    assert f"numpy>={floors.NUMPY}" in project["dependencies"]


@pytest.mark.parametrize("page", ["exporting.md", "guides/deploying.md"])
def test_the_documentation_names_the_floors(page: str) -> None:
    text = " ".join((ROOT / "docs" / page).read_text(encoding="utf-8").split())
    assert f"onnxruntime {floors.ONNXRUNTIME}" in text
    assert f"numpy {floors.NUMPY}" in text
