"""Does every algorithm end where theory and publications say it must on the small games?

    python benchmarks/long/games.py [--jobs 2] [--only qmix-qtran]

Value methods learn on uniform data (`_games.py` says how), COMA and DOP by playing. A record
stays under benchmarks/results/games and is not made twice. A run is as expected if its greedy return is the expected
one and, where the fixed point is known, every entry of its joint value table lies within 0.05 of it. The fixed points
are exact: VDN's is the two-way analysis of variance of the payoffs, IQL's sum the two marginal means, QMIX's on the
two-step game and QTRAN's Q_jt the payoffs themselves; QMIX's on QTRAN's matrix and those of WQMIX are published or
derived ones (docs/algorithms). QPLEX is shown without a verdict: its matrix game is known to depend on the seed. On
QPLEX's endless two-state game QMIX plays, epsilon falling to 0.05; a run is as expected if V(s1) ends within 5 of 100.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from _runs import RESULTS, machine, make_all
from numpy.typing import NDArray

from rmix_kit.envs.didactic import games

FOLDER = RESULTS / "games"
TOLERANCE = 0.05
PAYOFFS: dict[str, NDArray[np.float64]] = {
    "qtran": np.array(games.QTRAN, dtype=np.float64),
    "harder": np.array(games.QTRAN_HARDER, dtype=np.float64),
    "climbing": np.array(games.CLIMBING, dtype=np.float64),
    "penalty": np.array([[10.0, 0.0, -100.0], [0.0, 2.0, 0.0], [-100.0, 0.0, 10.0]]),
}
VALUE_METHODS = ("iql", "vdn", "qmix", "qtran", "cw-qmix", "ow-qmix", "qplex")
RETURNS: dict[str, dict[str, set[float]]] = {
    "qtran": {
        **dict.fromkeys(("iql", "vdn", "qmix", "coma", "dop"), {0.0}),
        **dict.fromkeys(("qtran", "cw-qmix", "ow-qmix"), {8.0}),
    },
    "harder": {
        **dict.fromkeys(("iql", "vdn", "qmix"), {0.0, 6.0}),
        **dict.fromkeys(("qtran", "cw-qmix", "ow-qmix"), {8.0}),
    },
    "climbing": {
        **dict.fromkeys(("iql", "vdn", "qmix", "coma", "dop"), {5.0}),
        **dict.fromkeys(("qtran", "cw-qmix"), {11.0}),
    },
    "penalty": {
        **dict.fromkeys(("iql", "vdn", "qmix"), {2.0}),
        **dict.fromkeys(("qtran", "cw-qmix", "ow-qmix"), {10.0}),
    },
    "two-step": {**dict.fromkeys(("iql", "vdn", "rdn"), {7.0}), **dict.fromkeys(("qmix", "rmix"), {8.0})},
}
"""Greedy returns that a correct learner may end with; a pair that is missing is reported without a verdict."""
SUM_OF_TWO_STEP = {"0": [[6.93, 6.93], [6.435, 6.435]], "1": [[7.0, 7.0]] * 2, "2": [[-1.5, 2.5], [2.5, 6.5]]}
MONOTONE_TWO_STEP = {"0": [[6.93, 6.93], [7.92, 7.92]], "1": [[7.0, 7.0]] * 2, "2": [[0.0, 1.0], [1.0, 8.0]]}
TABLES: dict[tuple[str, str], dict[str, list[list[float]]]] = {
    **{("two-step", name): SUM_OF_TWO_STEP for name in ("vdn", "rdn")},
    **{("two-step", name): MONOTONE_TWO_STEP for name in ("qmix", "rmix")},
    ("qtran", "qmix"): {"0": [[-8.0, -8.0, -8.0], [-8.0, 0.0, 0.0], [-8.0, 0.0, 0.0]]},
    ("qtran", "ow-qmix"): {"0": [[8.0, -1.09, -1.09], [-1.09, -1.09, -1.09], [-1.09, -1.09, -1.09]]},
    ("qtran", "cw-qmix"): {"0": [[8.0, -6.0, -6.0], [-6.0, -6.0, -6.0], [-6.0, -6.0, -6.0]]},
}
"""Published fixed points; those of IQL, VDN and QTRAN on one-step games are computed."""


def seeds_of(algo: str, game: str) -> range:
    """Return 16 seeds where the sheet asks for many, 4 elsewhere."""
    return range(16 if algo in ("vdn", "qmix") and game in ("two-step", "qtran") else 4)


CASES = {
    f"{algo}-{game}": (algo, seeds_of(algo, game), game)
    for game, roster in (
        *((game, (*VALUE_METHODS, "coma", "dop")) for game in PAYOFFS),
        ("two-step", ("iql", "vdn", "rdn", "qmix", "rmix")),
        ("mmdp", ("qmix",)),
    )
    for algo in roster
}


def expected_tables(algo: str, game: str) -> dict[str, list[list[float]]] | None:
    """Return the known fixed point of a joint value table, by state."""
    if (game, algo) in TABLES:
        return TABLES[game, algo]
    if game not in PAYOFFS:
        return None
    payoffs = PAYOFFS[game]
    marginals = payoffs.mean(1, keepdims=True) + payoffs.mean(0, keepdims=True)
    exact = {"iql": marginals, "vdn": marginals - payoffs.mean(), "qtran": payoffs}
    return {"0": exact[algo].tolist()} if algo in exact else None


def measure(case: str, seed: int, runs: Path) -> dict[str, Any]:
    """Train in a process of its own and judge what it says."""
    del runs
    algo, _, game = CASES[case]
    command = [sys.executable, str(Path(__file__).with_name("_games.py")), algo, game, str(seed)]
    said = subprocess.run(
        command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=True
    ).stdout
    record: dict[str, Any] = {"case": case, "seed": seed, **json.loads(said), "machine": machine()}
    expected = expected_tables(algo, game)
    record["largest_error"] = None
    if expected is not None:
        record["largest_error"] = max(
            float(np.abs(np.array(record["tables"][state]) - np.array(table)).max())
            for state, table in expected.items()
        )
    returns = RETURNS.get(game, {}).get(algo)
    is_table_right = record["largest_error"] is None or record["largest_error"] <= TOLERANCE
    record["is_expected"] = None if returns is None else is_table_right and near(record["return"], returns)
    if game == "mmdp":
        record["value_of_s1"] = float(np.max(record["tables"]["0"]))
        record["is_expected"] = abs(record["value_of_s1"] - 100.0) <= 5.0
    record["summary"] = f"return {record['return']:g}, table off by {record['largest_error']}, {record['is_expected']}"
    return record


def near(value: float, expected: set[float]) -> bool:
    """Return whether a return is one of the expected ones; only rounding may lie between."""
    return any(abs(value - one) < 1e-4 for one in expected)


def table() -> str:
    """Return the records as a Markdown table, one row per algorithm and game."""
    lines = [
        "| game | algorithm | seeds | greedy returns | table off by at most | as expected |",
        "|---|---|---|---|---|---|",
    ]
    for case, (algo, seeds, game) in CASES.items():
        found = [FOLDER / f"{case}-{seed}.json" for seed in seeds]
        records = [json.loads(path.read_text()) for path in found if path.exists()]
        if not records:
            continue
        counts = {
            value: sum(record["return"] == value for record in records)
            for value in sorted({r["return"] for r in records})
        }
        errors = [record["largest_error"] for record in records if record["largest_error"] is not None]
        verdicts = [record["is_expected"] for record in records]
        cells = [
            game,
            algo,
            str(len(records)),
            ", ".join(f"{value:g} ({count})" for value, count in counts.items()),
            f"{max(errors):.3f}" if errors else "-",
            "reported" if None in verdicts else f"{sum(verdicts)} of {len(records)}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    make_all(__doc__, CASES, measure, FOLDER, table)
