"""Rows of `speed.py` about the built-in SMAC simulator: copies that wait, copies that restart, and plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from _battles import CAN_RESTART, Play, restarting, steps_per_cpu_second, unit_by_unit, waiting
from _speed_rows import Effort, Row, in_turns, row_of

from rmix_kit.smac.maps import SCENARIOS

MAPS = ("3m", "5m_vs_6m")
COPIES = (1, 32, 256, 1024)
UNIT = "steps/CPU s"
PLAIN = "plain Python, one copy"


def rates(effort: Effort, contenders: dict[str, Play]) -> dict[str, list[float]]:
    """Measure steps per CPU second, contenders taking turns."""
    for play in contenders.values():
        play()
    turns = {name: partial(steps_per_cpu_second, play, effort.seconds) for name, play in contenders.items()}
    return in_turns(turns, effort.turns)


def simulator(effort: Effort) -> Iterator[Row]:
    """Measure any number of copies of two maps, beside plain Python with one."""
    ways = {"copies wait": waiting} | ({"copies restart": restarting} if CAN_RESTART else {})
    for map_name in MAPS:
        battles: dict[str, Play] = {"peer": unit_by_unit(map_name)}
        battles |= {f"{way}, {copies}": make(map_name, copies) for way, make in ways.items() for copies in COPIES}
        taken = rates(effort, battles)
        for name in battles:
            if name != "peer":
                pair = {"ours": taken[name], "peer": taken["peer"]}
                goal = "ahead of SMAX (long/jaxmarl_peer.py)" if "restart" in name else ""
                yield row_of(f"simulator {map_name}, {name}", UNIT, pair, peer_is=PLAIN, goal=goal)


def one_copy(effort: Effort) -> Iterator[Row]:
    """Measure one copy of every map beside plain Python."""
    name, make = ("restarts", restarting) if CAN_RESTART else ("one after the other", waiting)
    for map_name in SCENARIOS:
        taken = rates(effort, {"ours": make(map_name, 1), "peer": unit_by_unit(map_name)})
        yield row_of(f"simulator {map_name}, one copy, {name}", UNIT, taken, peer_is=PLAIN, goal="10x plain Python")
