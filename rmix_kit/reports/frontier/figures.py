"""A frontier's two figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from macn.layout import CLIFF, GOAL, WALL
from rmix_kit.metrics import FALLS, RETURN, TAIL_LEVELS, cvar_name, is_share, percent_label_of
from rmix_kit.plotting.style import COLOURS, INK, PAGE_MILLIMETRES, TEXT_POINTS, house_style, new_figure
from rmix_kit.reports.frontier.measuring import Estimate, Frontier, Level
from rmix_kit.reports.frontier.visits import Visits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

PANELS = (RETURN, FALLS, *map(cvar_name, TAIL_LEVELS))
_EXACT, _MEASURED = COLOURS[:2]  # vermilion and blue: told apart by colour-blind readers, and by their marks
_SHADES = ("#ffffff", "#9ecae1", "#2b7bba", "#08306b")  # none to all, rising in darkness
_CLIFF_COLOUR, _WALL_COLOUR, _HATCH_COLOUR, _EDGE_COLOUR = "#3a383e", "#e9e7e1", "#bdb9af", "#8a8880"
_DARK = 0.55  # shades above this share carry white letters
_LEAST_SHOWN = 0.0005  # shares below are not written into their cells
_HEIGHT, _LEAST_PANEL, _LEAST_CELL, _AROUND_PANEL, _SCALE = 88.0, 44.0, 7.6, 20.0, 20.0  # millimetres
_CELL_POINTS = 0.8  # of type, for each millimetre of a cell's width
_DODGE = 0.13  # measured and exact marks stand side by side


def draw_frontier(frontier: Frontier) -> Figure:
    """Draw mean return, falls and both CVaRs by level, measured with intervals and exact, for one column."""
    with house_style():
        figure = new_figure(_HEIGHT)
        for axes, quantity in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
            scale = 100 if is_share(quantity) else 1
            _draw_panel(axes, [level.estimates[quantity] for level in frontier.levels], scale)
            axes.set_title(percent_label_of(quantity))
            axes.set_xticks(range(len(frontier.levels)), [_short(level) for level in frontier.levels])
            axes.set_xlim(-0.5, len(frontier.levels) - 0.5)
            axes.grid(visible=False, axis="x")
        figure.supxlabel("risk level", fontsize=TEXT_POINTS)
        handles, labels = figure.axes[0].get_legend_handles_labels()
        handles, labels = handles[::-1], labels[::-1]  # measured first; matplotlib lists lines before error bars
        figure.legend(handles, labels, loc="outside upper center", ncols=2, handletextpad=0.2, columnspacing=1.0)
    return figure


def draw_visits(frontier: Frontier) -> Figure:
    """Draw where the agents went, one map per level, with returns and falls below.

    Args:
        frontier: Of a MACN game: every level has its visits.
    """
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("visits", _SHADES)
    layout = _visits_of(frontier.levels[0]).layout
    panel = max(_LEAST_PANEL, _LEAST_CELL * layout.width)
    n_levels = len(frontier.levels)
    n_rows = -(-n_levels // max(1, int(PAGE_MILLIMETRES / panel)))
    n_columns = -(-n_levels // n_rows)
    height = (panel * layout.height / layout.width + _AROUND_PANEL) * n_rows
    with house_style():
        figure = new_figure(height, width=panel * n_columns + _SCALE)
        panels = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
        for axes, level in zip(panels, frontier.levels, strict=False):
            _draw_map(axes, level, shades, panel / layout.width)
            axes.set_title("agents' own level" if level.risk_level is None else f"risk level {level.name}")
            axes.set_xlabel(_caption(level), linespacing=1.35)
        for axes in panels[n_levels:]:
            axes.remove()
        last_of_row = panels[n_columns - 1]
        bar = figure.colorbar(last_of_row.images[0], cax=last_of_row.inset_axes((1.05, 0.0, 0.04, 1.0)))
        bar.set_ticks([0, 0.5, 1], labels=["0", "50", "100 %"])
        bar.set_label("of the episodes")
        bar.outline.set_visible(False)
    return figure


def _draw_panel(axes: Axes, estimates: Sequence[Estimate], scale: float) -> None:
    """Draw one quantity by level."""
    for place, estimate in enumerate(estimates):
        measured = scale * estimate.measured
        below, above = scale * (estimate.measured - estimate.low), scale * (estimate.high - estimate.measured)
        axes.errorbar(
            [place - _DODGE],
            [measured],
            yerr=[[max(below, 0.0)], [max(above, 0.0)]],
            fmt="o",
            color=_MEASURED,
            markersize=3.5,
            linewidth=1,
            capsize=1.8,
            label="measured, 95 % interval" if place == 0 else None,
        )
    known = [(place + _DODGE, scale * one.exact) for place, one in enumerate(estimates) if one.exact is not None]
    if known:
        places, values = zip(*known, strict=True)
        axes.plot(
            places,
            values,
            "D",
            markersize=3.8,
            markerfacecolor="white",
            markeredgecolor=_EXACT,
            label="exact, full information",
        )


def _draw_map(axes: Axes, level: Level, shades: Colormap, cell_millimetres: float) -> None:
    """Draw one map with the share of episodes in which an agent visits each cell, agents averaged."""
    from matplotlib.patches import Rectangle

    visits = _visits_of(level)
    layout, share = visits.layout, visits.share.mean(0)  # [cell]
    axes.imshow(share.reshape(layout.height, layout.width), cmap=shades, vmin=0, vmax=1)
    points = min(TEXT_POINTS - 1.5, _CELL_POINTS * cell_millimetres)
    for cell, mark in enumerate(layout.cells):
        row, column = divmod(cell, layout.width)
        is_wall, is_cliff = mark == WALL, mark == CLIFF
        corner = (column - 0.5, row - 0.5)
        if is_wall or is_cliff:
            colour, hatch = (_WALL_COLOUR, "/////") if is_wall else (_CLIFF_COLOUR, None)
            axes.add_patch(Rectangle(corner, 1, 1, facecolor=colour, edgecolor=_HATCH_COLOUR, hatch=hatch, linewidth=0))
        axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=_EDGE_COLOUR, linewidth=0.5))
        if is_wall:
            continue
        ink = "white" if is_cliff or share[cell] > _DARK else INK
        shown = [] if mark == "." else ["cliff" if is_cliff else "goal" if mark == GOAL else "start"]
        if share[cell] >= _LEAST_SHOWN:
            shown.append(_percent(float(share[cell])))
        axes.text(column, row, "\n".join(shown), ha="center", va="center", color=ink, fontsize=points, linespacing=1.1)
    axes.grid(visible=False)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(True)
    axes.spines[:].set_color(_EDGE_COLOUR)


def _caption(level: Level) -> str:
    """Say what the level earned and how often it fell, beside the exact values."""
    mean, falls = level.estimates[RETURN], level.estimates[FALLS]
    earned, fell = f"return {mean.measured:.2f}", f"falls {100 * falls.measured:.1f} %"
    if mean.exact is not None and falls.exact is not None:
        earned += f" (exact {mean.exact:.2f})"
        fell += f" (exact {100 * falls.exact:.1f} %)"
    return f"{earned}\n{fell}".replace("-", "\N{MINUS SIGN}")


def _percent(share: float) -> str:
    """Write a share as a percentage in a small cell; below one percent with a digit more."""
    return f"{100 * share:.1f}" if share < 0.00995 else f"{100 * share:.0f}"


def _short(level: Level) -> str:
    return "dyn." if level.risk_level is None else f"{level.risk_level:g}"


def _visits_of(level: Level) -> Visits:
    """Return the visits of a level of a MACN game."""
    assert level.visits is not None
    return level.visits
