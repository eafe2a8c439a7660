"""The documentation builds without a warning, no link in it is dead, and nothing of it comes from another host."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.site.walk import Site, read_site

OUT = ROOT / "site"


@pytest.fixture(scope="module")
def site() -> Site:
    """The site, built strictly: a warning fails."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean", "--site-dir", str(OUT)]
    environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return read_site(OUT)


@pytest.mark.site
def test_no_link_is_dead_and_nothing_comes_from_another_host(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    found = list(site.complaints())
    assert not found, "\n".join(found)
    assert len(site.pages) > 50
    with capsys.disabled():
        sys.stdout.write(
            f"\n{len(site.pages)} pages, {sum(len(page.places) for page in site.pages.values())} addresses\n"
        )


@pytest.mark.site
def test_every_page_of_docs_is_in_the_site(site: Site) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix("") for path in (ROOT / "docs").rglob("*.md")}
    made = {Path(name).parent for name in site.pages} | {Path("index")}
    assert pages <= made


@pytest.mark.site
def test_the_front_page_leads_to_the_live_agents(site: Site) -> None:
    assert "live/index.html" in {place.address for place in site.pages["index.html"].places}
    assert (OUT / "live" / "page.json").is_file()


def test_what_a_walk_would_find(tmp_path: Path) -> None:
    pages = {
        "index.html": '<h1 id="top">A</h1><a href="there/#here">x</a><a href="gone/">x</a><a href="#nowhere">x</a>'
        '<script src="https://elsewhere.org/a.js"></script><p>Text\n- a list\n</p><a href="https://elsewhere.org">x</a>',
        "there/index.html": '<h2 id="here">B</h2><a href="../#top">x</a><link rel="preconnect" href="https://fonts.org">',
    }
    for name, text in pages.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "a.css").write_text("@font-face { src: url(https://fonts.org/a.woff2) }", encoding="utf-8")
    assert sorted(read_site(tmp_path).complaints()) == [
        "a.css: https://fonts.org/a.woff2 is loaded from another host",
        "index.html: #nowhere has no such anchor",
        "index.html: gone/ is not there",
        "index.html: https://elsewhere.org/a.js is loaded from another host",
        "index.html: not made: 'Text\\n- a list\\n'",
        "there/index.html: https://fonts.org is loaded from another host",
    ]
