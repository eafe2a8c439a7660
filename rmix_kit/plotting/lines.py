"""Lines with bands: learning curves and performance profiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from rmix_kit.plotting.style import (
    COLUMN_MILLIMETRES,
    INK,
    PAGE_MILLIMETRES,
    TEXT_POINTS,
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
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_Content = TypeVar("_Content")

COLUMN_LABELS, PAGE_LABELS = 3, 6  # legend entries side by side
MOST_TOGETHER = 6  # curves with bands that can be told apart in one panel
_COLUMN_PANEL, _PAGE_PANEL, _SMALL_PANEL = 54.0, 50.0, 23.0  # height of the data, millimetres
_AROUND_SMALL = 14.0  # title and labels around all small panels, millimetres
_MARGIN, _SMALL_MARGIN = 0.03, 0.08  # below and above a range that is given, as its share; room for marks
_PANELS_IN_ROW, _COLUMN_SMALL, _PAGE_SMALL = 3, 3, 7  # side by side: whole ones, small ones in a column and in a page
_COLUMN_LETTERS, _PAGE_LETTERS, _SMALL_LETTERS = 40, 26, 14  # of a title's line above a panel
_MOST_MARKS, _SMALL_MARKS = 8, 4
_APART, _LEVEL_POINTS = 0.08, 7.0  # share of the axis below which lines across are one; size of what they say


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
class Level:
    """A height that curves are compared with, such as what a script reaches.

    Attributes:
        label: Beside its line.
        y: Where it is.
    """

    label: str
    y: float


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One pair of axes.

    Attributes:
        title: Above it.
        curves: In the legend's order.
        levels: Lines across.
    """

    title: str
    curves: tuple[Curve, ...]
    levels: tuple[Level, ...] = ()


def draw_curves(
    panels: Sequence[Panel],
    *,
    x_label: str,
    y_label: str,
    y_range: tuple[float, float] | None = None,
    is_profile: bool = False,
) -> Figure:
    """Draw panels of curves: one at column width, several side by side at page width.

    Where a panel has more curves than can be told apart, every panel becomes small ones, one for each curve: its own in
    its look with the band, the others behind it as thin lines.

    Args:
        panels: At least one.
        x_label: Of every panel.
        y_label: Of the first panel of each row.
        y_range: The vertical axis; by the data if not given.
        is_profile: Lines are flat between points, and x is a score, not a number of steps.
    """
    if any(len(panel.curves) > MOST_TOGETHER for panel in panels):
        return _draw_apart(panels, x_label=x_label, y_label=y_label, y_range=y_range, is_profile=is_profile)
    is_single = len(panels) == 1
    columns, rows = min(len(panels), _PANELS_IN_ROW), -(-len(panels) // _PANELS_IN_ROW)
    beside = COLUMN_LABELS if is_single else PAGE_LABELS
    names = {curve.label: curve.algorithm for panel in panels for curve in panel.curves}  # of all panels together
    looks = looks_of(names.values())
    height = (_COLUMN_PANEL if is_single else _PAGE_PANEL) * rows + legend_millimetres(len(names), beside)
    with house_style():
        figure = new_figure(height, width=COLUMN_MILLIMETRES if is_single else PAGE_MILLIMETRES)
        grid = figure.subplots(rows, columns, squeeze=False)
        for place, (axes, panel) in enumerate(_filled(grid, panels)):
            _draw_panel(axes, panel, looks, y_range=y_range, is_profile=is_profile)
            axes.set_title(_in_two_lines(panel.title, _COLUMN_LETTERS if is_single else _PAGE_LETTERS))
            axes.set_xlabel(x_label)
            if place % columns == 0:
                axes.set_ylabel(y_label)
        in_order = sorted(names.items(), key=lambda named: rank_of(named[1]))
        legend_below(figure, {label: looks[name] for label, name in in_order}, beside)
    return figure


def draw_on(
    axes: Axes, panel: Panel, *, x_label: str, y_label: str, y_range: tuple[float, float] | None = None
) -> None:
    """Draw a panel into someone's axes, in their style: curves, lines across, labels, and a legend.

    Args:
        axes: What is in them stays.
        panel: Its curves are labelled.
        x_label: Of the horizontal axis.
        y_label: Of the vertical one.
        y_range: The vertical axis; by the data if not given.
    """
    looks = looks_of(curve.algorithm for curve in panel.curves)
    _draw_panel(axes, panel, looks, y_range=y_range, is_profile=False)
    axes.set(title=panel.title, xlabel=x_label, ylabel=y_label)
    axes.legend()


def _draw_panel(
    axes: Axes, panel: Panel, looks: Mapping[str, Look], *, y_range: tuple[float, float] | None, is_profile: bool
) -> None:
    for curve in panel.curves:
        _draw_curve(axes, curve, looks[curve.algorithm], is_profile=is_profile)
    _draw_levels(axes, panel.levels, y_range)
    _set_scales(axes, y_range, is_profile=is_profile)


def _draw_apart(
    panels: Sequence[Panel], *, x_label: str, y_label: str, y_range: tuple[float, float] | None, is_profile: bool
) -> Figure:
    """Draw every curve in axes of its own, the panels below one another."""
    is_single = len(panels) == 1
    columns = _COLUMN_SMALL if is_single else _PAGE_SMALL
    looks = looks_of(curve.algorithm for panel in panels for curve in panel.curves)
    heights = [_SMALL_PANEL * -(-len(panel.curves) // columns) + _AROUND_SMALL for panel in panels]
    with house_style():
        figure = new_figure(sum(heights), width=COLUMN_MILLIMETRES if is_single else PAGE_MILLIMETRES)
        parts = figure.subfigures(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for part, panel in zip(parts, panels, strict=True):
            curves = sorted(panel.curves, key=lambda curve: rank_of(curve.algorithm))
            grid = part.subplots(-(-len(curves) // columns), columns, sharex=True, sharey=True, squeeze=False)
            for place, (axes, curve) in enumerate(_filled(grid, curves)):
                for other in curves:
                    axes.plot(other.x, other.middle, color=INK, alpha=0.2, linewidth=0.5, **_steps(is_profile))
                _draw_curve(axes, curve, looks[curve.algorithm], is_profile=is_profile, most_marks=_SMALL_MARKS)
                _draw_levels(axes, panel.levels, y_range, has_labels=False)
                axes.set_title(_in_two_lines(curve.label, _SMALL_LETTERS), pad=2.0)
                axes.tick_params(labelbottom=place + columns >= len(curves))
                axes.locator_params(axis="x", nbins=3)
                axes.locator_params(axis="y", nbins=4)
                _set_scales(axes, y_range, is_profile=is_profile, margin=_SMALL_MARGIN)
            if panel.title:
                letters = _COLUMN_LETTERS if is_single else 2 * _COLUMN_LETTERS
                part.suptitle(_in_two_lines(panel.title, letters), fontsize=TEXT_POINTS)
            dotted = f"; dotted: {', '.join(level.label for level in panel.levels)}" if panel.levels else ""
            part.supxlabel(f"{x_label}; thin: the others{dotted}", fontsize=TEXT_POINTS)
            part.supylabel(y_label, fontsize=TEXT_POINTS)
    return figure


def _filled(grid: NDArray[np.object_], contents: Sequence[_Content]) -> Iterator[tuple[Axes, _Content]]:
    """Put each content on axes of its own, row by row, and remove the axes that are left."""
    for axes in grid.flat[len(contents) :]:
        axes.remove()
    yield from zip(grid.flat, contents, strict=False)


def _draw_curve(axes: Axes, curve: Curve, look: Look, *, is_profile: bool, most_marks: int = _MOST_MARKS) -> None:
    line = line_of(look) | ({"marker": None} if is_profile else {})
    step: Literal["post"] | None = "post" if is_profile else None
    axes.fill_between(curve.x, curve.low, curve.high, color=look.colour, alpha=0.16, linewidth=0, step=step)
    every = max(1, len(curve.x) // most_marks)
    axes.plot(curve.x, curve.middle, label=curve.label, markersize=3.2, markevery=every, **line, **_steps(is_profile))


def _draw_levels(
    axes: Axes, levels: Sequence[Level], y_range: tuple[float, float] | None, *, has_labels: bool = True
) -> None:
    """Draw dotted lines, those that would lie on one another as one with all their labels."""
    span = (y_range[1] - y_range[0]) if y_range else max((abs(level.y) for level in levels), default=0.0)
    together: list[list[Level]] = []
    for level in sorted(levels, key=lambda level: level.y):
        if together and level.y - together[-1][0].y < _APART * span:
            together[-1].append(level)
        else:
            together.append([level])
    for group in together:
        y = sum(level.y for level in group) / len(group)
        axes.axhline(y, color=INK, alpha=0.5, linewidth=0.6, linestyle=":")
        label = ", ".join(level.label for level in group) if has_labels else ""
        axes.annotate(
            label, (0.99, y), xycoords=("axes fraction", "data"), xytext=(0, 1), textcoords="offset points",
            ha="right", va="bottom", fontsize=_LEVEL_POINTS, color=INK, alpha=0.8,
        )  # fmt: skip


def _steps(is_profile: bool) -> dict[str, Any]:
    return {"drawstyle": "steps-post"} if is_profile else {}


def _set_scales(axes: Axes, y_range: tuple[float, float] | None, *, is_profile: bool, margin: float = _MARGIN) -> None:
    from matplotlib.ticker import EngFormatter

    if not is_profile:
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))  # 400k
    if y_range is not None:
        span = y_range[1] - y_range[0]
        axes.set_ylim(y_range[0] - margin * span, y_range[1] + margin * span)


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
