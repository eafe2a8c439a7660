"""The dial: one exported file per agent, the lower the risk level, the safer the way.

    python benchmarks/long/risk_dial.py [--jobs 2] [--only bridge] [--runs FOLDER]

Each run is `rmix-kit train --algo rmix-averse`, `rmix-kit export`, and `rmix-kit run --risk-level L`, 1,000 episodes
with onnxruntime for each level; its record stays under benchmarks/results/dial. The oracle's exact values stand beside
the measured ones. On `bridge` a run holds the dial if, at level 1.0, success is at least 0.9, the fall rate at least
3 % and the mean return within 1.0 of the neutral optimum; at 0.1 success is at least 0.95 and the fall rate at most
1 %; and the two fall rates' Wilson intervals (95 %) do not touch. 4x12 is reported, not judged.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from _runs import RESULTS, kit, machine, make_all, trained_and_exported

from macn import oracle
from rmix_kit.episodes import wilson_interval

FOLDER = RESULTS / "dial"
LEVELS = (0.1, 0.25, 0.5, 1.0)
EPISODES = 1000
CASES = {
    "bridge": ("macn:bridge?slip=0.1&include_position=true", range(5), 350_000),
    "4x12": ("macn:4x12?slip=0.1&include_position=true", range(1), 350_000),
}
"""Environment, seeds, steps."""


def holds(levels: dict[str, dict[str, Any]], optimum: float) -> bool:
    """Judge a run on `bridge`."""
    neutral, averse = levels["1.0"], levels["0.1"]
    return (
        neutral["success_rate"] >= 0.9
        and neutral["fall_rate"] >= 0.03
        and abs(neutral["return_mean"] - optimum) <= 1.0
        and averse["success_rate"] >= 0.95
        and averse["fall_rate"] <= 0.01
        and averse["fall_interval"][1] < neutral["fall_interval"][0]
    )


def measure(case: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train, export and run one team at every level."""
    env, _, steps = CASES[case]
    folder = runs / f"dial-{case}-{seed}"
    record, agents = trained_and_exported("rmix-averse", env, seed, steps, case=case, folder=folder)
    levels: dict[str, dict[str, Any]] = {}
    for level in LEVELS:
        said = kit("run", str(agents), "--episodes", str(EPISODES), "--risk-level", str(level), "--json")
        row = json.loads(said)
        row["fall_interval"] = wilson_interval(round(row["fall_rate"] * EPISODES), EPISODES)
        levels[str(level)] = row
    layout = env.split(":")[1].split("?")[0]
    neutral = oracle.solve(layout, slip=0.1)
    record |= {
        "levels": levels,
        "oracle": {"optimal_return": neutral.optimal_return, "fall_probability": neutral.fall_probability},
        "is_held": holds(levels, neutral.optimal_return) if case == "bridge" else None,
        "machine": machine(),
    }
    record["summary"] = f"held {record['is_held']}: " + "; ".join(
        f"{name}: {row['return_mean']:.2f}, falls {row['fall_rate']:.3f}, success {row['success_rate']:.3f}"
        for name, row in levels.items()
    )
    return record


def table() -> str:
    """Return the records as a Markdown table."""
    lines = [
        "| case | seed | level | return | falls (95 % interval) | success | held |",
        "|---|---|---|---|---|---|---|",
    ]
    for path in sorted(FOLDER.glob("*-[0-9]*.json")):
        record = json.loads(path.read_text())
        for name, row in record["levels"].items():
            low, high = row["fall_interval"]
            lines.append(
                f"| {record['case']} | {record['seed']} | {name} | {row['return_mean']:.2f} | {row['fall_rate']:.1%} "
                f"({low:.1%} to {high:.1%}) | {row['success_rate']:.1%} | {record['is_held']} |"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    make_all(__doc__, CASES, measure, FOLDER, table)
