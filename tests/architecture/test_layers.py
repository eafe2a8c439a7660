"""Rooms import what the table in docs/architecture.md allows, and nothing else."""

from __future__ import annotations

import sys
from functools import cache
from graphlib import TopologicalSorter

from tests.architecture.import_table import Room, covers, modules_of, room_of, rooms
from tests.architecture.sources import PACKAGES, Import, imports_by_name, imports_of, modules


def _is_ours(target: str) -> bool:
    return target.split(".")[0] in PACKAGES


def _complaint(room: Room, entry: Import) -> str | None:
    """Why the room may not have this import, None if it may."""
    top = entry.target.split(".")[0]
    if _is_ours(entry.target):
        target_room = room_of(entry.target)
        if target_room is None or target_room == room:
            return None
        name = target_room.name
    elif entry.is_for_types or top in sys.stdlib_module_names:
        return None
    elif top == "numpy":
        return f"{top} is under never" if "numpy" in room.never else None
    else:
        name = entry.target
    loads_late = entry.is_lazy or entry.is_for_types
    if loads_late and (room.is_open or any(covers(pattern, name) for pattern in room.lazily)):
        return None
    if any(pattern == name if _is_ours(name) else covers(pattern, name) for pattern in room.imports):
        return "inside a function, but listed for the head of the module" if entry.is_lazy else None
    return "inside a function, and not listed under lazily" if entry.is_lazy else f"the row of {room.name} lacks {name}"


def test_every_module_belongs_to_a_room() -> None:
    homeless = [
        f"{file}: no room of docs/architecture.md; add a row" for name, file in modules().items() if not room_of(name)
    ]
    assert not homeless, "\n".join(homeless)


def test_modules_import_what_their_room_may() -> None:
    found = [
        f"{file}:{entry.line}: imports {entry.target}: {complaint}"
        for name, file in modules().items()
        if (room := room_of(name))
        for entry in imports_of(file)
        if (complaint := _complaint(room, entry))
    ]
    assert not found, "\n".join(found)


def test_only_rooms_with_leave_import_by_name() -> None:
    found = [
        f"{file}:{call.lineno}: imports by a name that is not written there"
        for name, file in modules().items()
        for call, target in imports_by_name(file)
        if not target and not ((room := room_of(name)) and room.may_import_by_name)
    ]
    assert not found, "\n".join(found)


def test_rooms_of_the_table_exist() -> None:
    empty = [name for name, room in sorted(rooms().items()) if not modules_of(room)]
    assert not empty, f"docs/architecture.md lists what has no module: {', '.join(empty)}"


def _unused(room: Room) -> set[str]:
    """What a room's row permits at the head of a module, and no module of it imports."""
    targets = {
        found.name if _is_ours(entry.target) and (found := room_of(entry.target)) else entry.target
        for module in modules_of(room)
        for entry in imports_of(modules()[module])
        if not entry.is_lazy
    }
    return {
        pattern
        for pattern in room.imports
        if not any(name == pattern if _is_ours(name) else covers(pattern, name) for name in targets)
    }


def test_rows_permit_no_more_than_is_imported() -> None:
    found = [f"{name}: {', '.join(sorted(unused))}" for name, room in rooms().items() if (unused := _unused(room))]
    assert not found, "\n".join(found)


def test_rooms_do_not_depend_on_each_other_in_a_circle() -> None:
    graph = {name: {other for other in room.imports if other in rooms()} for name, room in rooms().items()}
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


@cache
def _head_imports(module: str) -> set[str]:
    """What loading the module loads: its own head imports, and the packages around what they name."""
    names = {entry.target for entry in imports_of(modules()[module]) if not entry.is_lazy and not entry.is_for_types}
    names |= {module}
    return {".".join(name.split(".")[:depth]) for name in names for depth in range(1, name.count(".") + 2)}


def _loaded_by(module: str) -> set[str]:
    reached: set[str] = set()
    waiting = {module}
    while waiting:
        name = waiting.pop()
        reached.add(name)
        if name in modules():
            waiting |= _head_imports(name) - reached
    return reached


def test_modules_never_load_what_their_room_forbids() -> None:
    found = [
        f"loading {module} loads {name}"
        for module in modules()
        if (room := room_of(module)) and room.never
        for name in sorted(_loaded_by(module) & set(room.never))
    ]
    assert not found, "\n".join(found)
