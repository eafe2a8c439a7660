"""A number for each pair of algorithms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rmix_kit.plotting.style import COLUMN_MILLIMETRES, TEXT_POINTS, house_style, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_WITH_NUMBERS = 8  # more columns leave no room for a number in a cell
_HEAD = 26.0  # millimetres beside and above the cells
_DARK_FROM = 0.32  # distance from one half at which a cell is too dark for dark type


def draw_probabilities(names: Sequence[str], values: Sequence[Sequence[float]], *, label: str) -> Figure:
    """Draw probabilities as a square of colours around one half, with numbers where they fit.

    Args:
        values: In [0, 1], ``[row][column]``.
        label: Of the scale.
    """
    size = (COLUMN_MILLIMETRES - _HEAD) / max(len(names), 4)
    with house_style():
        figure = new_figure(_HEAD + size * len(names) + 8.0)
        axes = figure.subplots()
        image = axes.imshow(values, cmap="PuOr", vmin=0.0, vmax=1.0, aspect="equal")
        axes.grid(visible=False)
        for side in axes.spines.values():
            side.set_visible(False)
        axes.tick_params(length=0)
        axes.set_xticks(range(len(names)), names, rotation=55, ha="left", rotation_mode="anchor")
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(names)), names)
        if len(names) <= MOST_WITH_NUMBERS:
            for row, line in enumerate(values):
                for column, value in enumerate(line):
                    colour = "#fefefe" if abs(value - 0.5) > _DARK_FROM else "#000000"
                    axes.text(
                        column, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=TEXT_POINTS - 0.5
                    )
        bar = figure.colorbar(image, ax=axes, orientation="horizontal", shrink=0.8, aspect=30, pad=0.03)
        bar.set_label(label)
        bar.outline.set_visible(False)
    return figure
