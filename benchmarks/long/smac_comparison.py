"""RMIX beside QMIX on the built-in SMAC simulator, with the same updates, and what of RMIX makes a difference there.

    python benchmarks/long/smac_comparison.py [--jobs 2] [--only 2s3z-rmix ...] [--runs FOLDER]

Each run is `rmix-kit train --algo A --env smac:MAP?backend=builtin --seed S --steps 80000` in SMAC's frame on one
thread; its record stays under benchmarks/results/smac-comparison and is not made twice. QMIX on 2s3z and 5m_vs_6m are
the runs of the case "recipe" of smac_recipe.py, which are in the same frame. Scores are those of that benchmark; a
difference is that of the interquartile means, its interval a percentile bootstrap over both algorithms' seeds (2,000
resamples, 95 %).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from _runs import RESULTS, make_all
from numpy.typing import NDArray
from smac_recipe import FOLDER as RECIPE_FOLDER
from smac_recipe import MAPS as RECIPE_MAPS
from smac_recipe import middle, shown, trained

from rmix_kit.reports.scores import last_third

FOLDER = RESULTS / "smac-comparison"
RESAMPLES = 2_000
MAPS = {"2s3z": range(5), "5m_vs_6m": range(5), "1c3s5z": range(3)}
"""With the seeds."""
KINDS: dict[str, tuple[str, dict[str, object]]] = {
    "qmix": ("qmix", {}),
    "rmix": ("rmix", {}),
    "rmix-own-memory": ("rmix", {"algorithm.risk_memory": "own"}),
    "rmix-level-1": ("rmix", {"algorithm.risk_level": 1.0}),
    "rmix-one-quantile": ("rmix", {"algorithm.n_quantiles": 1, "algorithm.risk_level": 1.0}),
    "rmix-no-gradient": ("rmix", {"algorithm.risk_gradient": "none"}),
}
"""An algorithm and what is changed of its preset: the last four take parts of RMIX away, one at a time."""
CASES = {
    f"{name}-{kind}": ((name, kind), seeds)
    for name, seeds in MAPS.items()
    for kind in KINDS
    if (kind == "rmix") or (kind == "qmix" and name not in RECIPE_MAPS) or (name == "5m_vs_6m" and kind != "qmix")
}


def measure(case: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train one team."""
    (name, kind), _ = CASES[case]
    algo, settings = KINDS[kind]
    return trained(algo, name, seed, settings, case=case, out=runs / f"smac-comparison-{case}-{seed}")


def records_of(name: str, kind: str) -> list[dict[str, Any]]:
    """Return the records of a map and kind that there are."""
    folder, case = (RECIPE_FOLDER, "recipe") if kind == "qmix" and name in RECIPE_MAPS else (FOLDER, kind)
    return [json.loads(path.read_text()) for path in sorted(folder.glob(f"{name}-{case}-[0-9].json"))]


def difference(ours: list[float], theirs: list[float], form: Callable[[float], str]) -> str:
    """Write the difference of two interquartile means with its interval."""
    rng = np.random.default_rng(0)
    first, second = np.asarray(ours), np.asarray(theirs)

    def drawn(scores: NDArray[np.float64]) -> float:
        return middle(rng.choice(scores, len(scores)))

    low, high = np.quantile([drawn(first) - drawn(second) for _ in range(RESAMPLES)], (0.025, 0.975))
    return f"{form(middle(first) - middle(second))} ({form(low)} to {form(high)})"


def table() -> str:
    """Return the records as a Markdown table."""
    head = "| map | algorithm | seeds | won | less QMIX | return | less QMIX | CPU s |"
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for name in MAPS:
        theirs = records_of(name, "qmix")
        for kind in KINDS:
            records = records_of(name, kind)
            if not records:
                continue
            cells = [name, kind, str(len(records))]
            for quantity, form in (("win_rates", ".1%"), ("returns", ".2f")):
                scores = [last_third(record[quantity]) for record in records]
                base = [last_third(record[quantity]) for record in theirs]
                is_compared = kind != "qmix" and base
                cells += [shown(scores, form), difference(scores, base, _signed(form)) if is_compared else ""]
            cells.append(f"{np.mean([record['cpu_seconds'] for record in records]):.0f}")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _signed(form: str) -> Callable[[float], str]:
    return lambda value: f"{value:+{form}}"


if __name__ == "__main__":
    make_all(__doc__, CASES, measure, FOLDER, table)
