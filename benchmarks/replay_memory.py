"""The replay's worst case on the StarCraft maps of the RMIX paper, and its resident memory as it fills.

    python benchmarks/replay_memory.py

Steps as received: float32 observations and states, bool masks. The paper's Table 3 gives the memory of 5,000 episodes.
The fill is measured with episodes of 1 to 70 steps of the sizes of 5m_vs_6m, three times as many as the replay holds.
"""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
from _rmix_work import CPU, RESULTS, make_spec

from rmix_kit.replay import ReplayBuffer, worst_case_bytes
from rmix_kit.replay.episode import empty_block
from rmix_kit.types import EnvSpec

CAPACITY, ROUND, MIB = 5000, 50, 2**20
# agents, actions, length of an observation, of the state, episode limit, and gigabytes of the paper's Table 3
MAPS = {
    "5m_vs_6m": (5, 12, 55, 98, 70, 3.0),
    "8m_vs_9m": (8, 15, 85, 179, 120, 4.9),
    "10m_vs_11m": (10, 17, 105, 243, 150, 7.1),
    "1c3s5z": (9, 15, 162, 270, 180, 8.6),
    "MMM2": (10, 18, 176, 322, 180, 10.8),
    "corridor": (6, 30, 156, 282, 400, 14.4),
}


def map_spec(name: str) -> EnvSpec:
    """Give a map's sizes."""
    n_agents, n_actions, obs_size, state_size, limit, _ = MAPS[name]
    return replace(
        make_spec(),
        n_agents=n_agents,
        n_actions=n_actions,
        obs_shape=(obs_size,),
        obs_dtype="float32",
        state_size=state_size,
        episode_limit=limit,
    )


def resident_bytes() -> int:
    """Give the process's resident memory, Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 2**10 for line in lines if line.startswith("VmRSS:"))


def filling() -> list[dict[str, object]]:
    """Fill a replay three times over and give what is held and resident on the way."""
    spec, rng = map_spec("5m_vs_6m"), np.random.default_rng(0)
    buffer, block = ReplayBuffer(spec, CAPACITY, CPU), empty_block(spec, ROUND, spec.episode_limit)
    for array in block.observed.values():
        array[:] = 1
    buffer.add(replace(block, length=np.full(ROUND, spec.episode_limit)))  # warms up; given up again on the way
    start, rows = resident_bytes() - buffer.bytes_held, []
    for added in range(2 * ROUND, 3 * CAPACITY + 1, ROUND):
        buffer.add(replace(block, length=rng.integers(1, spec.episode_limit + 1, size=ROUND)))
        if added % 1250 == 0:
            row: dict[str, object] = {
                "work": "fill of 5m_vs_6m, steps as received",
                "episodes_added": added,
                "held_mib": round(buffer.bytes_held / MIB, 1),
                "resident_mib": round((resident_bytes() - start) / MIB, 1),
                "worst_case_mib": round(buffer.worst_case_bytes / MIB, 1),
            }
            rows.append(row)
    return rows


def worst_cases() -> list[dict[str, object]]:
    """Give the table of maps."""
    table: list[dict[str, object]] = []
    for name, (*_, paper) in MAPS.items():
        worst = worst_case_bytes(map_spec(name), None, CAPACITY) / 1e9
        table.append(
            {"map": name, "worst_case_gb": round(worst, 2), "table_3_gb": paper, "share": round(worst / paper, 2)}
        )
    return table


def main() -> None:
    """Measure, print, write ``results/replay_memory_*.csv``."""
    for name, rows in (("fill", filling()), ("worst_case", worst_cases())):
        for row in rows:
            print("  ".join(f"{key}={value}" for key, value in row.items()))
        with (RESULTS / f"replay_memory_{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
