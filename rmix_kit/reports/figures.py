"""The report's figures. Each is drawn from rows of one table and says which."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from rmix_kit.metrics import METRICS, RETURN, SUCCESS, TAIL_LEVELS, cvar_name, label_of
from rmix_kit.plotting.lines import Curve, Level, Panel, draw_curves
from rmix_kit.plotting.matrix import draw_probabilities
from rmix_kit.plotting.rows import Histogram, draw_histograms, draw_intervals
from rmix_kit.plotting.rows import Row as Interval
from rmix_kit.reports.groups import algorithm_of
from rmix_kit.reports.optimum import optimum_of
from rmix_kit.reports.score_tables import STATISTICS
from rmix_kit.reports.scripted import line_table
from rmix_kit.reports.table import Row, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Band: TypeAlias = Literal["std", "quartiles"]
BANDS: Mapping[Band, str] = {
    "std": "mean, one standard deviation shaded",
    "quartiles": "median, quartiles shaded",
}
STEPS, OPTIMUM = "environment steps", "exact optimum"
_NARROW = 0.2
"""Statistics that lie within so much of each other would be one heap on the axis from 0 to 1: theirs is closer."""
_LONGEST_NAME = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class ReportFigure:
    """A figure of the page.

    Attributes:
        name: Stem of its files.
        title: What it shows.
        table: The table that it is drawn from.
        rows: Which rows of it, by column.
        columns: What is drawn of them.
        draw: Draws it.
        band: Which choice of the page shows it; empty for always.
        is_wide: It needs the width of a page.
    """

    name: str
    title: str
    table: Table
    rows: Mapping[str, Any]
    columns: tuple[str, ...]
    draw: Callable[[], Figure]
    band: Band | Literal[""] = ""
    is_wide: bool = False

    @property
    def source(self) -> str:
        """Say where its numbers stand."""
        rows = " and ".join(f"{name} = {value}" for name, value in self.rows.items())
        return f"{self.table.file}, rows with {rows}; columns {', '.join(self.columns)}"


def axis_of(metric: str, envs: Iterable[str]) -> str:
    """Name a metric's axis; on StarCraft's maps success is winning."""
    is_won = metric == SUCCESS and all(env.startswith("smac:") for env in envs)
    return "test win rate" if is_won else METRICS[metric].axis


def slug(text: str) -> str:
    """Return a text as a part of a file's name; a long or drawn one gets a number, so that no two are the same."""
    plain = re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-")
    if len(plain) <= _LONGEST_NAME and re.fullmatch(r"[\w.:?=&\- ]+", text, re.ASCII):
        return plain
    return f"{plain[:_LONGEST_NAME]}-{zlib.crc32(text.encode()):08x}"


def curve_columns(band: Band) -> tuple[str, ...]:
    """Name the columns that a curve with that band is drawn from."""
    return ("env_steps", "mean", "std") if band == "std" else ("env_steps", "median", "quartile_low", "quartile_high")


def draw_learning(table: Table, envs: Sequence[str], metric: str, band: Band) -> Figure:
    """Draw learning curves, one panel per environment.

    Args:
        table: Of `rmix_kit.reports.curves.curve_table`.
        metric: Of the table.
        band: What is shaded.
    """
    panels = [learning_panel(table, env, metric, band) for env in envs]
    return draw_curves(panels, x_label=STEPS, y_label=axis_of(metric, envs), y_range=range_of(metric))


def learning_panel(table: Table, env: str, metric: str, band: Band) -> Panel:
    """Return one environment's learning curves, and the lines that they are drawn beside.

    Args:
        table: Of `rmix_kit.reports.curves.curve_table`.
        metric: Of the table.
        band: What is shaded.
    """
    lines = line_table([env]).where(environment=env, metric=metric)
    levels = [Level(label=row["script"], y=row["value"]) for row in lines]
    if metric == RETURN and (best := optimum_of(env)) is not None:
        levels.append(Level(label=OPTIMUM, y=best))
    curves = _curves(table.where(environment=env, metric=metric), band)
    return Panel(title=env, curves=curves, levels=tuple(levels))


def range_of(metric: str) -> tuple[float, float] | None:
    """Return the ends of a metric's axis; None where the data decide."""
    return (0.0, 1.0) if METRICS[metric].is_bounded else None


def learning_figures(table: Table, env: str) -> list[ReportFigure]:
    """Return the curves of every metric of the table on one environment, with both bands."""
    return [
        ReportFigure(
            name=f"{slug(env)}-{metric}-{band}",
            title=f"{axis_of(metric, [env]).capitalize()} against environment steps: {BANDS[band]}",
            table=table,
            rows={"environment": env, "metric": metric},
            columns=curve_columns(band),
            draw=lambda metric=metric, band=band: draw_learning(table, [env], metric, band),  # type: ignore[misc]
            band=band,
        )
        for metric in table.values("metric")
        for band in BANDS
        if table.where(environment=env, metric=metric)
    ]


def statistic_figures(table: Table, scope: str, score: str) -> list[ReportFigure]:
    """Return one figure per statistic: every algorithm's estimate with its interval.

    Args:
        table: Of `rmix_kit.reports.score_tables.statistics_table`.
        scope: An environment or a comparison.
        score: What is counted, in words.
    """
    return [
        ReportFigure(
            name=f"{slug(scope)}-{name}",
            title=f"{words[0].upper()}{words[1:]} of the {score}, 95 % stratified bootstrap interval",
            table=table,
            rows={"scope": scope, "statistic": name},
            columns=("value", "low", "high"),
            draw=lambda name=name, words=words: _draw_statistic(  # type: ignore[misc]
                table.where(scope=scope, statistic=name), words
            ),
        )
        for name, words in STATISTICS.items()
        if table.where(scope=scope, statistic=name)
    ]


def _draw_statistic(rows: Sequence[Row], words: str) -> Figure:
    is_narrow = max(row["high"] for row in rows) - min(row["low"] for row in rows) < _NARROW
    return draw_intervals(_intervals(rows, "value"), x_label=words, x_range=None if is_narrow else (0.0, 1.0))


def profile_figures(table: Table, scope: str, score: str) -> list[ReportFigure]:
    """Return the performance profile of runs, and that of tasks by their mean."""
    titles = {"runs": "share of runs above a score", "tasks": "share of tasks whose mean is above a score"}
    return [
        ReportFigure(
            name=f"{slug(scope)}-profile-of-{counted}",
            title=f"Performance profile: {title}, pointwise 95 % band",
            table=table,
            rows={"scope": scope, "counted": counted},
            columns=("threshold", "share", "low", "high"),
            draw=lambda counted=counted, title=title: _draw_profile(  # type: ignore[misc]
                table.where(scope=scope, counted=counted), score, title.split(" above")[0].split(" whose")[0]
            ),
        )
        for counted, title in titles.items()
        if table.where(scope=scope, counted=counted)
    ]


def improvement_figure(table: Table, scope: str) -> ReportFigure:
    """Return the square of probabilities of improvement."""
    rows = table.where(scope=scope)
    names = table.values("algorithm", rows)
    found = {(row["algorithm"], row["against"]): row["probability"] for row in rows}
    values = [[found.get((ours, theirs), 0.5) for theirs in names] for ours in names]
    return ReportFigure(
        name=f"{slug(scope)}-improvement",
        title="How probably a run of the row's algorithm beats one of the column's",
        table=table,
        rows={"scope": scope},
        columns=("algorithm", "against", "probability"),
        draw=lambda: draw_probabilities(names, values, label="P(row better than column)"),
    )


def tail_figure(table: Table, env: str, level: float) -> ReportFigure:
    """Return the CVaR of the returns at one level, every algorithm's with its interval."""
    return ReportFigure(
        name=f"{slug(env)}-cvar-{level}",
        title=f"CVaR at {level} of the return: mean over runs, 95 % bootstrap interval",
        table=table,
        rows={"environment": env, "risk_level": level},
        columns=("return", "low", "high"),
        draw=lambda: draw_intervals(
            _intervals(table.where(environment=env, risk_level=level), "return"),
            x_label=f"CVaR at {level} of the return",
        ),
    )


def histogram_figure(table: Table, marks: Table, env: str) -> ReportFigure:
    """Return the distribution of the last checkpoints' returns."""
    names = {1.0: "mean", **{level: label_of(cvar_name(level)) for level in reversed(TAIL_LEVELS)}}
    rows = table.where(environment=env)
    marked = marks.where(environment=env)

    def draw() -> Figure:
        histograms = []
        for label in table.values("algorithm", rows):
            bins = [row for row in rows if row["algorithm"] == label]
            values = {row["risk_level"]: row["return"] for row in marked if row["algorithm"] == label}
            histograms.append(
                Histogram(
                    algorithm=algorithm_of(label),
                    label=label,
                    edges=[row["bin_low"] for row in bins] + [bins[-1]["bin_high"]],
                    shares=[row["share"] for row in bins],
                    marks={name: values[level] for level, name in names.items()},
                )
            )
        return draw_histograms(histograms, x_label="return of an episode")

    return ReportFigure(
        name=f"{slug(env)}-returns",
        title=f"Returns of the last checkpoints' episodes, pooled over runs; marks from {marks.file}",
        table=table,
        rows={"environment": env},
        columns=("bin_low", "bin_high", "share"),
        draw=draw,
    )


def catastrophe_figure(table: Table, env: str) -> ReportFigure:
    """Return how often it ends badly, every algorithm's rate with its interval."""
    (event,) = table.values("event", table.where(environment=env))
    words = "battles not won" if event == "defeat" else "episodes with a fall"
    return ReportFigure(
        name=f"{slug(env)}-{event}s",
        title=f"Share of {words}, 95 % Wilson interval of the pooled episodes",
        table=table,
        rows={"environment": env},
        columns=("rate", "low", "high"),
        draw=lambda: draw_intervals(_intervals(table.where(environment=env), "rate"), x_label=f"share of {words}"),
    )


def _curves(rows: Sequence[Row], band: Band) -> tuple[Curve, ...]:
    curves = []
    for label in dict.fromkeys(row["algorithm"] for row in rows):
        own = [row for row in rows if row["algorithm"] == label]
        if band == "std":
            middle = [row["mean"] for row in own]
            low = [row["mean"] - row["std"] for row in own]
            high = [row["mean"] + row["std"] for row in own]
        else:
            middle, low, high = ([row[name] for row in own] for name in ("median", "quartile_low", "quartile_high"))
        x = [row["env_steps"] for row in own]
        curves.append(Curve(algorithm=algorithm_of(label), label=label, x=x, middle=middle, low=low, high=high))
    return tuple(curves)


def _draw_profile(rows: Sequence[Row], score: str, y_label: str) -> Figure:
    curves = []
    for label in dict.fromkeys(row["algorithm"] for row in rows):
        own = [row for row in rows if row["algorithm"] == label]
        x, middle, low, high = ([row[name] for row in own] for name in ("threshold", "share", "low", "high"))
        curves.append(Curve(algorithm=algorithm_of(label), label=label, x=x, middle=middle, low=low, high=high))
    panel = Panel(title="", curves=tuple(curves))
    return draw_curves([panel], x_label=score, y_label=y_label, y_range=(0.0, 1.0), is_profile=True)


def _intervals(rows: Iterable[Row], value: str) -> list[Interval]:
    return [
        Interval(
            algorithm=algorithm_of(row["algorithm"]),
            label=row["algorithm"],
            value=row[value],
            low=row["low"],
            high=row["high"],
        )
        for row in rows
    ]
