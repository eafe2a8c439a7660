"""A row of the table of `speed.py`, and how much effort is spent on one."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

FIELDS = ("work", "unit", "ours", "floor", "times_floor", "peer", "peer_is", "ratio_to_peer", "goal", "note")


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long is measured.

    Attributes:
        turns: Turns of every contender.
        repeats: Updates in a turn.
        seconds: CPU seconds of a turn of battles, at least.
        processes: Turns of whole processes.
        macn_steps: Environment steps of a training run on MACN.
        battle_steps: Environment steps of a training run on 5m_vs_6m.
    """

    turns: int = 7
    repeats: int = 3
    seconds: float = 0.3
    processes: int = 3
    macn_steps: int = 100_000
    battle_steps: int = 20_000


QUICK = Effort(turns=2, repeats=1, seconds=0.05, processes=1, macn_steps=1_000, battle_steps=300)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one piece of work gave, medians over turns.

    Attributes:
        work: What is done.
        unit: Of ``ours``, ``floor`` and ``peer``; a rate is better when higher, a time when lower.
        ours: Our figure.
        floor: What the work cannot be without, measured in the same turns.
        times_floor: Median of ours / floor over turns.
        peer: The figure of somebody else, or of the plain way to do it.
        peer_is: Who that is.
        ratio_to_peer: How many times better ours is, median over turns.
        goal: What was aimed at.
        note: What has to be known to read the row.
    """

    work: str
    unit: str
    ours: float
    floor: float | None = None
    times_floor: float | None = None
    peer: float | None = None
    peer_is: str = ""
    ratio_to_peer: float | None = None
    goal: str = ""
    note: str = ""

    def cells(self) -> dict[str, str]:
        """Return what is written of the row."""
        return {name: shown(getattr(self, name)) for name in FIELDS}


Section = Callable[[Effort], Iterator[Row]]
"""Measures some of the rows."""


def shown(value: float | str | None) -> str:
    """Write a cell: three digits of a number, all before the point."""
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def row_of(
    work: str, unit: str, taken: Mapping[str, Sequence[float]], *, peer_is: str = "", goal: str = "", note: str = ""
) -> Row:
    """Sum up the turns of one piece of work.

    Args:
        taken: Per contender one figure a turn: "ours", and "floor" and "peer" where there is one.
    """
    is_rate = "/" in unit
    ours, floor, peer = (taken.get(name) for name in ("ours", "floor", "peer"))
    assert ours is not None
    return Row(
        work=work,
        unit=unit,
        ours=statistics.median(ours),
        floor=statistics.median(floor) if floor else None,
        times_floor=statistics.median(o / f for o, f in zip(ours, floor, strict=True)) if floor else None,
        peer=statistics.median(peer) if peer else None,
        peer_is=peer_is if peer else "",
        ratio_to_peer=(
            statistics.median(o / p if is_rate else p / o for o, p in zip(ours, peer, strict=True)) if peer else None
        ),
        goal=goal,
        note=note,
    )


def in_turns(contenders: Mapping[str, Callable[[], float]], turns: int) -> dict[str, list[float]]:
    """Let contenders take turns that measure themselves, so that a busy machine slows them alike."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(turns):
        for name, measure in contenders.items():
            taken[name].append(measure())
    return taken


def markdown(rows: Sequence[Row]) -> str:
    """Return the table as it stands in a document."""
    header = ("work", "unit", "ours", "floor", "x floor", "peer", "x peer", "goal")
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    for row in rows:
        cells = row.cells()
        peer = f"{cells['peer']} ({row.peer_is})" if row.peer_is else ""
        shown_cells = (row.work, row.unit, cells["ours"], cells["floor"], cells["times_floor"], peer)
        lines.append("| " + " | ".join((*shown_cells, cells["ratio_to_peer"], row.goal)) + " |")
    return "\n".join(lines)
