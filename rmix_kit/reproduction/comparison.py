"""The page of `rmix-kit reproduce epymarl`: ours beside EPyMARL's own runs and beside what was published."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from rmix_kit.reports.groups import Cell
from rmix_kit.reproduction.epymarl import TASKS, Curve, Interval, MaximumReturn, Task, curve_of, maximum_return
from rmix_kit.reproduction.peers import PeerRun, peers_in
from rmix_kit.reproduction.summary import NOT_RUN
from rmix_kit.results import RunRecord

HEADINGS = (
    "algorithm",
    "runs",
    "steps",
    "maximum return",
    "by seed",
    "at",
    "EPyMARL, run here",
    "published",
    "verdict",
)
UNCHECKED = "not checked"
POINTS = 8


def comparison_of(records: Iterable[RunRecord], expected: Sequence[Cell], out: Path, *, title: str) -> str:
    """Write the tables of the benchmark, one per task.

    Args:
        records: Finished runs.
        expected: All planned cells; those without a run are listed as not run.
        out: The reproduction's folder, in which EPyMARL's records lie.
        title: Of the page.

    Returns:
        A Markdown page.

    Raises:
        RecordError: One of EPyMARL's records cannot be read.
    """
    runs, peers = list(records), peers_in(out)
    lines = [f"# {title}", "", _what(runs, peers)]
    for task in TASKS:
        if cells := [cell for cell in expected if cell[1] == task.env]:
            lines += ["", f"## `{task.env}`: {task.name}", "", *_table(task, cells, runs, peers)]
    return "\n".join(lines) + "\n"


def _what(runs: Sequence[RunRecord], peers: Sequence[PeerRun]) -> str:
    laid_over = sorted({f"`{name}`" for run in runs for name in run.overrides})
    presets = "presets as they are" + (f" but for {', '.join(laid_over)}" if laid_over else "")
    commits = sorted({peer.commit[:10] for peer in peers})
    changed = sorted({f"`{change}`" for peer in peers for change in peer.changed})
    shipped = "the configuration that it ships" + (f" but for {', '.join(changed)}" if changed else "")
    return (
        "Maximum return as the paper takes it: at the evaluation where the mean over the seeds is highest, that mean, "
        "the normal half-width of its 95 % interval and the seeds' own values; greedy episodes; the sum of the "
        f"agents' rewards. Ours: {presets}. "
        + (
            f"EPyMARL: its own code at {', '.join(commits)} with {shipped}, on the same packages, counted up to the "
            "steps that ours were trained for. "
            if peers
            else "EPyMARL's own code was not run. "
        )
        + "Published: Papoudakis et al. 2021, parameters shared, in the unit of the environment text, from a "
        f'transcription (docs/reproduction.md); "{UNCHECKED}" where there was none. '
        + "Written by `rmix-kit reproduce` from the records."
    )


def _table(task: Task, cells: Sequence[Cell], runs: Sequence[RunRecord], peers: Sequence[PeerRun]) -> list[str]:
    rows = [
        _row(task, algo, len(seeds), owned, [peer for peer in peers if (peer.algo, peer.env) == (algo, task.env)])
        for algo, _, seeds in cells
        if (owned := [run for run in runs if (run.algo, run.env) == (algo, task.env)])
    ]
    lines = [task.unit, ""] if task.unit else []
    if not rows:
        return [*lines, NOT_RUN]
    lines += [_line(HEADINGS), "|" + "---|" * len(HEADINGS), *map(_line, rows)]
    if missing := [algo for algo, _, _ in cells if not any((run.algo, run.env) == (algo, task.env) for run in runs)]:
        lines += ["", f"Not run: {', '.join(missing)}."]
    return [*lines, "", *_curves(task, cells, runs, peers)]


def _curves(task: Task, cells: Sequence[Cell], runs: Sequence[RunRecord], peers: Sequence[PeerRun]) -> list[str]:
    """Show the mean over the seeds while they learn, ours and EPyMARL's one below the other."""
    rows: list[tuple[str, dict[int, float]]] = []
    for algo, _, _ in cells:
        owned = [run for run in runs if (run.algo, run.env) == (algo, task.env)]
        theirs = [peer for peer in peers if (peer.algo, peer.env) == (algo, task.env)]
        if owned:
            rows.append((algo, _mean([_curve(run) for run in owned], interval_of(owned[0]))))
        if owned and theirs:
            limit = owned[0].steps
            curves = [curve_of(peer.seed, peer.evaluations, peer.interval, limit) for peer in theirs]
            rows.append((f"{algo}, EPyMARL", _mean(curves, theirs[0].interval)))
    steps = sorted({at for _, curve in rows for at in curve})
    shown = [steps[round(index * (len(steps) - 1) / (POINTS - 1))] for index in range(POINTS)] if steps else []
    chosen = list(dict.fromkeys(shown))
    heading = ["mean return after", *(f"{at:,}" for at in chosen)]
    body = [[name, *(f"{curve[at]:.4g}" if at in curve else "" for at in chosen)] for name, curve in rows]
    return [_line(heading), "|" + "---|" * len(heading), *map(_line, body)]


def _mean(curves: Sequence[Curve], interval: int) -> dict[int, float]:
    """Average over the seeds, by environment steps; evaluations that one of them lacks are left out."""
    shared = set.intersection(*(set(curve.returns) for curve in curves))
    return {count * interval: fmean(curve.returns[count] for curve in curves) for count in sorted(shared)}


def _curve(run: RunRecord) -> Curve:
    return curve_of(run.seed, run.evaluations, interval_of(run), run.steps)


def interval_of(run: RunRecord) -> int:
    """Give the environment steps between a run's evaluations.

    Args:
        run: Any record.
    """
    return int(run.config["training"]["evaluation_interval"])


def _row(task: Task, algo: str, seeds: int, runs: Sequence[RunRecord], peers: Sequence[PeerRun]) -> list[str]:
    steps = runs[0].steps
    ours = maximum_return([_curve(run) for run in runs], interval_of(runs[0]))
    theirs = _of_peers(peers, steps)
    published = task.published_here(algo)
    return [
        algo,
        f"{len(runs)} of {seeds}",
        f"{steps:,}",
        "never evaluated" if ours is None else _written(ours.interval),
        "" if ours is None else ", ".join(f"{value:.4g}" for value in ours.by_seed),
        "" if ours is None else f"{ours.steps:,}",
        "not run" if theirs is None else f"{_written(theirs.interval)} ({len(theirs.by_seed)} at {theirs.steps:,})",
        UNCHECKED if published is None else _written(published),
        "" if ours is None else verdict(ours, theirs, published),
    ]


def _of_peers(peers: Sequence[PeerRun], steps: int) -> MaximumReturn | None:
    if not peers:
        return None
    curves = [curve_of(peer.seed, peer.evaluations, peer.interval, steps) for peer in peers]
    return maximum_return(curves, peers[0].interval)


def verdict(ours: MaximumReturn, theirs: MaximumReturn | None, published: Interval | None) -> str:
    """Say in words whether ours falls short of the others by more than their own spread.

    Args:
        ours: What was reached here.
        theirs: What EPyMARL's code reached here; None where it was not run.
        published: What was published; None where that could not be checked.
    """
    found = []
    reached = None if theirs is None else theirs.interval
    for name, other in (("EPyMARL", reached), ("the published", published)):
        if other is not None:
            spread = other.half_width if math.isfinite(other.half_width) else 0.0
            gap = ours.interval.mean - other.mean
            found.append(f"short of {name} by {-gap:.3g}" if gap < -spread else f"holds against {name}")
    return "; ".join(found)


def _written(interval: Interval) -> str:
    error = f" ± {interval.half_width:.2g}" if math.isfinite(interval.half_width) else ""
    return f"{interval.mean:.4g}{error}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
