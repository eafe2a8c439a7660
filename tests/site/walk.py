"""A built site as its readers' browsers see it: what its pages name, link to and load."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

LOADS = {"src", "srcset", "data", "poster"}
"""Attributes whose address a browser fetches by itself."""
LOADED_RELATIONS = {
    "stylesheet",
    "icon",
    "preload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "manifest",
    "modulepreload",
}
CSS_ADDRESS = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")
UNMADE = re.compile(r"(?:^|\n)(?:[-*] |\d+\. |\|)|\]\([\w./#-]+\)|^:::")
"""Markdown that reached a paragraph as it was written: a list, a table, a link, a page of the reference."""


@dataclass(frozen=True)
class Place:
    """An address as a page has it, and whether the browser fetches it unasked."""

    address: str
    is_loaded: bool


@dataclass
class Page(HTMLParser):
    """One page: the anchors it has, the addresses it names, the paragraphs that were not made."""

    text: str
    anchors: set[str] = field(default_factory=set)
    places: list[Place] = field(default_factory=list)
    unmade: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._paragraph: list[str] | None = None
        self._code = 0
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.anchors |= {given[name] for name in ("id", "name") if name in given}
        self.places += [Place(given[name].split(" ")[0], is_loaded=True) for name in LOADS & set(given)]
        self.places += [Place(address, is_loaded=True) for address in css_addresses(given.get("style", ""))]
        if "href" in given:
            is_loaded = tag == "link" and bool(LOADED_RELATIONS & set(given.get("rel", "").split()))
            self.places.append(Place(given["href"], is_loaded=is_loaded))
        if tag == "p":
            self._paragraph = []
        self._code += tag == "code"

    def handle_endtag(self, tag: str) -> None:
        self._code -= tag == "code"
        if tag == "p" and self._paragraph is not None:
            paragraph, self._paragraph = "".join(self._paragraph), None
            if UNMADE.search(paragraph):
                self.unmade.append(paragraph)

    def handle_data(self, data: str) -> None:
        if self._paragraph is not None:
            self._paragraph.append("CODE" if self._code else data)


def css_addresses(style: str) -> Iterator[str]:
    """What a style sheet loads."""
    return (first or second for first, second in CSS_ADDRESS.findall(style))


@dataclass(frozen=True)
class Site:
    """A folder of pages."""

    folder: Path
    pages: dict[str, Page]

    def complaints(self) -> Iterator[str]:
        """Every dead link and anchor, what is loaded from elsewhere, and Markdown that was not made."""
        for name, page in self.pages.items():
            yield from (f"{name}: {said}" for place in page.places if (said := self._complaint(name, place)))
            yield from (f"{name}: not made: {paragraph[:80]!r}" for paragraph in page.unmade)
            if "mermaid" in page.anchors or 'class="mermaid"' in page.text:
                yield f"{name}: a diagram, whose program would come from another host"
        for sheet in self.folder.rglob("*.css"):
            name = sheet.relative_to(self.folder).as_posix()
            for address in css_addresses(sheet.read_text(encoding="utf-8")):
                if said := self._complaint(name, Place(address, is_loaded=True)):
                    yield f"{name}: {said}"

    def _complaint(self, name: str, place: Place) -> str | None:
        parts = urlsplit(place.address)
        if parts.scheme == "data" or (not place.is_loaded and parts.scheme in {"https", "http", "mailto"}):
            return None
        if parts.scheme or parts.netloc:
            return f"{place.address} is loaded from another host"
        target = (
            posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(parts.path))) if parts.path else name
        )
        if parts.path.startswith("/"):
            target = posixpath.normpath(unquote(parts.path)).lstrip("/") or "."
        if (self.folder / target).is_dir():
            target = posixpath.normpath(posixpath.join(target, "index.html"))
        if not (self.folder / target).is_file():
            return f"{place.address} is not there"
        fragment = unquote(parts.fragment)
        if fragment and target in self.pages and fragment not in self.pages[target].anchors:
            return f"{place.address} has no such anchor"
        return None


def read_site(folder: Path) -> Site:
    """Read every page of a built site."""
    files = sorted(folder.rglob("*.html"))
    return Site(folder, {file.relative_to(folder).as_posix(): Page(file.read_text(encoding="utf-8")) for file in files})
