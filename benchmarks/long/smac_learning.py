"""Do RMIX and QMIX learn SMAC on the built-in simulator? Not StarCraft II: no win rate compares with SMAC's.

    python benchmarks/long/smac_learning.py [--jobs 2] [--only qmix-3m] [--runs FOLDER]

Each run is `rmix-kit train --algo NAME --env smac:MAP?backend=builtin --seed 0 --steps N` with the algorithm's own
preset on one thread (2s3z at one update per four episodes instead), then `rmix-kit evaluate` of the last checkpoint on
200 episodes; its record stays under benchmarks/results/smac and is not made twice.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from _runs import RESULTS, kit, machine, make_all

FOLDER = RESULTS / "smac"
MAPS = {
    "3m": (300_000, ()),
    "2s3z": (300_000, ("training.updates_per_step=0", "training.updates_per_episode=0.25")),
    "5m_vs_6m": (300_000, ()),
}
"""Steps, and what is set besides the preset."""
CASES = {f"{algo}-{name}": ((algo, name), range(1)) for name in MAPS for algo in ("qmix", "rmix")}


def measure(case: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train one team and play 200 greedy episodes with its last checkpoint."""
    (algo, name), _ = CASES[case]
    steps, settings = MAPS[name]
    out = runs / f"smac-{case}-{seed}"
    shutil.rmtree(out, ignore_errors=True)
    env = f"smac:{name}?backend=builtin"
    command = ["train", "--algo", algo, "--env", env, "--seed", str(seed), "--steps", str(steps)]
    for setting in settings:
        command += ["--set", setting]
    record: dict[str, Any] = {"command": "rmix-kit " + " ".join(command), "case": case, "seed": seed}
    kit(*command, "--out", str(out), timed=record)
    final = json.loads(kit("evaluate", str(out), "--episodes", "200", "--json"))
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    evaluations = [row for row in rows if row["kind"] == "evaluation"]
    record |= {
        "final": final,
        "env_steps": [row["env_steps"] for row in evaluations],
        "win_rates": [row["success_rate"] for row in evaluations],
        "returns": [row["return_mean"] for row in evaluations],
        "replay_mebibytes": max(row.get("replay_mebibytes", 0.0) for row in rows if row["kind"] == "training"),
        "machine": machine(),
    }
    best = max(record["win_rates"])
    record["summary"] = f"won {final['success_rate']:.1%}, best {best:.1%}, {record['cpu_seconds']} s"
    return record


def table() -> str:
    """Return the records as a Markdown table."""
    lines = [
        "| map | algorithm | steps | won of 200 | best of 32 | 90 % first at | return | CPU seconds | replay |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for case, ((algo, name), _) in CASES.items():
        for path in sorted(FOLDER.glob(f"{case}-[0-9].json")):
            record = json.loads(path.read_text())
            pairs = zip(record["env_steps"], record["win_rates"], strict=True)
            first = next((steps for steps, rate in pairs if rate >= 0.9), None)
            cells = [
                name,
                algo,
                f"{MAPS[name][0]:,}",
                f"{record['final']['success_rate']:.1%}",
                f"{max(record['win_rates']):.1%}",
                "never" if first is None else f"{first:,}",
                f"{record['final']['return_mean']:.1f}",
                "-" if record["cpu_seconds"] is None else f"{record['cpu_seconds']:.0f}",
                f"{record['replay_mebibytes']:.0f} MiB",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    make_all(__doc__, CASES, measure, FOLDER, table)
