"""RiskQ's dial: at every level the way of the exact policy, from one exported file per agent.

    python benchmarks/long/riskq_dial.py [--jobs 2] [--only bridge] [--runs FOLDER]

Each run is `rmix-kit train --algo riskq`, `rmix-kit export`, and `rmix-kit run --risk-levels ...`, 1,000 episodes with
onnxruntime for each level, of the run's own seed (with one seed for all, chance in those episodes counted ten times);
its record stays under benchmarks/results/riskq-dial. A level is as the exact policy (`macn.oracle`, greedy on CVaR at
that level) if the mean return is within two standard errors of the exact one and the mean length within one step: ways
differ by four steps or more, and in noise by none.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from _runs import RESULTS, kit, machine, make_all, trained_and_exported

FOLDER = RESULTS / "riskq-dial"
EPISODES = 1000
NORMAL_95 = 1.96
CASES = {
    "bridge": ("macn:bridge?slip=0.1&include_position=true", range(10), 350_000, (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0)),
    "bridge500k": (
        *("macn:bridge?slip=0.1&include_position=true", range(10), 500_000),
        (0.1, 0.25, 0.5, 0.7, 0.8, 0.9, 1.0),
    ),
    "detours": ("macn:detours?slip=0.05&include_position=true", range(5), 350_000, (0.1, 0.2, 0.4, 0.5, 0.7, 0.8, 1.0)),
}
"""Environment, seeds, steps, levels; `bridge500k` is `bridge` with more steps."""
KEPT = ("return_mean", "fall_rate", "episode_length_mean")


def measure(case: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train, export and run one team at every level."""
    env, _, steps, levels = CASES[case]
    folder = runs / f"riskq-{case}-{seed}"
    record, agents = trained_and_exported("riskq", env, seed, steps, case=case, folder=folder)
    asked = ",".join(map(str, levels))
    drawn = ("--episodes", str(EPISODES), "--seed", str(seed))
    said = json.loads(kit("run", str(agents), "--risk-levels", asked, *drawn, "--json"))
    return judged(record, said["levels"]) | {"machine": machine()}


def judged(record: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Put the levels' numbers into a record, and say at which levels they are the exact policy's.

    Args:
        record: What is known of the run.
        rows: The frontier's, one per level and quantity.
    """
    levels: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["quantity"] in KEPT:
            quantity = {name: row[name] for name in ("measured", "low", "high", "exact")}
            levels.setdefault(str(row["risk_level"]), {})[row["quantity"]] = quantity
    for level in levels.values():
        earned, length = level["return_mean"], level["episode_length_mean"]
        error = (earned["high"] - earned["low"]) / (2 * NORMAL_95)
        is_way = abs(length["measured"] - length["exact"]) <= 1.0
        level["is_way"] = is_way
        level["is_exact"] = is_way and abs(earned["measured"] - earned["exact"]) <= 2 * error
    held = [name for name, level in levels.items() if level["is_exact"]]
    return record | {"levels": levels, "summary": f"as the exact policy at {', '.join(held) or 'no level'}"}


def table() -> str:
    """Return the records as a Markdown table."""
    lines = []
    for case in CASES:
        records = [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{case}-*.json"))]
        if not records:
            continue
        lines += [
            *([""] if lines else []),
            f"| `{case}`, level | exact return, length, falls | mean return by seed | the exact way | and its return |",
            "|---|---|---|---|---|",
        ]
        for name in records[0]["levels"]:
            levels = [record["levels"][name] for record in records]
            exact = {quantity: levels[0][quantity]["exact"] for quantity in KEPT}
            returns = ", ".join(f"{level['return_mean']['measured']:.2f}" for level in levels)
            counts = [f"{sum(level[key] for level in levels)} of {len(levels)}" for key in ("is_way", "is_exact")]
            of_exact = f"{exact['return_mean']:.2f}, {exact['episode_length_mean']:.1f}, {exact['fall_rate']:.1%}"
            lines.append(f"| {name} | {of_exact} | {returns} | {counts[0]} | {counts[1]} |")
    return "\n".join(lines)


if __name__ == "__main__":
    make_all(__doc__, CASES, measure, FOLDER, table)
