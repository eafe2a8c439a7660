"""The replay's worst case on the StarCraft maps of the RMIX paper, and its resident memory as it fills.

    python benchmarks/replay_memory.py

Steps as received: float32 observations and states, bool masks. Unit states: what SMAC's simulator keeps in their place.
The paper's Table 3 gives the memory of 5,000 episodes. The fill is measured twice on 5m_vs_6m: with episodes of 1 to 70
steps as received, three times as many as the replay holds, and with battles of random actions in unit states.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from _rmix_work import CPU, RESULTS

from rmix_kit.envs.smac.builtin import BuiltinVector
from rmix_kit.replay import ReplayBuffer, worst_case_bytes
from rmix_kit.replay.episode import EpisodeBlock, empty_block, observed_of
from rmix_kit.reports.paper import TABLE_3
from rmix_kit.types import EnvSpec

CAPACITY, ROUND, MIB = 5000, 50, 2**20
FILLED = "5m_vs_6m"


def resident_bytes() -> int:
    """Return the process's resident memory, Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 2**10 for line in lines if line.startswith("VmRSS:"))


def filling(work: str, buffer: ReplayBuffer, blocks: Iterator[EpisodeBlock], most: int) -> list[dict[str, object]]:
    """Fill a replay with rounds and give what is held and resident on the way."""
    buffer.add(next(blocks))  # warms up; given up again on the way
    start, rows = resident_bytes() - buffer.bytes_held, []
    for added in range(2 * ROUND, most + 1, ROUND):
        buffer.add(next(blocks))
        if added % 1250 == 0:
            row: dict[str, object] = {
                "work": work,
                "episodes_added": added,
                "held_mib": round(buffer.bytes_held / MIB, 1),
                "resident_mib": round((resident_bytes() - start) / MIB, 1),
                "worst_case_mib": round(buffer.worst_case_bytes / MIB, 1),
            }
            rows.append(row)
    return rows


def drawn_lengths(spec: EnvSpec) -> Iterator[EpisodeBlock]:
    """Yield rounds of any length, the first of full episodes."""
    rng, block = np.random.default_rng(0), empty_block(spec, ROUND, spec.episode_limit)
    for array in block.observed.values():
        array[:] = 1
    yield replace(block, length=np.full(ROUND, spec.episode_limit))
    while True:
        yield replace(block, length=rng.integers(1, spec.episode_limit + 1, size=ROUND))


def random_battles(envs: BuiltinVector) -> Iterator[EpisodeBlock]:
    """Yield rounds of battles with random actions, as the collector records them."""
    rng, spec = np.random.default_rng(0), envs.spec
    while True:
        block = empty_block(spec, envs.num_envs, spec.episode_limit, envs.codec)
        now, active = (
            envs.reset(rng.integers(2**31, size=envs.num_envs).tolist()),
            np.ones(envs.num_envs, dtype=np.bool_),
        )
        for t in range(spec.episode_limit + 1):
            for name, array in observed_of(now, envs.codec).items():
                block.observed[name][active, t] = array[active]
            active &= ~now.has_ended
            if not active.any():
                break
            actions = (rng.random(now.avail_actions.shape) * now.avail_actions).argmax(-1)
            now = envs.step(actions)
            block.actions[active, t] = actions[active]
            block.reward[active, t] = now.reward[active]
            block.length[active] += 1
        yield block.trimmed(int(block.length.max()))


def both_fillings() -> list[dict[str, object]]:
    """Return the fill of steps as received and of unit states."""
    envs = BuiltinVector(FILLED, ROUND)
    spec = envs.spec
    received, units = ReplayBuffer(spec, CAPACITY, CPU), ReplayBuffer(envs.spec, CAPACITY, CPU, codec=envs.codec)
    # Both stay alive, and the one that never gives memory up goes first: else one would fill what the other has freed.
    in_units = filling(f"fill of {FILLED}, unit states, random play", units, random_battles(envs), CAPACITY)
    return [*filling(f"fill of {FILLED}, steps as received", received, drawn_lengths(spec), 3 * CAPACITY), *in_units]


def worst_cases() -> list[dict[str, object]]:
    """Return the table of maps."""
    table: list[dict[str, object]] = []
    for name in TABLE_3:
        envs, paper = BuiltinVector(name, 1), TABLE_3[name].paper
        received = worst_case_bytes(envs.spec, None, CAPACITY) / 1e9
        units = worst_case_bytes(envs.spec, envs.codec, CAPACITY) / 1e9
        table.append(
            {
                "map": name,
                "worst_case_gb": round(received, 2),
                "table_3_gb": paper,
                "share": round(received / paper, 2),
                "unit_states_gb": round(units, 2),
                "unit_states_share": round(units / paper, 3),
            }
        )
    return table


def main() -> None:
    """Measure, print, write ``results/replay_memory_*.csv``."""
    for name, rows in (("fill", both_fillings()), ("worst_case", worst_cases())):
        for row in rows:
            print("  ".join(f"{key}={value}" for key, value in row.items()))
        with (RESULTS / f"replay_memory_{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
