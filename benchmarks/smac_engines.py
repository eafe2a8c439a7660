"""Steps of the built-in SMAC simulator computed by the compiled kernel beside those as array operations, on one core.

    python benchmarks/smac_engines.py [--csv PATH] [--turns N] [MAP ...]

A step is everything that a trainer asks for: random allowed actions, the battle, observations, state, masks, reward and
end; resets are inside the measured time. The contenders play the same battles and take turns, so that a busy machine
slows them alike. CPU seconds are counted, and only their ratio is reported: the median of the turns, and the lowest.
What compiling costs is measured once, in a fresh process with an empty cache and in one that finds it filled.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _rmix_work import RESULTS, machine_note

from rmix_kit.envs.smac import builtin
from rmix_kit.smac.engine import ArrayEngine, Engine
from rmix_kit.smac.kernel.engine import KernelEngine

MAPS = ("3m", "5m_vs_6m", "MMM2")
COPIES = (1, 32, 256)
ENGINES: tuple[type[Engine], ...] = (ArrayEngine, KernelEngine)
TURNS = 7
LEAST_SECONDS = 0.3  # of a turn
FIRST_STEP = """
import time
import numpy as np
from rmix_kit.envs.smac.builtin import BuiltinVector
start = time.process_time()
envs = BuiltinVector("3m", 1)
envs.reset([0])
envs.step(np.ones((1, 3), dtype=np.int64))
print(time.process_time() - start)
"""


def vector(engine: type[Engine], map_name: str, copies: int) -> builtin.BuiltinVector:
    """Return the simulator with one of the engines."""
    usual, builtin.engine_of = builtin.engine_of, engine
    try:
        return builtin.BuiltinVector(map_name, copies)
    finally:
        builtin.engine_of = usual


def turn(envs: builtin.BuiltinVector, seed: int) -> float:
    """Play whole rounds for a moment; return CPU seconds a step of all copies."""
    rng, steps, start = np.random.default_rng(seed), 0, time.process_time()
    while time.process_time() - start < LEAST_SECONDS:
        now = envs.reset([int(drawn) for drawn in rng.integers(2**31, size=envs.num_envs)])
        while not (now.terminated | now.truncated).all():
            now = envs.step((rng.random(now.avail_actions.shape) * now.avail_actions).argmax(-1))
            steps += 1
    return (time.process_time() - start) / steps


def measured(map_name: str, copies: int, turns: int) -> dict[str, object]:
    """Return the row of one map and number of copies."""
    contenders = [vector(engine, map_name, copies) for engine in ENGINES]
    for envs in contenders:
        turn(envs, 0)
    seconds = [[turn(envs, number) for envs in contenders] for number in range(turns)]
    ratios = [arrays / kernel for arrays, kernel in seconds]
    row: dict[str, object] = {
        "map": map_name,
        "copies": copies,
        "times_as_fast": round(statistics.median(ratios), 2),
        "lowest": round(min(ratios), 2),
    }
    print("  ".join(f"{key}={value}" for key, value in row.items()), flush=True)
    return row


def first_steps() -> tuple[float, float]:
    """Return CPU seconds until the first step is done, where nothing is compiled and where everything is."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        spent = [
            subprocess.run(
                [sys.executable, "-c", FIRST_STEP], env=environment, capture_output=True, text=True, check=True
            ).stdout
            for _ in range(2)
        ]
    return float(spent[0]), float(spent[1])


def main() -> None:
    """Measure, print the table and write it where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("maps", nargs="*", default=MAPS, metavar="MAP")
    parser.add_argument("--csv", type=Path, default=RESULTS / "smac_engines.csv", help="write the table to this file")
    parser.add_argument("--turns", type=int, default=TURNS, help="turns of each contender")
    arguments = parser.parse_args()
    compiling, loading = first_steps()
    print(f"first step: {compiling:.1f} CPU seconds with an empty cache, {loading:.1f} with a filled one", flush=True)
    rows = [measured(name, copies, arguments.turns) for name in arguments.maps for copies in COPIES]
    with arguments.csv.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[*rows[0], "machine"])
        writer.writeheader()
        writer.writerows(row | {"machine": machine_note()} for row in rows)


if __name__ == "__main__":
    main()
