"""That the generated pages are what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("commands_page", "commands.md"),
        ("configuration_page", "configuration.md"),
        ("smac_page", "environments/smac.md"),
    ],
)
def test_page_is_what_make_docs_writes(name: str, file: str) -> None:
    assert (DOCS / file).read_text(encoding="utf-8") == PAGES[name]()
