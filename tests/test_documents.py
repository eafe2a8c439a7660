"""That the generated pages are what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("commands.md", "commands_page"),
        ("configuration.md", "configuration_page"),
        ("environments/smac.md", "smac_page"),
    ],
)
def test_page_is_what_make_docs_writes(file: str, name: str) -> None:
    assert (DOCS / file).read_text(encoding="utf-8") == PAGES[name]()
