"""Pages in a real Chromium, headless: what they log, what they ask the network for, and hands to use them with.

`page` opens files from disk (file://) and is a reader's browser: nothing in it knows the project's code. Every test of
this folder is marked `browser`; `make test-browser` installs what they need and runs them.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.browser_page import DESKTOP, Page

FOLDER = Path(__file__).parent
PROGRAMS = ("chromium", "chromedriver")
OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # containers run as root, where Chromium refuses its sandbox
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """One Chromium for all tests."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.fail(f"{' and '.join(missing)} not found; `make test-browser` installs what these tests need")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    for option in OPTIONS:
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(executable_path=str(shutil.which("chromedriver")))
    driver = webdriver.Chrome(options=options, service=service)
    yield driver
    driver.quit()


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    """A desktop window, in which a test fails that leaves a complaint or a request to the network."""
    opened = Page(browser)
    opened.resize(DESKTOP)
    opened.use_scheme("light")
    browser.get("about:blank")
    opened.collect()
    opened.errors.clear()
    opened.requests.clear()
    yield opened
    opened.collect()
    assert opened.errors == []
    assert opened.requests == []
