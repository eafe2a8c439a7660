"""Tables about runs: which there are, what each was, how it ended, what it cost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Any

from rmix_kit.envs.text import parse
from rmix_kit.metrics import METRICS, RETURN, SUCCESS
from rmix_kit.reports.curves import is_known
from rmix_kit.reports.groups import Group, versions_of
from rmix_kit.reports.paper import TABLE_3
from rmix_kit.reports.scores import Scores, last_evaluation, summary_of
from rmix_kit.reports.success import silent_environments
from rmix_kit.reports.table import Table, make_table
from rmix_kit.results import RunRecord

THRESHOLDS = (0.5, 0.9)
NOT_RUN = "not run"
NOT_RECORDED = "not recorded"  # when training began; `command` then names the configuration
_RESULTS = (*METRICS, "episodes", "checkpoint_step")


def cell_table(groups: Sequence[Group]) -> Table:
    """Return what was planned and what there is, by algorithm and environment."""
    columns = ("environment", "algorithm", "state", "finished", "unfinished", "not_run", "mixed")
    rows = [
        {
            "environment": group.env,
            "algorithm": group.algo,
            "state": state_of(group),
            "finished": _seeds(run.seed for run in group.runs),
            "unfinished": _seeds(run.seed for run in group.unfinished),
            "not_run": _seeds(group.missing),
            "mixed": "; ".join(group.mixed),
        }
        for group in groups
    ]
    return make_table("cells", columns, rows)


def state_of(group: Group) -> str:
    """Say in a few words how far a cell has come."""
    if not group.all_runs:
        return NOT_RUN
    planned = len(group.all_runs) + len(group.missing)
    parts = [f"{len(group.runs)} of {planned}" if planned > len(group.runs) else str(planned)]
    parts += [f"{len(group.unfinished)} unfinished"] if group.unfinished else []
    parts += [f"{len(group.missing)} {NOT_RUN}"] if group.missing else []
    return ", ".join(parts)


def run_table(groups: Sequence[Group]) -> Table:
    """Return what each run was."""
    columns = (
        "name", "environment", "algorithm", "preset", "seed", "state", "env_steps", "steps_asked", "overrides",
        "rmix_kit", "commit", "python", "torch", "numpy", "platform", "device", "starcraft", "wall_seconds",
        "cpu_seconds", "command",
    )  # fmt: skip
    rows = []
    for group in groups:
        for run in group.all_runs:
            reached = run.evaluations[-1]["env_steps"] if run.evaluations else 0
            rows.append(
                {
                    "name": run.name,
                    "environment": run.env,
                    "algorithm": run.algo,
                    "preset": run.preset,
                    "seed": run.seed,
                    "state": _state_of_run(run),
                    "env_steps": reached,
                    "steps_asked": run.steps,
                    "overrides": _overrides(run),
                    "rmix_kit": versions_of(run),
                    "commit": _commits(run),
                    **{name: _origin(run, name) for name in ("python", "torch", "numpy", "platform", "device")},
                    "starcraft": ", ".join(f"{name} {value}" for name, value in run.environment.items()),
                    "wall_seconds": run.wall_seconds,
                    "cpu_seconds": run.cpu_seconds,
                    "command": run.command,
                }
            )
    return make_table("runs", columns, rows)


def _overrides(run: RunRecord) -> str:
    if run.overrides is None:
        return NOT_RECORDED
    return " ".join(f"{name}={json.dumps(value)}" for name, value in run.overrides.items())


def _state_of_run(run: RunRecord) -> str:
    if not run.is_finished:
        return "unfinished"
    return "finished" if run.is_sealed else "finished, without a seal"


def final_table(scores: Scores, optima: Table) -> Table:
    """Return how each finished run ended: its last checkpoint, its best one, its last evaluation.

    Args:
        scores: Of the report.
        optima: Of `rmix_kit.reports.optimum.optimum_table`; the distance of the mean return to it is a column.
    """
    columns = ("environment", "algorithm", "seed", "run", "checkpoint", "score", "distance", *_RESULTS)
    best = {row["environment"]: row["optimum"] for row in optima.rows}
    rows = []
    for group in scores.groups:
        for run, score in zip(group.runs, scores.of(group).tolist(), strict=True):
            ends = {"last evaluation": last_evaluation(run)}
            ends |= {"last": summary_of(run.last)} if run.last is not None else {}
            ends |= {"best": summary_of(run.best)} if run.best is not None else {}
            scored = "last" if scores.has_last else "last evaluation"
            for checkpoint, summary in ends.items():
                rows.append(
                    {
                        "environment": group.env,
                        "algorithm": group.label,
                        "seed": run.seed,
                        "run": run.name,
                        "checkpoint": checkpoint,
                        "score": score if checkpoint == scored else None,
                        "distance": best[group.env] - summary[RETURN] if _is_measured(summary, group, best) else None,
                        **{name: summary.get(name) for name in _RESULTS},
                    }
                )
    return make_table("final_results", columns, rows)


def _is_measured(summary: Mapping[str, Any], group: Group, best: Mapping[str, float]) -> bool:
    return group.env in best and is_known(summary, RETURN)


def threshold_table(groups: Sequence[Group]) -> Table:
    """Return when finished runs first evaluated at a success rate: steps and wall seconds of those that did.

    Environments that do not report success have no rows.
    """
    columns = (
        "environment", "algorithm", "threshold", "reached", "runs", "env_steps_median", "env_steps_min",
        "env_steps_max", "wall_seconds_median",
    )  # fmt: skip
    rows = []
    silent = silent_environments(run for group in groups for run in group.runs)
    for group in groups:
        for threshold in THRESHOLDS if group.runs and group.env not in silent else ():
            firsts = [first for run in group.runs if (first := _first(run, threshold)) is not None]
            steps = [step for step, _ in firsts]
            seconds = [second for _, second in firsts if second is not None]
            rows.append(
                {
                    "environment": group.env,
                    "algorithm": group.label,
                    "threshold": threshold,
                    "reached": len(firsts),
                    "runs": len(group.runs),
                    "env_steps_median": median(steps) if steps else None,
                    "env_steps_min": min(steps, default=None),
                    "env_steps_max": max(steps, default=None),
                    "wall_seconds_median": median(seconds) if seconds else None,
                }
            )
    return make_table("thresholds", columns, rows)


def memory_table(groups: Sequence[Group]) -> Table:
    """Return what the replay and the process held at most, and the time of training, over finished runs."""
    columns = (
        "environment", "algorithm", "runs", "replay_mebibytes", "peak_mebibytes", "wall_seconds_median",
        "cpu_seconds_median",
    )  # fmt: skip
    rows = [
        {
            "environment": group.env,
            "algorithm": group.label,
            "runs": len(group.runs),
            "replay_mebibytes": max(_known(group, "replay_mebibytes"), default=None),
            "peak_mebibytes": max(_known(group, "peak_mebibytes"), default=None),
            "wall_seconds_median": _median(_known(group, "wall_seconds")),
            "cpu_seconds_median": _median(_known(group, "cpu_seconds")),
        }
        for group in groups
        if group.runs
    ]
    return make_table("memory", columns, rows)


def replay_table(groups: Sequence[Group]) -> Table:
    """Return the replay of 5,000 episodes on StarCraft's maps: the paper's Table 3, our worst case, what runs held."""
    columns = ("map", "paper_gb", "as_received_gb", "unit_states_gb", "measured_gb", "measured_runs")
    rows = []
    for name, size in TABLE_3.items():
        held = [value for group in groups if _map_of(group) == name for value in _known(group, "replay_mebibytes")]
        rows.append(
            {
                "map": name,
                "paper_gb": size.paper,
                "as_received_gb": size.as_received,
                "unit_states_gb": size.unit_states,
                "measured_gb": max(held) * 2**20 / 1e9 if held else None,
                "measured_runs": len(held),
            }
        )
    return make_table("replay_memory", columns, rows)


def _map_of(group: Group) -> str:
    env = parse(group.env)
    return env.name if env.kind == "smac" else ""


def _seeds(seeds: Iterator[int] | Sequence[int]) -> str:
    return " ".join(map(str, seeds))


def _known(group: Group, name: str) -> list[float]:
    return [value for run in group.runs if (value := getattr(run, name)) is not None]


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _first(run: RunRecord, threshold: float) -> tuple[int, float | None] | None:
    for place, row in enumerate(run.evaluations):
        if is_known(row, SUCCESS) and row[SUCCESS] >= threshold:
            return row["env_steps"], run.seconds_at[place] if place < len(run.seconds_at) else None
    return None


def _origin(run: RunRecord, name: str) -> str:
    return ", ".join(dict.fromkeys(str(row[name]) for row in run.origins if row.get(name) is not None))


def _commits(run: RunRecord) -> str:
    """Name the commits, shortened; a plus marks files that differed from theirs."""
    named: dict[str, Any] = {}
    for row in run.origins:
        if row.get("commit"):
            named[str(row["commit"])[:10] + "+" * bool(row.get("is_modified"))] = True
    return ", ".join(named)
