"""The report as one HTML page that needs nothing but itself."""

from __future__ import annotations

import base64
import importlib.resources
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import jinja2

from rmix_kit.reports.drawing import inline_svg
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Page:
    """The content of a report.

    Attributes:
        title: Its heading.
        lead: Paragraphs below the heading.
        sections: In order.
        tables: All of them; each is also a file.
    """

    title: str
    lead: tuple[str, ...]
    sections: tuple[Section, ...]
    tables: tuple[Table, ...]

    @property
    def figures(self) -> Sequence[ReportFigure]:
        """All figures, in order."""
        return [figure for section in self.sections for figure in section.figures]


def render(page: Page, drawings: Mapping[str, str]) -> str:
    """Give the page as HTML, with its style, drawings and data inside.

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
    """Give a table's file as an address that holds its content."""
    return "data:text/csv;charset=utf-8;base64," + base64.b64encode(table.to_csv().encode()).decode("ascii")


def _resource(name: str) -> str:
    return (importlib.resources.files("rmix_kit.reports") / name).read_text(encoding="utf-8")
