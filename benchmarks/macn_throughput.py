"""Joint steps per second of MACN beside gymnasium's CliffWalking-v1, in one run on one core.

    python benchmarks/macn_throughput.py [--csv PATH]

All contenders take turns, so that a busy machine slows them alike; CPU seconds are counted, medians of the turns
reported. Random actions; resets are inside the measured time. "naive" is the batch stepped as 1,024 single copies.
"""

from __future__ import annotations

import argparse
import csv
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import gymnasium
import numpy as np

import macn

TURNS = 15
COPIES = 1024
RESULTS = Path(__file__).parent / "results" / "macn_throughput.csv"
PEER = "gymnasium CliffWalking-v1"


def single_cliff_walking() -> Callable[[], float]:
    """Return a measurement of the peer: one agent, one environment."""
    env = gymnasium.make("CliffWalking-v1")
    actions = [int(action) for action in np.random.default_rng(0).integers(0, 4, 4000)]
    env.reset(seed=0)

    def measure() -> float:
        start = time.process_time()
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()
        return len(actions) / (time.process_time() - start)

    return measure


def single_macn(slip: float) -> Callable[[], float]:
    """Return a measurement of the parallel face: two agents, one environment."""
    env = macn.parallel_env(slip=slip)
    drawn = np.random.default_rng(0).integers(0, 4, (4000, 2)).tolist()
    actions = [dict(zip(env.possible_agents, pair, strict=True)) for pair in drawn]

    def measure() -> float:
        env.reset(seed=0)
        start = time.process_time()
        for action in actions:
            env.step(action)
            if not env.agents:
                env.reset()
        return len(actions) / (time.process_time() - start)

    return measure


def vector_macn(slip: float) -> Callable[[], float]:
    """Return a measurement of 1,024 copies stepped as arrays."""
    env = macn.vector_env(COPIES, slip=slip)
    actions = list(np.random.default_rng(0).integers(0, 4, (50, COPIES, 2)))

    def measure() -> float:
        env.reset(seed=0)
        start = time.process_time()
        for action in actions:
            env.step(action)
        return COPIES * len(actions) / (time.process_time() - start)

    return measure


def naive_vector_macn() -> Callable[[], float]:
    """Return a measurement of 1,024 copies stepped one by one."""
    envs = [macn.parallel_env() for _ in range(COPIES)]
    actions = np.random.default_rng(0).integers(0, 4, (COPIES, 2)).tolist()

    def measure() -> float:
        for env in envs:
            env.reset(seed=0)
        start = time.process_time()
        for env, pair in zip(envs, actions, strict=True):
            env.step(dict(zip(env.possible_agents, pair, strict=True)))
        return COPIES / (time.process_time() - start)

    return measure


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, default=RESULTS, help="write the table to this file")
    path: Path = parser.parse_args().csv
    contenders = {
        PEER: single_cliff_walking(),
        "macn single": single_macn(0.0),
        "macn single, slip 0.1": single_macn(0.1),
        f"macn vector, {COPIES} copies": vector_macn(0.0),
        f"macn vector, {COPIES} copies, slip 0.1": vector_macn(0.1),
        f"naive vector, {COPIES} copies": naive_vector_macn(),
    }
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(TURNS):
        for name, measure in contenders.items():
            speeds[name].append(measure())
    machine = f"{platform.machine()}, Python {platform.python_version()}, numpy {np.__version__}"
    rows = []
    for name, measured in speeds.items():
        ratio = statistics.median(ours / peer for ours, peer in zip(measured, speeds[PEER], strict=True))
        rows.append((name, round(statistics.median(measured)), round(ratio, 2), machine))
        print(f"{name:42} {rows[-1][1]:>12,} joint steps/s {ratio:8.2f} x peer")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("work", "joint_steps_per_second", "ratio_to_peer", "machine"), *rows])


if __name__ == "__main__":
    main()
