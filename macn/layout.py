"""A cliff map as text, checked and turned into cells; the named maps."""

from __future__ import annotations

import codecs
import difflib
import textwrap
from collections import deque
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType

from macn.errors import LayoutError

SAFE, CLIFF, GOAL, WALL, START = ".", "C", "G", "#", "S"
DIGITS = "0123456789"
KNOWN = frozenset(SAFE + CLIFF + GOAL + WALL + START + DIGITS)
LARGEST_SIDE = 127  # rows and columns are observed as int8
LARGEST_FILE = 2**20  # bytes


def _cliff_walk(width: int) -> str:
    """Return the classic map of four rows: start bottom-left, goal bottom-right, cliff between."""
    return "\n".join(["." * width] * 3 + ["S" + "C" * (width - 2) + "G"])


NAMED_LAYOUTS = MappingProxyType(
    {
        "4x7": _cliff_walk(7),
        "4x11": _cliff_walk(11),
        "4x12": _cliff_walk(12),
        "4x15": _cliff_walk(15),
        # The short way (4 steps) passes one cliff, the long way (10 steps) none.
        "bridge": "\n".join([".....", ".###.", ".###.", "S...G", "##C##"]),
        # Three ways: 4 steps between two cliffs, 8 past one, 16 past none; each the best for some level with slip 0.05.
        "detours": "\n".join([".....", ".###.", ".###.", ".###.", ".....", ".#C#.", "S...G", "##C##"]),
        # A toothed cliff below an open plain; the walled gallery above it is safe and longer.
        "6x20": "\n".join(
            [
                "....................",
                ".####.####.####.###.",
                "....................",
                "....................",
                ".CC..CC..CC..CC..CC.",
                "SCCCCCCCCCCCCCCCCCCG",
            ]
        ),
        # Three ways: 12 steps past five cliffs, 16 steps past one, 20 steps past none.
        "corridors": "\n".join(
            [
                ".............",
                ".###########.",
                ".............",
                ".#####C#####.",
                "S...........G",
                "##C##C##C##C#",
            ]
        ),
    }
)


@dataclass(frozen=True, kw_only=True)
class CliffLayout:
    """A checked grid. Cells are numbered row by row: `cell = row * width + column`.

    Make one with `CliffLayout.parse`; the constructor checks as well, so that no bad grid can exist.
    """

    name: str
    """Name of the map, or `custom`."""
    rows: tuple[str, ...]
    """The map as drawn, one string per row, from the top."""

    @classmethod
    def parse(cls, source: str | Path | CliffLayout) -> CliffLayout:
        """Return the layout that a name, a drawn map or a file describes.

        Args:
            source: a name of `NAMED_LAYOUTS`; or the map itself, one line per row; or the path of a text
                file that holds such a map; or a layout, which is given back as it is.

        Raises:
            LayoutError: the map is refused, or the text is neither a name, nor a map, nor a file.
        """
        if isinstance(source, CliffLayout):
            return source
        if isinstance(source, str):
            if source in NAMED_LAYOUTS:
                return cls(name=source, rows=tuple(NAMED_LAYOUTS[source].split("\n")))
            if "\n" in source or "\r" in source or (source and set(source) <= KNOWN):
                return cls(name="custom", rows=_split(source))
        elif not isinstance(source, Path):
            raise LayoutError(f"got {type(source).__name__}; give a name, a drawn map or a path")
        text = _read(Path(source))
        if text is None:
            raise LayoutError(_unknown_name(str(source)))
        return cls(name=Path(source).stem, rows=_split(text))

    def __post_init__(self) -> None:
        """Check the grid."""
        _check_shape(self.rows)
        _check_starts(self)
        _check_goal(self)

    @property
    def height(self) -> int:
        """Number of rows."""
        return len(self.rows)

    @property
    def width(self) -> int:
        """Number of columns."""
        return len(self.rows[0])

    @property
    def n_cells(self) -> int:
        """Number of cells, walls included."""
        return self.height * self.width

    @property
    def text(self) -> str:
        """The map as drawn; `CliffLayout.parse` reads it back."""
        return "\n".join(self.rows)

    @cached_property
    def cells(self) -> str:
        """The map as one string, one character per cell."""
        return "".join(self.rows)

    @cached_property
    def start_marks(self) -> dict[str, int]:
        """Cell of each start mark: `S`, or the digits."""
        return {mark: cell for cell, mark in enumerate(self.cells) if mark == START or mark in DIGITS}

    def start_cells(self, n_agents: int) -> tuple[int, ...]:
        """Return the cell in which each agent starts.

        Raises:
            LayoutError: the map has a start per agent, and not for this many agents.
        """
        marks = self.start_marks
        if START in marks:
            return (marks[START],) * n_agents
        if len(marks) != n_agents:
            last = max(marks.values())
            raise LayoutError(
                f"the map draws a start for {len(marks)} agents, but n_agents is {n_agents}; "
                f"draw the digits 0 to {n_agents - 1}, or one shared start 'S'",
                row=last // self.width,
                column=last % self.width,
            )
        return tuple(marks[str(agent)] for agent in range(n_agents))


def _read(path: Path) -> str | None:
    """Return the text of a map file, or None where there is no such file.

    Marks of the byte order are read and dropped. Bytes that are no UTF-8 are read as Latin-1: no map has such a
    character, and the error then names the row and column where it stands.
    """
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:  # a name too long for a file, or with a NUL; a file that may not be read
        reason = getattr(error, "strerror", None) or str(error)
        raise LayoutError(f"{_shortened(str(path))} cannot be read as a map file: {reason}") from None
    if len(data) > LARGEST_FILE:
        raise LayoutError(f"{str(path)!r} has more than {LARGEST_FILE:,} bytes; a map has at most {LARGEST_SIDE} rows")
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _shortened(source: str) -> str:
    """Return a text in quotes, cut where it would fill a page."""
    return repr(source) if len(source) <= 120 else f"{source[:100]!r}... ({len(source):,} characters)"


def _split(text: str) -> tuple[str, ...]:
    """Return the rows of a drawn map without common indentation and surrounding blank lines."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = textwrap.dedent(text).split("\n")
    lines = [line.rstrip() for line in lines]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return tuple(lines)


def _unknown_name(source: str) -> str:
    """Return the reason for refusing a text that is neither name, map nor file."""
    close = difflib.get_close_matches(source, NAMED_LAYOUTS, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return (
        f"{_shortened(source)} is neither a named layout ({', '.join(NAMED_LAYOUTS)}), nor a drawn map "
        f"of the characters . C G # S 0-9, nor a file{hint}"
    )


def _check_shape(rows: tuple[str, ...]) -> None:
    """Refuse empty, ragged, oversized grids and unknown characters."""
    if not rows or not rows[0]:
        raise LayoutError("the map is empty; draw at least a start 'S' and a goal 'G'")
    width = len(rows[0])
    for row, line in enumerate(rows):
        for column, mark in enumerate(line):
            if mark not in KNOWN:
                raise LayoutError(
                    f"unknown character {mark!r}; use '.' safe, 'C' cliff, 'G' goal, '#' wall, "
                    "'S' shared start or a digit per agent",
                    row=row,
                    column=column,
                )
        if len(line) != width:
            raise LayoutError(
                f"ragged: this row has {len(line)} cells, the first row has {width}; make all rows equally long",
                row=row,
                column=min(len(line), width),
            )
    if len(rows) > LARGEST_SIDE or width > LARGEST_SIDE:
        raise LayoutError(
            f"the map has {len(rows)} rows and {width} columns; at most {LARGEST_SIDE} of each are supported",
            row=len(rows) - 1,
            column=width - 1,
        )


def _check_starts(layout: CliffLayout) -> None:
    """Refuse grids without a start, with two kinds of start, or with a start drawn twice."""
    seen: set[str] = set()
    last = (layout.height - 1, layout.width - 1)
    for cell, mark in enumerate(layout.cells):
        if mark != START and mark not in DIGITS:
            continue
        row, column = divmod(cell, layout.width)
        if mark in seen:
            raise LayoutError(f"start {mark!r} is drawn twice; draw each start once", row=row, column=column)
        if seen and (mark == START or START in seen):
            reason = "a shared start 'S' and starts per agent (digits) are mixed; use one kind"
            raise LayoutError(reason, row=row, column=column)
        seen.add(mark)
    if not seen:
        reason = "no start up to the last cell; a start must stand on a safe cell: draw 'S' or the digits 0, 1, ..."
        raise LayoutError(reason, row=last[0], column=last[1])
    if START not in seen and seen != set(DIGITS[: len(seen)]):
        missing = next(digit for digit in DIGITS if digit not in seen)
        reason = f"start {missing!r} is missing up to the last cell; number the agents' starts 0, 1, ... without a gap"
        raise LayoutError(reason, row=last[0], column=last[1])


def _check_goal(layout: CliffLayout) -> None:
    """Refuse grids without a goal, or whose goal some agent can reach only through the cliff."""
    if GOAL not in layout.cells:
        reason = "no goal up to the last cell; draw at least one 'G'"
        raise LayoutError(reason, row=layout.height - 1, column=layout.width - 1)
    for mark, start in layout.start_marks.items():
        if not _reaches_goal(layout, start):
            row, column = divmod(start, layout.width)
            reason = f"from start {mark!r} no goal can be reached without stepping on the cliff; open a safe way"
            raise LayoutError(reason, row=row, column=column)


def _reaches_goal(layout: CliffLayout, start: int) -> bool:
    """Return whether a goal can be reached from `start` over cells that are neither cliff nor wall."""
    seen = {start}
    queue = deque(seen)
    while queue:
        cell = queue.popleft()
        if layout.cells[cell] == GOAL:
            return True
        row, column = divmod(cell, layout.width)
        for next_row, next_column in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
            next_cell = next_row * layout.width + next_column
            inside = 0 <= next_row < layout.height and 0 <= next_column < layout.width
            if inside and next_cell not in seen and layout.cells[next_cell] not in (CLIFF, WALL):
                seen.add(next_cell)
                queue.append(next_cell)
    return False
