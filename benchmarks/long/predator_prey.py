"""How much prey do VDN and QMIX catch? WQMIX's predator-prey without punishment; 40 is all that can be caught.

    python benchmarks/long/predator_prey.py [--jobs 1] [--only qmix] [--runs FOLDER]

Each run is `rmix-kit train --env didactic:predator-prey?punishment=0` for 500,000 steps on one thread, then 32 greedy
episodes; its record stays under benchmarks/results/predator-prey. PyMARL2 publishes 39 to 40 after 10 million steps.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from _runs import RESULTS, kit, machine, make_all

FOLDER = RESULTS / "predator-prey"
STEPS = 500_000
ENV = "didactic:predator-prey?punishment=0"
CASES = {name: (name, range(1)) for name in ("qmix", "vdn")}
SETTINGS = (
    *("training.num_envs=8", "training.batch_size=16", "training.buffer_episodes=1000"),
    *("training.updates_per_step=0.008", "training.target.interval_episodes=0", "training.target.interval_steps=100"),
    *("training.epsilon_steps=50000", "training.evaluation_interval=50000", "training.checkpoint_interval=50000"),
)
"""Episodes of 200 steps and eight agents: small batches, and updates counted by steps."""


def measure(case: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train one team and play 32 greedy episodes with its last checkpoint."""
    out = runs / f"predator-prey-{case}-{seed}"
    shutil.rmtree(out, ignore_errors=True)
    command = ["train", "--algo", case, "--env", ENV, "--seed", str(seed), "--steps", str(STEPS)]
    for setting in SETTINGS:
        command += ["--set", setting]
    record: dict[str, Any] = {"command": "rmix-kit " + " ".join(command), "case": case, "seed": seed}
    kit(*command, "--out", str(out), timed=record)
    final = json.loads(kit("evaluate", str(out), "--json"))
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    returns = [row["return_mean"] for row in rows if row["kind"] == "evaluation"]
    record |= {"final": final, "returns": returns, "machine": machine()}
    record["summary"] = f"{final['return_mean']:g}, {record['cpu_seconds']} s"
    return record


def table() -> str:
    """Return the records as a Markdown table."""
    lines = ["| algorithm | return | all caught | by evaluation | CPU seconds |", "|---|---|---|---|---|"]
    for path in sorted(FOLDER.glob("*-[0-9].json")):
        record = json.loads(path.read_text())
        returns = ", ".join(f"{value:.1f}" for value in record["returns"])
        final = record["final"]
        lines.append(
            f"| {record['case']} | {final['return_mean']:.1f} | {final['success_rate']:.0%} | {returns} "
            f"| {record['cpu_seconds']:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    make_all(__doc__, CASES, measure, FOLDER, table)
