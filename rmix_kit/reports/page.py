"""The report as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import importlib.resources
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jinja2

from rmix_kit.plotting.style import GRID, INK
from rmix_kit.reports.figures import ReportFigure
from rmix_kit.reports.table import Table
from rmix_kit.reports.views import View

GENERATOR = "rmix-kit report"


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """A part of the page under a heading.

    Attributes:
        name: Its anchor.
        title: Its heading.
        texts: Paragraphs above the rest.
        figures: Drawings, in order.
        views: Tables, in order.
        folded: Tables that open on demand.
    """

    name: str
    title: str
    texts: tuple[str, ...] = ()
    figures: tuple[ReportFigure, ...] = ()
    views: tuple[View, ...] = ()
    folded: tuple[View, ...] = ()

    @property
    def places(self) -> list[tuple[ReportFigure, ...]]:
        """Figures by the place that they take: those of one place are shown by turns, as the band is chosen."""
        places: dict[str, list[ReportFigure]] = {}
        for figure in self.figures:
            places.setdefault(figure.name.removesuffix(f"-{figure.band}") if figure.band else figure.name, []).append(
                figure
            )
        return [tuple(shown) for shown in places.values()]


@dataclass(frozen=True, kw_only=True)
class Made:
    """How a page was made.

    Attributes:
        date: The day.
        command: What makes it again.
    """

    date: str
    command: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Page:
    """The content of a report.

    Attributes:
        title: Its heading.
        made: When and by which command; None if that is not told.
        lead: What it compares, below the heading.
        sections: In order.
        tables: All of them; each is also a file.
    """

    title: str
    made: Made | None
    lead: str
    sections: tuple[Section, ...]
    tables: tuple[Table, ...]

    @property
    def figures(self) -> Sequence[ReportFigure]:
        """All figures, in order."""
        return [figure for section in self.sections for figure in section.figures]


def render(page: Page, drawings: Mapping[str, str]) -> str:
    """Return the page as HTML, with its style, drawings and data inside.

    Args:
        page: What it says.
        drawings: SVG text by the figures' names.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.filters["drawing"] = lambda name: inline_svg(drawings[name], name)
    environment.filters["data"] = _data_address
    template = environment.from_string(_resource("page.html.jinja"))
    return template.render(page=page, generator=GENERATOR, style=_resource("page.css")) + "\n"


def _data_address(table: Table) -> str:
    """Return a table's file as an address that holds its content."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(table.to_csv().encode()).decode("ascii")


def _resource(name: str) -> str:
    return (importlib.resources.files("rmix_kit.reports") / name).read_text(encoding="utf-8")


_HEAD = re.compile(r"^.*?(?=<svg)", re.DOTALL)
_METADATA = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_SIZE = re.compile(r'(<svg[^>]*?) width="[^"]*"', re.DOTALL)
_HEIGHT = re.compile(r'(<svg[^>]*?) height="[^"]*"', re.DOTALL)
_WHITE = re.compile(r"fill: #ffffff")


def inline_svg(svg: str, name: str) -> str:
    """Return an SVG file's content as an element of a page.

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
