"""What a team learns on ``macn:4x12`` where copies wait for each other, and where they do not: five seeds each.

    python benchmarks/long/no_wait_learning.py [--steps 200000] [--runs DIR]

One run after the other, each in its folder under DIR; those that are finished there or have a row in
``results/no_wait_learning.csv`` are not trained again. Presets are the algorithms' own. ``at_optimum_from`` is the
environment step of the evaluation from which on every one earned the optimum, empty where the last one did not;
``last_three`` are the mean returns of the last evaluations.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
from itertools import product
from pathlib import Path

from rmix_kit.config.load import resolve
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.trainer import train

RESULTS = Path(__file__).parents[1] / "results" / "no_wait_learning.csv"
ENV, OPTIMUM, SEEDS = "macn:4x12", -12.0, range(5)

FIELDS = ("algorithm", "episodes_per_copy", "seed", "steps", "updates", "last_three", "at_optimum_from", "cpu_seconds")


def recorded() -> dict[tuple[str, ...], list[str]]:
    """Read the rows that were written before, by what they are of."""
    if not RESULTS.exists():
        return {}
    with RESULTS.open(newline="", encoding="utf-8") as file:
        return {tuple(row[:4]): row for row in list(csv.reader(file))[1:]}


def in_order(row: list[str]) -> tuple[bool, int, int]:
    """Sort RMIX first, then by copies and seed."""
    return row[0] != "rmix", int(row[1]), int(row[2])


def row_of(algo: str, episodes_per_copy: int, seed: int, steps: int, folder: Path) -> tuple[object, ...]:
    """Train, unless that is done, and say what came of it."""
    overrides = [f"training.episodes_per_copy={episodes_per_copy}"]
    config = resolve(algo=algo, env=ENV, seed=seed, steps=steps, overrides=overrides)
    train(config, folder, resume=folder.exists(), reporter=SilentReporter())
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    evaluations = [(row["env_steps"], row["return_mean"]) for row in rows if row["kind"] == "evaluation"]
    missed = [index for index, (_, earned) in enumerate(evaluations) if earned != OPTIMUM]
    held = evaluations[missed[-1] + 1 :]
    updates = next(row["updates"] for row in reversed(rows) if row["kind"] == "training")
    timing = json.loads((folder / "timing.jsonl").read_text().splitlines()[-1])
    last_three = " ".join(f"{earned:g}" for _, earned in evaluations[-3:])
    return algo, episodes_per_copy, seed, steps, updates, last_three, held[0][0] if held else "", timing["cpu"]


def main() -> None:
    """Train, print, and write ``results/no_wait_learning.csv``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200_000)
    parser.add_argument("--runs", type=Path, default=Path("no_wait_runs"))
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    known = recorded()
    for algo, episodes_per_copy, seed in product(("rmix", "qmix"), (1, 8), SEEDS):
        key = (algo, str(episodes_per_copy), str(seed), str(options.steps))
        if key not in known:
            folder = options.runs / f"{algo}-{episodes_per_copy}-{seed}"
            known[key] = [str(cell) for cell in row_of(algo, episodes_per_copy, seed, options.steps, folder)]
            with RESULTS.open("w", newline="", encoding="utf-8") as file:
                csv.writer(file, lineterminator="\n").writerows([FIELDS, *sorted(known.values(), key=in_order)])
        print(*known[key], flush=True)


if __name__ == "__main__":
    main()
