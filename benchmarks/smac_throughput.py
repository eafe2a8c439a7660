"""Steps per CPU second of the built-in SMAC simulator, beside the same battles played unit by unit, on one core.

    python benchmarks/smac_throughput.py [--csv PATH] [--turns N] [MAP ...]

A step is everything that a trainer asks for: random allowed actions, the battle, observations, state, masks, reward and
end; resets are inside the measured time. The contenders take turns, each playing whole rounds of battles, so that a
busy machine slows them alike; CPU seconds are counted, medians of the turns and of the turns' ratios reported. Copies
wait for the longest battle of their round: "steps" counts those of battles that still go on, "steps with waiting" all
that were computed.
"""

from __future__ import annotations

import argparse
import csv
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from _rmix_work import RESULTS, machine_note
from naive_smac import NaiveBattle

from rmix_kit.envs.smac.builtin import BuiltinVector
from rmix_kit.smac import combat
from rmix_kit.smac.arena import DIFFICULTIES, arena_of
from rmix_kit.smac.facts import layout_facts
from rmix_kit.smac.maps import SCENARIOS

MAPS = ("3m", "2s3z", "10m_vs_11m", "MMM2", "corridor")
COPIES = (1, 32, 256)
NAIVE = "unit by unit"
TURNS = 7
LEAST_SECONDS = 0.3  # of a turn
DIFFICULTY = "7"


class Speed(NamedTuple):
    """Per CPU second."""

    steps: float
    with_waiting: float


Round = Callable[[], tuple[int, int]]
"""Plays a round of battles; gives its steps without and with those of battles that are over."""


def arrays(map_name: str, copies: int) -> Round:
    """Return rounds of the built-in simulator."""
    envs, rng = BuiltinVector(map_name, copies, difficulty=DIFFICULTY), np.random.default_rng(0)

    def play() -> tuple[int, int]:
        now = envs.reset([int(seed) for seed in rng.integers(2**31, size=copies)])
        steps = rounds = 0
        goes_on = np.ones(copies, dtype=np.bool_)
        while goes_on.any():
            steps += int(goes_on.sum())
            rounds += 1
            now = envs.step((rng.random(now.avail_actions.shape) * now.avail_actions).argmax(-1))
            goes_on = ~(now.terminated | now.truncated)
        return steps, rounds * copies

    return play


def unit_by_unit(map_name: str) -> Round:
    """Return battles in plain Python."""
    facts, arena = layout_facts(SCENARIOS[map_name]), arena_of(map_name)
    draws = random.Random(0)
    bits_of = range(len(arena.unit))
    one = NaiveBattle(facts, arena, DIFFICULTIES[DIFFICULTY], lambda tick: [draws.getrandbits(60) for _ in bits_of])

    def play() -> tuple[int, int]:
        one.copy_from(combat.begin(arena, np.array([draws.getrandbits(31)])), 0)
        _, _, masks = one.observe()
        steps = 0
        while steps < SCENARIOS[map_name].episode_limit and not one.is_over():
            one.step([draws.choice([action for action, can in enumerate(row) if can]) for row in masks.tolist()])
            _, _, masks = one.observe()
            steps += 1
        return steps, steps

    return play


def turn(play: Round) -> Speed:
    """Play whole rounds for a moment and give how fast that was."""
    start, steps, computed = time.process_time(), 0, 0
    while (seconds := time.process_time() - start) < LEAST_SECONDS:
        played = play()
        steps, computed = steps + played[0], computed + played[1]
    return Speed(steps / seconds, computed / seconds)


def measured(map_name: str, turns: int) -> list[dict[str, object]]:
    """Return the rows of one map."""
    contenders = {NAIVE: unit_by_unit(map_name)} | {f"B = {copies}": arrays(map_name, copies) for copies in COPIES}
    for play in contenders.values():
        play()
    speeds: dict[str, list[Speed]] = {name: [] for name in contenders}
    for _ in range(turns):
        for name, play in contenders.items():
            speeds[name].append(turn(play))
    rows: list[dict[str, object]] = []
    for name, found in speeds.items():
        ratios = [ours.steps / naive.steps for ours, naive in zip(found, speeds[NAIVE], strict=True)]
        row: dict[str, object] = {
            "map": map_name,
            "contender": name,
            "steps_per_cpu_second": round(statistics.median(speed.steps for speed in found)),
            "steps_with_waiting": round(statistics.median(speed.with_waiting for speed in found)),
            "ratio": round(statistics.median(ratios), 2),
            "lowest_ratio": round(min(ratios), 2),
        }
        rows.append(row)
        print("  ".join(f"{key}={value}" for key, value in row.items()), flush=True)
    return rows


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", nargs="*", default=MAPS, metavar="MAP", help=f"of {', '.join(SCENARIOS)}")
    parser.add_argument(
        "--csv", type=Path, default=RESULTS / "smac_throughput.csv", help="write the table to this file"
    )
    parser.add_argument("--turns", type=int, default=TURNS, help="turns of each contender")
    arguments = parser.parse_args()
    rows = [row for name in arguments.maps for row in measured(name, arguments.turns)]
    with arguments.csv.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[*rows[0], "machine"])
        writer.writeheader()
        writer.writerows(row | {"machine": machine_note()} for row in rows)


if __name__ == "__main__":
    main()
