"""Pages in a real Chromium, headless: what they log, what they ask the network for, and hands to use them with.

`page` opens files from disk (file://) and is a reader's browser: nothing in it knows the project's code. Every test of
this folder is marked `browser`; `make test-browser` installs what they need and runs them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parent
PROGRAMS = ("chromium", "chromedriver")
DESKTOP, PHONE = (1280, 900), (360, 800)
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


class Page:
    """One window."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver
        self._own = ""
        self.errors: list[str] = []
        self.requests: list[str] = []

    def open(self, file: Path, fragment: str = "") -> None:
        """Open a file from disk; a fragment alone moves within the page that is open."""
        self._own = file.resolve().as_uri()
        self._driver.get(self._own + fragment)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the page's area another width and height, in pixels; below 500 no window of Chromium goes by itself."""
        width, height = size
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def use_scheme(self, scheme: str) -> None:
        """Prefer "light" or "dark"."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def script(self, source: str, *arguments: object) -> Any:
        """Give what a script returns."""
        return self._driver.execute_script(source, *arguments)

    def find(self, selector: str) -> list[Any]:
        """Give the elements that a CSS selector names."""
        return list(self._driver.find_elements("css selector", selector))

    def text(self, selector: str) -> str:
        """Give the text of the one element."""
        (element,) = self.find(selector)
        return str(element.text)

    def number(self, selector: str) -> float:
        """Give the one element's number with all its digits, from its `data-value`."""
        (element,) = self.find(selector)
        return float(element.get_attribute("data-value"))

    def click(self, selector: str) -> None:
        """Click the one element."""
        (element,) = self.find(selector)
        element.click()

    def press(self, *keys: str) -> None:
        """Press keys, by the names of selenium's Keys or as they are, wherever the focus is."""
        from selenium.webdriver import ActionChains, Keys

        for key in keys:
            ActionChains(self._driver).send_keys(getattr(Keys, key, key)).perform()

    def choose(self, selector: str, value: str) -> None:
        """Choose an option of a menu by its value."""
        from selenium.webdriver.support.select import Select

        (element,) = self.find(selector)
        Select(element).select_by_value(value)

    def wait_until(self, source: str, *arguments: object, seconds: float = 10) -> None:
        """Wait until a script returns something true."""
        from selenium.webdriver.support.wait import WebDriverWait

        WebDriverWait(self._driver, seconds, poll_frequency=0.05).until(lambda _: self.script(source, *arguments))

    def overflow(self) -> int:
        """Give by how many pixels the page is wider than its window."""
        return int(self.script("return document.documentElement.scrollWidth - window.innerWidth"))

    def screenshot(self, file: Path, *, is_whole: bool = True) -> None:
        """Save the page as a PNG, whole or what the window shows."""
        import base64

        options = {"format": "png", "captureBeyondViewport": is_whole}
        if is_whole:
            size = self._driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
            options["clip"] = size | {"scale": 1}
        file.write_bytes(base64.b64decode(self._driver.execute_cdp_cmd("Page.captureScreenshot", options)["data"]))

    def collect(self) -> None:
        """Take what the browser has noted since the last time: complaints, and requests for anything but the page."""
        for entry in self._driver.get_log("browser"):
            self.errors.append(f"{entry['level']}: {entry['message']}")
        for entry in self._driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                url = message["params"]["request"]["url"]
                if url.split("#")[0] != self._own and not url.startswith("data:"):
                    self.requests.append(url)


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
