"""The page of `rmix-kit reproduce epymarl`: ours beside EPyMARL's own runs and beside what was published."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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

    Returns:
        A Markdown page.

    Raises:
        RecordError: One of EPyMARL's records cannot be read.
    """
    runs, peers = list(records), peers_in(out)
    lines = [f"# {title}", "", _what(runs, peers)]
    for task in TASKS:
        pairs = [
            _Pair(
                algo=algo,
                seeds=len(seeds),
                ours=tuple(run for run in runs if (run.algo, run.env) == (algo, env)),
                theirs=tuple(peer for peer in peers if (peer.algo, peer.task) == (algo, task.label)),
            )
            for algo, env, seeds in expected
            if env == task.env
        ]
        lines += ["", f"## `{task.env}`: {task.name}", "", *_table(pairs, task)]
    return "\n".join(lines) + "\n"


def _what(runs: Sequence[RunRecord], peers: Sequence[PeerRun]) -> str:
    laid_over = sorted({f"`{name}`" for run in runs for name in run.overrides or {}})
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


@dataclass(frozen=True, kw_only=True)
class _Pair:
    """What is recorded of an algorithm on a task: ours, and EPyMARL's up to the same steps."""

    algo: str
    seeds: int
    ours: tuple[RunRecord, ...]
    theirs: tuple[PeerRun, ...]

    @property
    def steps(self) -> int:
        return self.ours[0].steps if self.ours else self.theirs[0].steps

    @property
    def interval(self) -> int:
        """Environment steps between our evaluations."""
        return int(self.ours[0].config["training"]["evaluation_interval"])

    def our_curves(self) -> list[Curve]:
        return [curve_of(run.seed, run.evaluations, self.interval, run.steps) for run in self.ours]

    def their_curves(self) -> list[Curve]:
        return [curve_of(run.seed, run.evaluations, run.interval, self.steps) for run in self.theirs]


def _table(pairs: Sequence[_Pair], task: Task) -> list[str]:
    lines = [task.unit, ""] if task.unit else []
    recorded = [pair for pair in pairs if pair.ours or pair.theirs]
    if not recorded:
        return [*lines, NOT_RUN]
    lines += [_line(HEADINGS), "|" + "---|" * len(HEADINGS), *(_line(_row(task, pair)) for pair in recorded)]
    if missing := [pair.algo for pair in pairs if not pair.ours]:
        lines += ["", f"Not run: {', '.join(missing)}."]
    return [*lines, "", *_curves(recorded)]


def _curves(pairs: Sequence[_Pair]) -> list[str]:
    """Show the mean over the seeds while they learn, ours and EPyMARL's one below the other."""
    rows: list[tuple[str, dict[int, float]]] = []
    for pair in pairs:
        if pair.ours:
            rows.append((pair.algo, _mean(pair.our_curves(), pair.interval)))
        if pair.theirs:
            rows.append((f"{pair.algo}, EPyMARL", _mean(pair.their_curves(), pair.theirs[0].interval)))
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


def _row(task: Task, pair: _Pair) -> list[str]:
    ours = maximum_return(pair.our_curves(), pair.interval) if pair.ours else None
    theirs = maximum_return(pair.their_curves(), pair.theirs[0].interval) if pair.theirs else None
    published = task.published_here(pair.algo)
    return [
        pair.algo,
        f"{len(pair.ours)} of {pair.seeds}",
        f"{pair.steps:,}",
        "" if ours is None else _written(ours.interval),
        "" if ours is None else ", ".join(f"{value:.4g}" for value in ours.by_seed),
        "" if ours is None else f"{ours.steps:,}",
        "not run" if theirs is None else f"{_written(theirs.interval)} ({len(theirs.by_seed)} at {theirs.steps:,})",
        UNCHECKED if published is None else _written(published),
        "" if ours is None else verdict(ours, theirs, published),
    ]


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
