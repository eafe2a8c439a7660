"""Which frame QMIX learns the built-in SMAC simulator in: one change at a time from a recipe, five seeds each.

    python benchmarks/long/smac_recipe.py [--jobs 2] [--only 2s3z-recipe ...] [--runs FOLDER]

Each run is `rmix-kit train --algo qmix --env smac:MAP?backend=builtin --seed S --steps 80000` with the settings of a
variant on one thread; its record stays under benchmarks/results/smac-recipe and is not made twice. A run's score is the
mean over the last third of its evaluations, each of 32 fresh battles; the table gives the interquartile mean over seeds
with a percentile bootstrap over seeds (2,000 resamples, 95 %).
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from _runs import RESULTS, kit, machine, make_all

from rmix_kit.episodes import bootstrap_interval
from rmix_kit.reports.scores import last_third
from rmix_kit.reports.statistics import interquartile_mean

FOLDER = RESULTS / "smac-recipe"
STEPS, SEEDS, MAPS = 80_000, range(5), ("2s3z", "5m_vs_6m")
EVALUATION = {"training.evaluation_interval": 5_000, "training.checkpoint_interval": 80_000}
RECIPE = {
    "algorithm.trace": "peng",
    "algorithm.td_lambda": 0.6,
    "algorithm.learning_rate": 1e-3,
    "training.num_envs": 32,
    "training.updates_per_step": 0.02,
    "training.target.interval_episodes": 0,
    "training.target.interval_steps": 100,
    "training.learning_rate_decay_from": 1.0,
    "training.reward_scale": 1.0,
    "training.epsilon_steps": 50_000,
}
PRESET = {
    "algorithm.trace": "watkins",
    "algorithm.td_lambda": 0.8,
    "algorithm.learning_rate": 5e-4,
    "training.num_envs": 8,
    "training.target.interval_episodes": 200,
    "training.target.interval_steps": 0,
    "training.learning_rate_decay_from": 0.5,
}
"""What QMIX's preset had on SMAC's maps before, where that differs from the recipe."""
CHANGES: dict[str, dict[str, object]] = {
    "recipe": {},
    "before": PRESET,
    "cut": {"algorithm.trace": "watkins"},
    "cut-0.8": {"algorithm.trace": "watkins", "algorithm.td_lambda": 0.8},
    "lambda-0.8": {"algorithm.td_lambda": 0.8},
    "one-step": {"algorithm.td_lambda": 0.0},
    "rate-5e-4": {"algorithm.learning_rate": 5e-4},
    "copies-8": {"training.num_envs": 8},
    "updates-0.04": {"training.updates_per_step": 0.04},
    "target-200-updates": {"training.target.interval_steps": 200},
    "target-200-episodes": {"training.target.interval_episodes": 200, "training.target.interval_steps": 0},
    "decay": {"training.learning_rate_decay_from": 0.5},
    "epsilon-20k": {"training.epsilon_steps": 20_000},
}
CASES = {f"{name}-{change}": ((name, change), SEEDS) for name in MAPS for change in CHANGES}


def measure(case: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train one team."""
    (name, change), _ = CASES[case]
    return trained("qmix", name, seed, RECIPE | CHANGES[change], case=case, out=runs / f"smac-recipe-{case}-{seed}")


def trained(algo: str, name: str, seed: int, settings: Mapping[str, object], *, case: str, out: Path) -> dict[str, Any]:
    """Train one team on a map and say how it went.

    Args:
        algo: Roster name.
        name: Of the map.
        settings: Beside those of the evaluations, by dotted name.
        case: For the record.
        out: The run's folder, removed at the end.
    """
    shutil.rmtree(out, ignore_errors=True)
    command = ["train", "--algo", algo, "--env", f"smac:{name}?backend=builtin", "--seed", str(seed)]
    command += ["--steps", str(STEPS)]
    for path, value in (EVALUATION | settings).items():
        command += ["--set", f"{path}={json.dumps(value)}"]
    record: dict[str, Any] = {"command": "rmix-kit " + " ".join(command), "case": case, "seed": seed}
    kit(*command, "--out", str(out), timed=record)
    rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    evaluations = [row for row in rows if row["kind"] == "evaluation"]
    record |= {
        "env_steps": [row["env_steps"] for row in evaluations],
        "win_rates": [row["success_rate"] for row in evaluations],
        "returns": [row["return_mean"] for row in evaluations],
        "updates": max(row["updates"] for row in rows if row["kind"] == "training"),
        "machine": machine(),
    }
    shutil.rmtree(out)
    won, earned = last_third(record["win_rates"]), last_third(record["returns"])
    record["summary"] = f"won {won:.1%}, return {earned:.2f}, {record['cpu_seconds']} CPU s"
    return record


def middle(scores: NDArray[np.float64]) -> float:
    """IQM of runs."""
    return float(interquartile_mean([scores]))


def shown(scores: list[float], form: str) -> str:
    """IQM and its interval."""
    values = np.asarray(scores)
    low, high = bootstrap_interval(values, middle, rng=np.random.default_rng(0))
    return f"{middle(values):{form}} ({low:{form}} to {high:{form}})"


def table() -> str:
    """Return the records as a Markdown table, best return first on each map."""
    lines = ["| map | change | seeds | return | won | CPU s |", "|---|---|---|---|---|---|"]
    for name in MAPS:
        rows = []
        for change in CHANGES:
            records = [json.loads(path.read_text()) for path in sorted(FOLDER.glob(f"{name}-{change}-[0-9].json"))]
            if records:
                returns = [last_third(record["returns"]) for record in records]
                wins = [last_third(record["win_rates"]) for record in records]
                seconds = np.mean([record["cpu_seconds"] for record in records])
                cells = (name, change, str(len(records)), shown(returns, ".2f"), shown(wins, ".1%"), f"{seconds:.0f}")
                rows.append((middle(np.asarray(returns)), f"| {' | '.join(cells)} |"))
        lines += [line for _, line in sorted(rows, reverse=True)]
    return "\n".join(lines)


if __name__ == "__main__":
    make_all(__doc__, CASES, measure, FOLDER, table)
