"""What does every algorithm of the roster do on MACN with the same frame? Who stands still is shown standing still.

    python benchmarks/long/baselines_macn.py [--jobs 2] [--only qmix-4x7] [--runs FOLDER]

Each run is `rmix-kit train --algo NAME --env ENV --seed S --steps N` with the algorithm's own preset (for most, the
frame's defaults) on one thread, then `rmix-kit evaluate` of the last checkpoint; its record stays under
benchmarks/results/baselines and is not made twice. The table at the end is made from the records alone.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from statistics import mean
from typing import Any

from _runs import RESULTS, kit, machine, make_all

from macn import oracle

FOLDER = RESULTS / "baselines"
ROSTER = (
    *("rmix", "rdn", "rmix-averse", "iql", "vdn", "qmix", "qtran"),
    *("cw-qmix", "ow-qmix", "qplex", "coma", "dop", "lh-iqn"),
)
MAPS = {
    "4x7": ("macn:4x7?include_position=true", range(5), 100_000),
    "4x11": ("macn:4x11", range(2), 400_000),
}
"""Environment, seeds, steps: what the small and the larger map ask of everyone."""
CASES = {f"{algo}-{layout}": (algo, seeds, layout) for layout, (_, seeds, _) in MAPS.items() for algo in ROSTER}


def measure(case: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train one team and play 32 greedy episodes with its last checkpoint."""
    algo, _, layout = CASES[case]
    env, _, steps = MAPS[layout]
    out = runs / f"{case}-{seed}"
    shutil.rmtree(out, ignore_errors=True)
    command = ["train", "--algo", algo, "--env", env, "--seed", str(seed), "--steps", str(steps)]
    record: dict[str, Any] = {"command": "rmix-kit " + " ".join(command), "case": case, "seed": seed}
    kit(*command, "--out", str(out), timed=record)
    final = json.loads(kit("evaluate", str(out), "--json"))
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    evaluations = [row for row in rows if row["kind"] == "evaluation"]
    record |= {
        "optimum": oracle.solve(layout).optimal_return,
        "final": final,
        "best": max(row["return_mean"] for row in evaluations),
        "first_success": next((row["env_steps"] for row in evaluations if row["success_rate"] >= 0.95), None),
        "returns": [row["return_mean"] for row in evaluations],
        "updates": max(row["updates"] for row in rows if row["kind"] == "training"),
        "machine": machine(),
    }
    record["summary"] = f"{final['return_mean']:g}, best {record['best']:g}, {record['cpu_seconds']} s"
    return record


def table() -> str:
    """Return the records as a Markdown table, one row per algorithm and map."""
    lines = [
        "| map | algorithm | seeds | final return by seed | best | success | falls | first success at | CPU seconds |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case, (algo, _, layout) in CASES.items():
        records = [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{case}-[0-9].json"))]
        if not records:
            continue
        finals = [record["final"] for record in records]
        firsts = [record["first_success"] for record in records]
        cells = [
            layout,
            algo,
            str(len(records)),
            ", ".join(f"{final['return_mean']:g}" for final in finals),
            f"{max(record['best'] for record in records):g}",
            f"{mean(final['success_rate'] for final in finals):.0%}",
            f"{mean(final['fall_rate'] for final in finals):.0%}",
            ", ".join("never" if first is None else f"{first:,}" for first in firsts),
            f"{mean(record['cpu_seconds'] for record in records):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    make_all(__doc__, CASES, measure, FOLDER, table)
