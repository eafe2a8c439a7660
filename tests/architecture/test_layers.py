"""Rooms import what the table in docs/architecture.md allows, and nothing else."""

from __future__ import annotations

import sys
from graphlib import TopologicalSorter

import pytest

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


@pytest.mark.parametrize("module", sorted(modules()))
def test_module_imports_what_its_room_may(module: str) -> None:
    room = room_of(module)
    assert room is not None, f"{module} belongs to no room of docs/architecture.md; add a row"
    found = [
        f"{modules()[module]}:{entry.line}: imports {entry.target}: {complaint}"
        for entry in imports_of(modules()[module])
        if (complaint := _complaint(room, entry))
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("module", sorted(modules()))
def test_only_rooms_with_leave_import_by_name(module: str) -> None:
    room = room_of(module)
    lines = [call.lineno for call, target in imports_by_name(modules()[module]) if not target]
    assert not lines or (room is not None and room.may_import_by_name), f"{modules()[module]}: lines {lines}"


@pytest.mark.parametrize("name", sorted(rooms()))
def test_room_of_the_table_exists(name: str) -> None:
    assert modules_of(rooms()[name]), f"docs/architecture.md lists {name}, which has no module"


def test_rooms_do_not_depend_on_each_other_in_a_circle() -> None:
    graph = {name: {other for other in room.imports if other in rooms()} for name, room in rooms().items()}
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


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


@pytest.mark.parametrize("module", sorted(modules()))
def test_module_never_loads_what_its_room_forbids(module: str) -> None:
    room = room_of(module)
    forbidden = room.never if room is not None else ()
    loaded = sorted(name for name in _loaded_by(module) if name in forbidden)
    assert not loaded, f"loading {module} loads {', '.join(loaded)}"
