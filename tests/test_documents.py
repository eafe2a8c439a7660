"""That the generated pages are what the code says."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))


@pytest.mark.parametrize("name", ["commands_page", "configuration_page"])
def test_page_is_what_make_docs_writes(name: str) -> None:
    written = (DOCS / f"{name.removesuffix('_page')}.md").read_text(encoding="utf-8")
    assert written == PAGES[name]()
