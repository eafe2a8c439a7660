"""The JavaScript client in a real browser, with onnxruntime-web's WebAssembly from the same place as the page."""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import browser
from tests.clients import tools
from tests.clients.scenario import BATCH, check_answers, scenario

__all__ = ["browser"]

PAGE = """<!doctype html><title>client</title><script type="module">
import * as ort from "/ort/ort.wasm.min.mjs";
import { openTeam } from "/clients/javascript/rmix.mjs";
import { run } from "/tests/clients/driver.mjs";
ort.env.wasm.numThreads = 1;
const read = async (name) => new Uint8Array(await (await fetch(`/agents/${name}`)).arrayBuffer());
window.drive = (mode, batch, words) => run(ort, openTeam, read, mode, batch, "return", words);
</script>"""


class Quiet(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript", ".wasm": "application/wasm"}

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(folder: Path, tmp_path: Path) -> Iterator[str]:
    """A host on this machine that has the page, both packages and the agents."""
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    links = {"agents": folder, "ort": tools.MODULES / "onnxruntime-web" / "dist"}
    for name, place in (links | {name: tools.ROOT / name for name in ("clients", "tests")}).items():
        (tmp_path / name).symlink_to(place)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
    server.shutdown()
    server.server_close()


DRIVE = """
const [mode, batch, words, end] = arguments;
const begin = () => (window.drive ? window.drive(mode, batch, words).then(end) : setTimeout(begin, 20));
begin();
"""


def test_golden_steps_and_a_batch_of_episodes(browser: Any, served: str, folder: Path) -> None:
    browser.get(served)
    browser.set_script_timeout(120)
    checked = browser.execute_async_script(DRIVE, "check", 1, "")
    assert all(line.endswith(" 64") for line in checked.splitlines() or [""]), checked
    words, expected = scenario(folder)
    check_answers(browser.execute_async_script(DRIVE, "play", BATCH, words), expected)
    said = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert [message for message in said if "favicon" not in message] == []
