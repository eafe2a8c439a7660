"""Environment steps per second of whole QMIX training runs with batched collection, at JaxMARL's ratio.

    python benchmarks/end_to_end.py [--steps 100000] [--repeats 3] [--csv PATH]

One update of 32 episodes per 400 environment steps on ``macn:4x12``, one thread. Each run is a fresh process, timed
from its start: imports, evaluations every 10,000 steps, records and checkpoints included. ``copies`` says how many
environments collect together: 8 is JaxMARL's setting in the comparison of docs/performance.md, 32 is our default. Runs
whose copies wait for each other (``training.episodes_per_copy=1``) take turns with those whose copies do not.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from _rmix_work import RESULTS, machine_note

STEPS_PER_UPDATE = 400
EPISODES_PER_COPY = (1, 8)
PROGRAM = """
import sys
from pathlib import Path
from rmix_kit.config.load import resolve
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.trainer import train

steps, copies, folder, *overrides = sys.argv[1:]
config = resolve(algo="qmix", env="macn:4x12", seed=0, steps=int(steps), num_envs=int(copies), overrides=overrides)
train(config, Path(folder), reporter=SilentReporter())
"""


def run(steps: int, copies: int, episodes_per_copy: int) -> tuple[float, float]:
    """Train in a fresh process; give its CPU seconds and wall seconds."""
    overrides = [f"training.updates_per_step={1 / STEPS_PER_UPDATE}", "training.batch_size=32"]
    overrides += [f"training.episodes_per_copy={episodes_per_copy}"]
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-c", PROGRAM, str(steps), str(copies), str(Path(name) / "run"), *overrides]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> None:
    """Measure, print, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--csv", type=Path, default=RESULTS / "end_to_end.csv")
    options = parser.parse_args()
    torch.set_num_threads(1)  # for the note; the runs set their own
    rows = []
    for copies in (8, 32):
        turns = [[run(options.steps, copies, count) for count in EPISODES_PER_COPY] for _ in range(options.repeats)]
        for index, count in enumerate(EPISODES_PER_COPY):
            cpu, wall = (statistics.median(turn[index][clock] for turn in turns) for clock in (0, 1))
            rows.append(
                {
                    "copies": copies,
                    "episodes_per_copy": count,
                    "steps": options.steps,
                    "steps_per_cpu_second": round(options.steps / cpu),
                    "ratio": round(statistics.median(turn[0][0] / turn[index][0] for turn in turns), 2),
                    "steps_per_second": round(options.steps / wall),
                    "cpu_seconds": round(cpu, 1),
                    "seconds": round(wall, 1),
                    "machine": machine_note(),
                }
            )
            print("  ".join(f"{key}={value}" for key, value in rows[-1].items() if key != "machine"), flush=True)
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    with options.csv.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
