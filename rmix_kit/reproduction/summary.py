"""The honest table: who learns, who stands still, how far from the best possible."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from statistics import fmean, median

from rmix_kit.envs.make import remark_on
from rmix_kit.reports.groups import Cell
from rmix_kit.reports.optimum import optimum_of
from rmix_kit.reports.pace import unequal_updates
from rmix_kit.reports.scores import AVERAGED, late_success
from rmix_kit.reports.scripted import scripted_rows
from rmix_kit.reports.success import silent_environments, with_agreed_success
from rmix_kit.results import Episodes, RunRecord

NOT_RUN = "Not run."
NO_SUCCESS = "This environment does not report success; the return says how well it went."
STANDARD_ERRORS = 2.0
LARGE_ERROR = 0.5  # half the price of a step
CLOSE = 0.005  # returns are sums of float32


def summary_of(records: Iterable[RunRecord], expected: Sequence[Cell], *, title: str) -> str:
    """Write the table of a reproduction.

    Args:
        records: Finished runs.
        expected: All planned cells; those without a run are listed as not run.

    Returns:
        A Markdown page.
    """
    by_cell: dict[tuple[str, str], list[RunRecord]] = {}
    for record in sorted(with_agreed_success(records), key=lambda record: record.seed):
        by_cell.setdefault((record.algo, record.env), []).append(record)
    lines = [f"# {title}", "", _what(by_cell)]
    for env in dict.fromkeys(env for _, env, _ in expected):
        lines += ["", *_table(env, by_cell, [cell for cell in expected if cell[1] == env])]
    return "\n".join(lines) + "\n"


def _what(by_cell: dict[tuple[str, str], list[RunRecord]]) -> str:
    counts = {len(run.last) for runs in by_cell.values() for run in runs if run.last is not None}
    episodes = " or ".join(map(str, sorted(counts))) or "no"
    laid_over = {
        f"`{name}={json.dumps(value)}`"
        for runs in by_cell.values()
        for run in runs
        for name, value in (run.overrides or {}).items()
    }
    presets = "every algorithm with its own preset" + (f" but for {', '.join(sorted(laid_over))}" if laid_over else "")
    return (
        f"Greedy episodes of the last checkpoint, {episodes} for each run, on seeds that training never evaluated on; "
        f"{presets}. Written by `rmix-kit reproduce` from the records."
    )


def _table(env: str, by_cell: dict[tuple[str, str], list[RunRecord]], cells: Sequence[Cell]) -> list[str]:
    best = optimum_of(env)
    lines = [f"## `{env}`" + ("" if best is None else f": the best mean return is {best:.4g}"), ""]
    if remark := remark_on(env):
        lines += [remark, ""]
    silent = silent_environments(run for (_, where), runs in by_cell.items() if where == env for run in runs)
    rows: list[dict[str, str]] = [
        {"algorithm": algo, "runs": f"{len(runs)} of {len(seeds)}", **_shown(runs, env, best, silent)}
        for algo, _, seeds in cells
        if (runs := by_cell.get((algo, env)))
    ]
    if not rows:
        return [*lines, NOT_RUN, *_scripts(env)]
    lines += [_line(list(rows[0])), "|" + "---|" * len(rows[0]), *(_line(list(row.values())) for row in rows)]
    if silent:
        lines += ["", NO_SUCCESS]
    if told := unequal_updates(run for (_, where), runs in by_cell.items() if where == env for run in runs):
        lines += ["", told]
    lines += _scripts(env)
    if missing := [algo for algo, _, _ in cells if (algo, env) not in by_cell]:
        lines += ["", f"Not run: {', '.join(missing)}."]
    return lines


def _scripts(env: str) -> list[str]:
    """Say what scripts reach on an environment; nothing where none has played."""
    shown = [
        f"{row['script']} {row['won'] / row['episodes']:.1%} ({row['return']:.3g})"
        for row in scripted_rows()
        if row["environment"] == env
    ]
    return ["", f"Scripts win (return): {', '.join(shown)}."] if shown else []


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(runs: Sequence[RunRecord], env: str, best: float | None, silent: Collection[str]) -> dict[str, str]:
    """Return the cells of an algorithm's row by heading; what an environment does not have has no column."""
    played = [run.last for run in runs if run.last is not None]
    returns = [fmean(episodes.returns) for episodes in played]
    success = [fmean(episodes.success) for episodes in played if episodes.success is not None]
    seconds = [run.cpu_seconds for run in runs if run.cpu_seconds is not None]
    shown = {"return by seed": ", ".join(map(_with_error, played))}
    if best is not None:
        shown["distance to the best"] = f"{best - median(returns):.3g}" if returns else ""
    if env.startswith(AVERAGED):
        shown["score by seed"] = ", ".join(f"{late_success(run):.0%}" for run in runs)
        shown["win rate by seed"] = ", ".join(f"{rate:.0%}" for rate in success)
    elif env not in silent:
        shown["success"] = f"{fmean(success):.0%}" if success else ""
    if env.startswith("macn:"):
        shown["falls"] = f"{fmean(fmean(episodes.fell) for episodes in played):.1%}" if played else ""
    if best is not None:
        ends = Counter(how_it_ends(run.last, run, best) for run in runs if run.last is not None)
        shown["how runs end"] = ", ".join(f"{end} {count}" for end, count in ends.most_common())
    shown["CPU seconds"] = f"{fmean(seconds):.0f}" if seconds else "not counted"
    return shown


def how_it_ends(episodes: Episodes, run: RunRecord, best: float) -> str:
    """Say in a word what the team of a run does in most of its last episodes.

    Args:
        best: The best mean return; reached within two standard errors of the mean of the episodes.

    Returns:
        "optimal", "within error of the best" (where the error is too large to call it optimal), "stands still" (nobody
        falls and time runs out), "falls", "solves", or "fails".
    """
    mean, error = fmean(episodes.returns), error_of(episodes)
    if mean >= best - error - CLOSE:
        return "optimal" if error <= LARGE_ERROR else "within error of the best"
    if episodes.success is not None and fmean(episodes.success) >= 0.5:
        return "solves"
    if fmean(episodes.fell) >= 0.5:
        return "falls"
    limit = run.env_spec.get("episode_limit")
    return "stands still" if limit and run.env.startswith("macn:") and min(episodes.lengths) == limit else "fails"


def error_of(episodes: Episodes) -> float:
    """Return two standard errors of the mean return."""
    mean = fmean(episodes.returns)
    return STANDARD_ERRORS * math.sqrt(fmean((value - mean) ** 2 for value in episodes.returns) / len(episodes))


def _with_error(episodes: Episodes) -> str:
    error = error_of(episodes)
    return f"{fmean(episodes.returns):.4g}" + (f" ± {error:.2g}" if error > CLOSE else "")
