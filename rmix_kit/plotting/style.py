"""How pictures look: one colour per algorithm, type that is readable at the width of a column.

Colours are those of Okabe and Ito, "Color Universal Design" (2008), with ink for their black and without the yellow,
which vanishes on white; a second round of algorithms has the same colours with broken lines and hollow marks.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMN_MILLIMETRES, PAGE_MILLIMETRES = 85.0, 178.0
FORMATS = ("png", "svg", "pdf")
PIXELS_PER_INCH = 300
TEXT_POINTS = 8.0
# The page replaces these two by its own colours, so that an inlined drawing suits a dark page too.
INK, GRID = "#1a1c20", "#d5d7dc"

COLOURS = ("#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", INK)
ALGORITHMS = (
    "rmix", "qmix", "vdn", "rdn", "iql", "qplex", "qtran",
    "rmix-averse", "ow-qmix", "coma", "dop", "lh-iqn", "cw-qmix", "dmix", "ddn", "riskq",
)  # fmt: skip
_MARKS = "osD^vP*"
_LOOKS = 3 * len(COLOURS)

Dashes: TypeAlias = str | tuple[float, tuple[float, ...]]
_LINES: tuple[Dashes, ...] = ("-", (0.0, (4.0, 1.6)), (0.0, (1.0, 1.2)))
_SHIFT = 3
"""By how many the marks of the third round are moved, so that no colour has one twice."""


@dataclass(frozen=True, kw_only=True)
class Look:
    """How one algorithm is drawn, everywhere.

    Attributes:
        colour: Hexadecimal.
        line: matplotlib's line style.
        mark: matplotlib's marker.
        is_hollow: The mark is an outline.
    """

    colour: str
    line: Dashes
    mark: str
    is_hollow: bool


def looks_of(algorithms: Iterable[str]) -> dict[str, Look]:
    """Return the looks of what one picture shows.

    An algorithm of the roster has its own, everywhere. Other names have one that depends on the name, or the next that
    nobody in the picture has; beyond twenty-one, looks come again.
    """
    names = dict.fromkeys(algorithms)
    places = {name: ALGORITHMS.index(name) for name in names if name in ALGORITHMS}
    for name in sorted(names.keys() - places.keys()):
        wished = zlib.crc32(name.encode()) % _LOOKS
        order = [(wished + step) % _LOOKS for step in range(_LOOKS)]
        places[name] = next((place for place in order if place not in places.values()), wished)
    return {name: _look(places[name]) for name in names}


def rank_of(algorithm: str) -> tuple[int, str]:
    """Return a key that sorts algorithms in the order of their looks, each before its variants, unknown ones last.

    A preset such as "rmix-quick" stands behind the algorithm whose name it begins with.
    """
    preset = algorithm.split(" ")[0]
    known = [name for name in ALGORITHMS if preset == name or preset.startswith(f"{name}-")]
    return (ALGORITHMS.index(max(known, key=len)) if known else len(ALGORITHMS), algorithm)


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in this style inside the block; matplotlib's own settings come back after it."""
    import matplotlib

    settings = {
        "font.size": TEXT_POINTS,
        "axes.titlesize": TEXT_POINTS,
        "axes.labelsize": TEXT_POINTS,
        "xtick.labelsize": TEXT_POINTS,
        "ytick.labelsize": TEXT_POINTS,
        "legend.fontsize": TEXT_POINTS,
        "legend.frameon": False,
        "lines.linewidth": 1.1,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.5,
        "text.parse_math": False,  # names may hold dollars
        "svg.fonttype": "none",
        "svg.hashsalt": "rmix-kit",
        **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), INK),
    }
    with matplotlib.rc_context(settings):  # type: ignore[arg-type]
        yield


def new_figure(height: float, *, width: float = COLUMN_MILLIMETRES) -> Figure:
    """Return an empty figure without a window or a global list of figures.

    Args:
        height: In millimetres.
        width: In millimetres.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 25.4, height / 25.4), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def picture(figure: Figure, kind: str) -> bytes:
    """Return the figure as a file's content, the same bytes for the same figure.

    Args:
        kind: One of ``FORMATS``.
    """
    buffer = BytesIO()
    metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
    with house_style():
        figure.savefig(buffer, format=kind, dpi=PIXELS_PER_INCH, metadata=metadata)
    return buffer.getvalue()


def legend_below(figure: Figure, looks: Mapping[str, Look], columns: int) -> None:
    """Put a legend of lines under the figure, outside the data.

    Args:
        looks: By label.
        columns: Most entries side by side.
    """
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], label=label, markersize=3.6, **line_of(look)) for label, look in looks.items()]
    if handles:
        columns = -(-len(handles) // -(-len(handles) // columns))  # as few rows as needed, as even as can be
        figure.legend(handles=handles, loc="outside lower center", ncols=columns, handlelength=2.6, columnspacing=1.2)


def line_of(look: Look) -> dict[str, Any]:
    """Return a look as matplotlib's arguments for a line with marks."""
    return {
        "color": look.colour,
        "linestyle": look.line,
        "marker": look.mark,
        "markerfacecolor": "none" if look.is_hollow else look.colour,
    }


def legend_millimetres(labels: int, columns: int) -> float:
    """Return the height that a legend below needs."""
    rows = -(-labels // columns)
    return 2.0 + 4.4 * rows if labels else 0.0


def _look(place: int) -> Look:
    round_, slot = divmod(place, len(COLOURS))
    mark = _MARKS[(slot + (_SHIFT if round_ == 2 else 0)) % len(_MARKS)]
    return Look(colour=COLOURS[slot], line=_LINES[round_], mark=mark, is_hollow=round_ == 1)
