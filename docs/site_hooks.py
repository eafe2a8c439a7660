"""What the documentation site does otherwise than mkdocs by itself (mkdocs.yml)."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
LIVE_AGENTS = ROOT / "examples" / "agents" / "riskq-bridge"
LIVE = "live"
"""Where their page lies in the site; only there, so the link to it is made here too."""
LIVE_MARK = "<!-- live -->"
LIVE_LINK = (
    f'<p><a class="md-button md-button--primary" href="{LIVE}/index.html">Turn the dial yourself: these agents act '
    "live in your browser</a></p>"
)
ORT_WEB = "ORT_WEB"
"""The environment variable that names an unpacked npm package onnxruntime-web, where there is no npm."""
LINK = re.compile(r"(?<=\]\()(\.\./[^)\s#]+)(?=[)#])")
ITEM = re.compile(r"(?:[-*]|\d+\.) ")
FENCE = re.compile(r" *(?:```|~~~)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the repository's address from pyproject.toml, where it stands once."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        config.repo_url = tomllib.load(file)["project"]["urls"]["Source"]
    return config


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a page as its readers on the site need it: lists begun, links out of docs/ led to the repository."""
    markdown = markdown.replace(LIVE_MARK, LIVE_LINK)
    return lists_begun(links_led_out(markdown, page.file.src_uri, config.repo_url or ""))


def on_post_build(*, config: MkDocsConfig) -> None:
    """Add the page of live agents; without onnxruntime-web there is no site, as its front page leads there.

    Raises:
        PluginError: The page could not be made; the command's one line says why.
    """
    from mkdocs.exceptions import PluginError

    out = Path(config.site_dir) / LIVE
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "rmix_kit.cli.main", "page", str(LIVE_AGENTS), "--out", str(out)]
    command += ["--ort-web", os.environ[ORT_WEB]] if ORT_WEB in os.environ else []
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise PluginError(f"{LIVE}: {done.stderr.strip().splitlines()[-1]} (here {ORT_WEB}=DIR names the folder)")


def links_led_out(markdown: str, page: str, repository: str) -> str:
    """Return the page with each link that leaves docs/ turned into one to the repository.

    Args:
        page: Its path in docs/.
        repository: The address that the files stand at.

    Raises:
        FileNotFoundError: Nothing is there.
    """

    def led_out(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), match[1]))
        if target == "docs" or target.startswith("docs/"):
            return match[1]
        if target.startswith("..") or not (ROOT / target).exists():
            raise FileNotFoundError(f"docs/{page} links to {match[1]}, which is not there")
        return f"{repository}/{'tree' if (ROOT / target).is_dir() else 'blob'}/main/{target}"

    return LINK.sub(led_out, markdown)


def lists_begun(markdown: str) -> str:
    """Return the page with an empty line before each list, which GitHub's Markdown does without."""
    lines: list[str] = []
    is_code = False
    for line in markdown.split("\n"):
        before = lines[-1] if lines else ""
        if FENCE.match(line):
            is_code = not is_code
        elif not is_code and ITEM.match(line) and before and not ITEM.match(before) and not before.startswith(" "):
            lines.append("")
        lines.append(line)
    return "\n".join(lines)
