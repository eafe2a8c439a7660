"""The fixture itself: what a page does wrong is seen."""

from __future__ import annotations

from pathlib import Path

from tests.fixtures.browser_page import Page


def test_errors_and_requests_are_noticed(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<img src='http://nowhere.invalid/a.png'><script>undefinedName()</script>")
    page.open(file)
    page.collect()
    errors, requests = list(page.errors), list(page.requests)
    page.errors.clear()
    page.requests.clear()
    assert any("undefinedName" in error for error in errors)
    assert "http://nowhere.invalid/a.png" in requests


def test_a_sound_page_leaves_nothing(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text("<title>quiet</title><link rel='icon' href='data:,'>")
    page.open(file)
    page.collect()
    assert (page.errors, page.requests) == ([], [])
