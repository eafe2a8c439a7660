"""One row per algorithm: estimates with intervals, and distributions of returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rmix_kit.plotting.style import GRID, INK, house_style, line_of, looks_of, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW, _FRAME = 5.2, 17.0  # millimetres
_HISTOGRAM_ROW = 8.5
_MARKS = ("|", "^", "v")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One estimate.

    Attributes:
        algorithm: Its name; decides the look.
        label: What stands at the row's left.
        value: The mark.
        low: Lower end of the interval.
        high: Upper end.
    """

    algorithm: str
    label: str
    value: float
    low: float
    high: float


def draw_intervals(rows: Sequence[Row], *, x_label: str, x_range: tuple[float, float] | None = None) -> Figure:
    """Draw estimates as marks with their intervals as bars, the first row on top.

    Args:
        rows: At least one.
        x_label: Of the horizontal axis.
        x_range: The horizontal axis; by the data if not given.
    """
    with house_style():
        figure = new_figure(_FRAME + _ROW * len(rows))
        axes = figure.subplots()
        looks = looks_of(row.algorithm for row in rows)
        for place, row in enumerate(rows):
            line = line_of(looks[row.algorithm]) | {"linestyle": "none"}
            axes.hlines(place, row.low, row.high, color=line["color"], linewidth=4.0, alpha=0.35)
            axes.plot([row.value], [place], markersize=4.4, label=row.label, **line)
        _name_rows(axes, [row.label for row in rows])
        axes.set_xlabel(x_label)
        if x_range is not None:
            span = x_range[1] - x_range[0]
            axes.set_xlim(x_range[0] - 0.03 * span, x_range[1] + 0.03 * span)
    return figure


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """One algorithm's returns.

    Attributes:
        algorithm: Its name; decides the look.
        label: What stands at the row's left.
        edges: Borders of the bins, ``[bin + 1]``.
        shares: Of all episodes in each bin, ``[bin]``, summing to 1.
        marks: Values to mark, by name, such as the mean; at most three.
    """

    algorithm: str
    label: str
    edges: Sequence[float]
    shares: Sequence[float]
    marks: Mapping[str, float] = field(default_factory=dict)


def draw_histograms(histograms: Sequence[Histogram], *, x_label: str) -> Figure:
    """Draw histograms under each other on one axis; each is as high as its highest bin.

    Args:
        histograms: At least one.
        x_label: Of the horizontal axis.
    """
    from matplotlib.lines import Line2D

    names = list(dict.fromkeys(name for histogram in histograms for name in histogram.marks))
    with house_style():
        figure = new_figure(_FRAME + _HISTOGRAM_ROW * len(histograms))
        axes = figure.subplots()
        looks = looks_of(histogram.algorithm for histogram in histograms)
        for place, histogram in enumerate(histograms):
            colour, foot = looks[histogram.algorithm].colour, place + 0.4
            tops = [foot - 0.8 * share / max(histogram.shares) for share in histogram.shares]
            axes.hlines(foot, histogram.edges[0], histogram.edges[-1], color=GRID, linewidth=0.6)
            axes.stairs(tops, histogram.edges, baseline=foot, fill=True, color=colour, alpha=0.55)
            axes.stairs(tops, histogram.edges, baseline=foot, color=colour, linewidth=0.8)
            for name, value in histogram.marks.items():
                axes.plot([value], [foot - 0.1], color=INK, marker=_MARKS[names.index(name)], markersize=5, mew=1.2)
        _name_rows(axes, [histogram.label for histogram in histograms])
        axes.grid(visible=False, axis="y")
        axes.set_xlabel(x_label)
        handles = [
            Line2D([], [], color=INK, linestyle="none", marker=mark, markersize=5, mew=1.2, label=name)
            for name, mark in zip(names, _MARKS, strict=False)
        ]
        if handles:
            figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.2)
    return figure


def _name_rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
