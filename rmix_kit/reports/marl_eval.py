"""The runs in marl-eval's form, for its tools.

Source: Gorsane et al. 2022, "Towards a Standardised Performance Evaluation Protocol for Cooperative MARL", and the JSON
that its library `marl-eval` reads: environment, task, algorithm, seed, then ``step_N`` with the step and lists of
values, and ``absolute_metrics``, the best checkpoint's episodes.

The library takes the names of the steps from one run and looks them up in every other. N is therefore the environment
step at which the evaluation was due, the same in all runs of one plan, and ``step_count`` the one at which the round
that reached it ended: runs that were evaluated at other intervals are refused there instead of being averaged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rmix_kit.envs.text import parse
from rmix_kit.episodes import tail_mean
from rmix_kit.metrics import FALLS, LENGTH, RETURN, RISK_LEVEL, SUCCESS, TAIL_LEVELS, cvar_name
from rmix_kit.reports.curves import DRAWN, is_known
from rmix_kit.reports.groups import Group
from rmix_kit.results import Episodes, RunRecord

# During training a run keeps the mean over its evaluation's episodes: lists of one value.
_NAMES = {name: name.removesuffix("_mean") for name in DRAWN}


def marl_eval(groups: Iterable[Group]) -> dict[str, Any]:
    """Return finished runs as marl-eval's nested mapping, all keys in lower case."""
    found: dict[str, Any] = {}
    for group in groups:
        kind, task = parse(group.env).kind, group.env.partition(":")[2]
        for run in group.runs:
            algorithms = found.setdefault(kind, {}).setdefault(task.lower(), {})
            runs = algorithms.setdefault(group.algo.lower(), {})
            key = f"seed_{run.seed}"
            runs[key if key not in runs else f"{key}_{run.name.lower()}"] = _run(run)
    return found


def _run(run: RunRecord) -> dict[str, Any]:
    steps: dict[str, Any] = {
        f"step_{due}": {
            "step_count": row["env_steps"],
            **{ours: [row[name]] for name, ours in _NAMES.items() if is_known(row, name)},
        }
        for due, row in zip(_due(run), run.evaluations, strict=True)
    }
    return steps | ({"absolute_metrics": _absolute(run.best)} if run.best is not None else {})


def _due(run: RunRecord) -> list[int]:
    """Return the environment step at which each evaluation was due; the last one's is the end of a finished run."""
    training = run.config.get("training")
    interval = training.get("evaluation_interval") if isinstance(training, Mapping) else None
    taken = [int(row["env_steps"]) for row in run.evaluations]
    due = [step // interval * interval if isinstance(interval, int) and interval > 0 else step for step in taken]
    return [run.steps if step >= run.steps else at for step, at in zip(taken, due, strict=True)]


def _absolute(episodes: Episodes) -> dict[str, list[float]]:
    """Return one value per episode; of a tail, the one value of them all; nothing of what was not reported."""
    success = {} if episodes.success is None else {_NAMES[SUCCESS]: [float(value) for value in episodes.success]}
    return {
        _NAMES[RETURN]: list(episodes.returns),
        **success,
        _NAMES[FALLS]: [float(value) for value in episodes.fell],
        _NAMES[LENGTH]: [float(value) for value in episodes.lengths],
        _NAMES[RISK_LEVEL]: list(episodes.risk_levels),
        **{_NAMES[cvar_name(level)]: [tail_mean(episodes.returns, level)] for level in TAIL_LEVELS},
    }
