"""Does `rmix` learn MACN to its exact optimum, on the last checkpoint, seed by seed?

    python benchmarks/long/macn_learning.py [--jobs 2] [--only 4x12] [--runs FOLDER]

Each run is `rmix-kit train --algo rmix --env ENV --seed S --steps N` on one thread; its record stays under
benchmarks/results/learning and is not made twice. A run is solved if its last three evaluations (32 greedy episodes
each) all equal the oracle's optimum. The table at the end is made from the records alone.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from _runs import RESULTS, kit, machine, make_all

from macn import oracle

FOLDER = RESULTS / "learning"
CASES: dict[str, tuple[str, range, int, tuple[str, ...]]] = {
    "4x7-position": ("macn:4x7?include_position=true", range(5), 66_000, ("--preset", "rmix-quick")),
    "4x12": ("macn:4x12", range(10), 398_000, ()),
    "4x11": ("macn:4x11", range(5), 398_000, ()),
    "4x15": ("macn:4x15", range(5), 398_000, ()),
}
"""Environment, seeds, steps and further options; a run ends with its round, hence 398,000 for at most 400,000."""


def learn(case: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train one run and judge it."""
    env, _, steps, options = CASES[case]
    out = runs / f"{case}-{seed}"
    shutil.rmtree(out, ignore_errors=True)
    command = ["train", "--algo", "rmix", "--env", env, "--seed", str(seed), "--steps", str(steps), *options]
    record: dict[str, Any] = {"command": "rmix-kit " + " ".join(command), "case": case, "seed": seed}
    kit(*command, "--out", str(out), timed=record)
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    evaluations = [row for row in rows if row["kind"] == "evaluation"]
    returns = [row["return_mean"] for row in evaluations]
    optimum = oracle.solve(env.split(":")[1].split("?")[0]).optimal_return
    record |= {
        "optimum": optimum,
        "env_steps": evaluations[-1]["env_steps"],
        "updates": max(row["updates"] for row in rows if row["kind"] == "training"),
        "is_solved": all(value == optimum for value in returns[-3:]),
        "last": returns[-1],
        "best": max(returns),
        "first_at_optimum": next((row["env_steps"] for row in evaluations if row["return_mean"] == optimum), None),
        "returns": returns,
        "machine": machine(),
    }
    record["summary"] = f"last three {returns[-3:]}, optimum {optimum}, {record['cpu_seconds']} s"
    return record


def table() -> str:
    """Return the records as a Markdown table."""
    lines = ["| case | solved | last | best | first at optimum | CPU seconds |", "|---|---|---|---|---|---|"]
    for case in CASES:
        records = [json.loads(p.read_text()) for p in sorted(FOLDER.glob(f"{case}-[0-9]*.json"))]
        if not records:
            lines.append(f"| {case} | not run | | | | |")
            continue
        firsts = [r["first_at_optimum"] for r in records if r["first_at_optimum"] is not None]
        seconds = [r["cpu_seconds"] for r in records if r["cpu_seconds"] is not None]
        cells = [
            case,
            f"{sum(r['is_solved'] for r in records)} of {len(records)}",
            ", ".join(f"{r['last']:g}" for r in records),
            ", ".join(f"{r['best']:g}" for r in records),
            f"{min(firsts, default='-')} to {max(firsts, default='-')}",
            f"{min(seconds):.0f} to {max(seconds):.0f}" if seconds else "-",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    make_all(__doc__, CASES, learn, FOLDER, table)
