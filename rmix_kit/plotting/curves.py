"""Lines with bands: learning curves and performance profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from rmix_kit.plotting.style import (
    COLUMN_MILLIMETRES,
    PAGE_MILLIMETRES,
    Look,
    house_style,
    legend_below,
    legend_millimetres,
    line_of,
    looks_of,
    new_figure,
    rank_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMN_LABELS, PAGE_LABELS = 3, 6  # legend entries side by side
_COLUMN_PANEL, _PAGE_PANEL = 54.0, 50.0  # height of the data, millimetres
_PANELS_IN_ROW = 3
_COLUMN_LETTERS, _PAGE_LETTERS = 40, 26  # of a title's line above a panel
_MOST_MARKS = 8


@dataclass(frozen=True, kw_only=True)
class Curve:
    """One algorithm's line.

    Attributes:
        algorithm: Its name; decides the look.
        label: What the legend says.
        x: ``[point]``.
        middle: The line, ``[point]``.
        low: Lower edge of the band, ``[point]``.
        high: Upper edge, ``[point]``.
    """

    algorithm: str
    label: str
    x: Sequence[float]
    middle: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: Above it.
        curves: In the legend's order.
    """

    title: str
    curves: tuple[Curve, ...]


def draw_curves(
    panels: Sequence[Panel],
    *,
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    is_profile: bool = False,
) -> Figure:
    """Draw panels of curves: one at column width, several side by side at page width.

    Args:
        panels: At least one.
        x_label: Of every panel.
        y_label: Of the first panel of each row.
        y_range: The vertical axis; by the data if not given.
        is_profile: Lines are flat between points, and x is a score, not a number of steps.
    """
    from matplotlib.ticker import EngFormatter

    is_single = len(panels) == 1
    columns, rows = min(len(panels), _PANELS_IN_ROW), -(-len(panels) // _PANELS_IN_ROW)
    beside = COLUMN_LABELS if is_single else PAGE_LABELS
    names = {curve.label: curve.algorithm for panel in panels for curve in panel.curves}  # of all panels together
    looks = looks_of(names.values())
    height = (_COLUMN_PANEL if is_single else _PAGE_PANEL) * rows + legend_millimetres(len(names), beside)
    with house_style():
        figure = new_figure(height, width=COLUMN_MILLIMETRES if is_single else PAGE_MILLIMETRES)
        grid = figure.subplots(rows, columns, squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place >= len(panels):
                axes.remove()
                continue
            _draw_panel(axes, panels[place], looks, is_profile=is_profile)
            axes.set_title(_in_two_lines(panels[place].title, _COLUMN_LETTERS if is_single else _PAGE_LETTERS))
            axes.set_xlabel(x_label)
            if not is_profile:
                axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 400k
            if place % columns == 0:
                axes.set_ylabel(y_label)
            if y_range is not None:
                span = y_range[1] - y_range[0]
                axes.set_ylim(y_range[0] - 0.03 * span, y_range[1] + 0.03 * span)
        in_order = sorted(names.items(), key=lambda named: rank_of(named[1]))
        legend_below(figure, {label: looks[name] for label, name in in_order}, beside)
    return figure


def _draw_panel(axes: Axes, panel: Panel, looks: Mapping[str, Look], *, is_profile: bool) -> None:
    for curve in panel.curves:
        line = line_of(looks[curve.algorithm])
        if is_profile:
            line |= {"marker": None, "drawstyle": "steps-post"}
        step: Literal["post"] | None = "post" if is_profile else None
        axes.fill_between(curve.x, curve.low, curve.high, color=line["color"], alpha=0.16, linewidth=0, step=step)
        every = max(1, len(curve.x) // _MOST_MARKS)
        axes.plot(curve.x, curve.middle, label=curve.label, markersize=3.2, markevery=every, **line)


def _in_two_lines(title: str, letters: int) -> str:
    """Break a title that is too long for a panel, if it can be before an option, and shorten what needs more lines."""
    if len(title) <= letters:
        return title
    cut = max(title.rfind(mark, letters // 2, letters) for mark in "?&")
    cut = cut if cut > 0 and len(title) - cut <= letters else letters
    rest = title[cut:]
    if len(rest) > letters:
        rest = "\N{HORIZONTAL ELLIPSIS}" + rest[1 - letters :]
    return f"{title[:cut]}\n{rest}"
