"""Reads the import table of docs/architecture.md."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache

from tests.architecture.sources import ROOT, modules

PAGE = ROOT / "docs" / "architecture.md"
HEADER = ["room", "imports", "lazily", "never"]


@dataclass(frozen=True, kw_only=True)
class Room:
    """One row of the table; names may end in `*`.

    Attributes:
        name: the room's dotted name.
        imports: what it may import at the head of a module.
        lazily: what it may import inside a function.
        is_open: it may import anything inside a function.
        may_import_by_name: it may call `importlib.import_module`.
        never: what it must not load even through others.
    """

    name: str
    imports: tuple[str, ...]
    lazily: tuple[str, ...]
    is_open: bool
    may_import_by_name: bool
    never: tuple[str, ...]


def _names(cell: str) -> tuple[str, ...]:
    return tuple(re.findall(r"`([^`]+)`", cell))


@cache
def rooms() -> dict[str, Room]:
    """The table, by room.

    Raises:
        ValueError: if the page has no table with the expected header, or a room twice.
    """
    rows = [
        [cell.strip() for cell in line.strip().strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("|")
    ]
    if HEADER not in rows:
        raise ValueError(f"{PAGE.name} has no table with the columns {', '.join(HEADER)}")
    table: dict[str, Room] = {}
    for name_cell, imports, lazily, never in rows[rows.index(HEADER) + 2 :]:
        (name,) = _names(name_cell)
        if name in table:
            raise ValueError(f"{PAGE.name} lists the room {name} twice")
        table[name] = Room(
            name=name,
            imports=_names(imports),
            lazily=_names(lazily),
            is_open="anything" in lazily,
            may_import_by_name="by name" in lazily,
            never=_names(never),
        )
    return table


def covers(pattern: str, name: str) -> bool:
    """Whether a name of the table, `exporters.to_*` say, stands for a module or something inside it."""
    return fnmatchcase(name, pattern) or fnmatchcase(name, f"{pattern}.*")


@cache
def room_of(module: str) -> Room | None:
    """The room with the longest name that fits, None if there is none.

    A package that has rooms of its own is a room by its `__init__` alone: a new file in it needs a row.
    """
    fitting = [room for room in rooms().values() if covers(room.name, module)]
    room = max(fitting, key=lambda room: len(room.name.rstrip("*")), default=None)
    if room is not None and room.name != module and any(name.startswith(f"{room.name}.") for name in rooms()):
        return None
    return room


def modules_of(room: Room) -> tuple[str, ...]:
    """The modules that belong to the room."""
    return tuple(module for module in modules() if room_of(module) == room)
