"""What return distributions predicted beside what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from rmix_kit.plotting.style import INK, PAGE_MILLIMETRES, house_style, looks_of, new_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 62.0  # millimetres


@dataclass(frozen=True, kw_only=True, eq=False)
class Staircase:
    """A distribution as a line that rises from 0 to 1.

    Attributes:
        label: What the legend says.
        values: Where it rises, ``[point]``.
        shares: How high it is from there on, ``[point]``, rising.
        is_reference: Drawn in ink, behind.
    """

    label: str
    values: ArrayLike
    shares: ArrayLike
    is_reference: bool = False


def empirical(label: str, values: ArrayLike, *, is_reference: bool = False) -> Staircase:
    """Return the distribution of values that came.

    Args:
        label: What the legend says.
        values: ``[value]``, in any order.
        is_reference: Drawn in ink, behind.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    shares = np.arange(1, len(ordered) + 1) / len(ordered)
    return Staircase(label=label, values=ordered, shares=shares, is_reference=is_reference)


def draw_calibration(
    algorithm: str, pit: Sequence[float], forecast: Sequence[Staircase], whole: Sequence[Staircase]
) -> Figure:
    """Draw the PIT histogram, what was forecast at the first step, and the returns of whole episodes.

    Args:
        algorithm: Decides the colour.
        pit: Share of the forecasts in each of as many equal parts of the unit interval.
        forecast: Distributions of the discounted return from the first step.
        whole: Distributions of the undiscounted return.
    """
    colour = looks_of([algorithm])[algorithm].colour
    with house_style():
        figure = new_figure(_HEIGHT, width=PAGE_MILLIMETRES)
        histogram, first, episodes = figure.subplots(1, 3)
        edges = np.linspace(0.0, 1.0, len(pit) + 1)
        histogram.stairs(pit, edges, fill=True, color=colour, alpha=0.55)
        histogram.axhline(1.0 / len(pit), color=INK, linestyle=":", linewidth=0.8)
        histogram.set(xlabel="where the return fell in its forecast", ylabel="share", title="PIT (flat: calibrated)")
        _draw(first, forecast, colour, "discounted return", "From the first step")
        _draw(episodes, whole, colour, "return", "Whole episodes")
    return figure


def _draw(axes: Axes, lines: Sequence[Staircase], colour: str, x_label: str, title: str) -> None:
    for line in lines:
        style: dict[str, Any] = (
            {"color": INK, "linestyle": "--", "zorder": 1.0} if line.is_reference else {"color": colour}
        )
        style |= {} if line.is_reference or line is lines[0] else {"linestyle": "-.", "alpha": 0.8}
        values, shares = np.asarray(line.values), np.asarray(line.shares)
        axes.step(np.r_[values[0], values], np.r_[0.0, shares], where="post", label=line.label, linewidth=1.2, **style)
    axes.set(xlabel=x_label, ylabel="share of episodes below", title=title)
    axes.legend(loc="upper left", handlelength=1.6)
