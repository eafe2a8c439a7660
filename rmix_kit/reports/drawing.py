"""Drawings as parts of a page: an SVG file's content, inlined and in the page's own colours."""

from __future__ import annotations

import re

from rmix_kit.plotting.style import GRID, INK

_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*"', re.DOTALL)
_HEIGHT = re.compile(r'(<svg[^>]*?) height="[^"]*"', re.DOTALL)
_WHITE = re.compile(r"fill: #ffffff")


def inline_svg(svg: str, name: str) -> str:
    """Give an SVG file's content as an element of a page.

    Names inside it are made unique on the page; its ink, grid and white ground become the page's.

    Args:
        svg: The file's text, as matplotlib writes it.
        name: Unique on the page; letters, digits, dots and dashes.
    """
    text = _METADATA.sub("", _HEAD.sub("", svg, count=1))
    text = _HEIGHT.sub(r"\1", _SIZE.sub(r'\1 class="drawing" aria-hidden="true"', text, count=1), count=1)
    text = re.sub(r'\bid="', f'id="{name}.', text)
    text = re.sub(r"url\(#", f"url(#{name}.", text)
    text = re.sub(r'href="#', f'href="#{name}.', text)
    return _WHITE.sub("fill: none", text).replace(INK, "currentColor").replace(GRID, "var(--grid)").strip()
