"""What of a table a page shows, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from rmix_kit.episodes import can_fall
from rmix_kit.metrics import FALLS, LENGTH, RETURN, SUCCESS, TAIL_LEVELS, cvar_name, is_share, label_of
from rmix_kit.plotting.style import rank_of
from rmix_kit.reports.run_tables import NOT_RUN
from rmix_kit.reports.score_tables import STATISTICS
from rmix_kit.reports.table import Row, Table
from rmix_kit.reports.verdicts import behind, interval, shown

NOTHING = "–"
DISTANCE = "mean below the exact optimum"
_ENDS = (SUCCESS, RETURN, *map(cvar_name, reversed(TAIL_LEVELS)), FALLS, LENGTH)
Writer: TypeAlias = Callable[[Row], str]


@dataclass(frozen=True, kw_only=True)
class View:
    """A table of a page.

    Attributes:
        title: Above it.
        table: Whose rows it shows.
        head: Column titles.
        rows: Cells.
        note: Below it; empty for none.
    """

    title: str
    table: Table
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def number(name: str, digits: int = 4) -> Writer:
    """Write a column's number with some digits that count."""

    def write(row: Row) -> str:
        value = row[name]
        if value is None:
            return NOTHING
        if isinstance(value, int) or abs(value) >= 10 ** (digits - 1):
            return f"{value:,.0f}"
        return f"{value:.{digits}g}"

    return write


def text(name: str) -> Writer:
    """Write a column as it is."""
    return lambda row: str(row[name]) if row[name] not in (None, "") else NOTHING


def share(name: str) -> Writer:
    """Write a share in percent."""
    return lambda row: NOTHING if row[name] is None else f"{100 * row[name]:.1f} %"


def distance(row: Row) -> str:
    """Write how far a mean return is below the exact optimum."""
    return NOTHING if row["distance"] is None else f"{round(row['distance'], 2) + 0.0:.2f}"  # no minus before a zero


def ends_in_percent(row: Row) -> str:
    """Write the ends of a share's interval."""
    return f"{100 * row['low']:.1f} to {100 * row['high']:.1f} %"


def with_interval(value: str) -> Writer:
    """Write an estimate with its interval."""
    return lambda row: f"{row[value]:.3f} {_interval(row, 3)}"


def view(title: str, table: Table, rows: Iterable[Row], columns: Sequence[tuple[str, Writer]], note: str = "") -> View:
    """Show rows of a table.

    Args:
        table: Whose rows.
        columns: Titles with what writes the cells.
        note: Below it.
    """
    return View(
        title=title,
        table=table,
        head=tuple(name for name, _ in columns),
        rows=tuple(tuple(write(row) for _, write in columns) for row in rows),
        note=note,
    )


def verdict_view(table: Table) -> View:
    """Show how far every algorithm is behind the best, with intervals."""
    columns = [
        ("algorithm", text("algorithm")),
        ("on", text("scope")),
        ("of", text("measure")),
        ("mean", lambda row: f"{shown(row)} {interval(row)}"),
        ("behind the best by", lambda row: behind(row) if row["behind"] else NOTHING),
        ("exact optimum", number("optimum")),
    ]
    note = (
        "In brackets: 95 % bootstrap intervals (percentile) over runs; with few runs they are too short. Best is who is"
    )
    note += " ahead of everyone with an interval of the difference above 0."
    return view("Everyone behind the best", table, table.rows, columns, note)


def cell_view(table: Table) -> View:
    """Show which runs there are: algorithms down, environments across."""
    envs, algorithms = table.values("environment"), sorted(table.values("algorithm"), key=rank_of)
    states = {(row["algorithm"], row["environment"]): row["state"] for row in table.rows}
    mixed = [f"{row['algorithm']} on {row['environment']}: {row['mixed']}" for row in table.rows if row["mixed"]]
    return View(
        title="Finished runs",
        table=table,
        head=("algorithm", *envs),
        rows=tuple((name, *(states.get((name, env), NOTHING) for env in envs)) for name in algorithms),
        note=f"{NOTHING}: not planned." + (f" Mixed, as asked: {'. '.join(mixed)}." if mixed else ""),
    )


def statistics_view(table: Table, scope: str) -> View:
    """Show every statistic of a scope: algorithms down, statistics across."""
    rows = table.where(scope=scope)
    shown = []
    for label in table.values("algorithm", rows):
        own = {row["statistic"]: row for row in rows if row["algorithm"] == label}
        runs = next(iter(own.values()))["runs"]
        shown.append((label, str(runs), *(with_interval("value")(own[name]) for name in STATISTICS)))
    return View(
        title="Statistics",
        table=table,
        head=("algorithm", "runs", *(words for words in STATISTICS.values())),
        rows=tuple(shown),
        note="In brackets: 95 % stratified bootstrap intervals (percentile).",
    )


def threshold_view(table: Table, env: str) -> View:
    """Show when success rates were first reached."""
    columns = [
        ("algorithm", text("algorithm")),
        ("success rate", number("threshold")),
        ("reached by", lambda row: f"{row['reached']} of {row['runs']}"),
        ("environment steps, median", number("env_steps_median")),
        ("least", number("env_steps_min")),
        ("most", number("env_steps_max")),
        ("wall seconds, median", number("wall_seconds_median")),
    ]
    note = "First evaluation at or above the rate; medians over the runs that reached it."
    return view("Steps and time to success", table, table.where(environment=env), columns, note)


def tail_view(table: Table, env: str) -> View:
    """Show mean and CVaR of the returns: algorithms down, levels across."""
    rows = table.where(environment=env)
    levels = table.values("risk_level", rows)
    found = {(row["algorithm"], row["risk_level"]): row for row in rows}
    is_measured = any(row["distance"] is not None for row in rows)
    return View(
        title="Mean and tail of the returns",
        table=table,
        head=(
            "algorithm",
            *("mean" if level == 1.0 else f"CVaR {level}" for level in levels),
            *([DISTANCE] if is_measured else []),
        ),
        rows=tuple(
            (
                name,
                *(_return(found[name, level]) for level in levels),
                *([distance(found[name, 1.0])] if is_measured else []),
            )
            for name in table.values("algorithm", rows)
        ),
        note="Mean over runs of each run's value; in brackets 95 % bootstrap intervals over runs.",
    )


def catastrophe_view(table: Table, env: str) -> View:
    """Show how often it ends badly."""
    rows = table.where(environment=env)
    is_defeat = rows[0]["event"] == "defeat"
    columns = [
        ("algorithm", text("algorithm")),
        ("times", number("times")),
        ("episodes", number("episodes")),
        ("rate", share("rate")),
        ("95 % Wilson interval", ends_in_percent),
    ]
    note = "A defeat is any battle that is not won, those that the clock ends among them. " if is_defeat else ""
    note += "Episodes are pooled over runs: the interval is about these runs and not about new ones."
    return view("Defeats" if is_defeat else "Falls", table, rows, columns, note)


def forecast_view(table: Table, env: str) -> View:
    """Show how far predicted return distributions were right."""
    columns = [
        ("algorithm", text("algorithm")),
        ("measured in", text("source")),
        ("risk level", lambda row: "its own" if row["risk_level"] is None else f"{row['risk_level']:g}"),
        ("episodes", number("episodes")),
        ("bias", number("bias", 3)),
        ("spread of a forecast", number("spread", 3)),
        ("spread of the returns", number("return_spread", 3)),
        ("pinball loss", number("pinball", 3)),
        ("of a constant forecast", number("pinball_constant", 3)),
        ("saved", share("skill")),
        ("PIT from uniform", number("pit_distance", 2)),
    ]
    note = (
        "Of every step of greedy episodes, discounted, in reward units. Bias: mean forecast less mean return. Returns"
    )
    note += " spread by state and by luck, a right forecast by luck alone. PIT: 0 is right, 1 is as wrong as can be."
    return view("Are the forecasts right?", table, table.where(env=env), columns, note)


def line_view(table: Table, env: str) -> View:
    """Show what scripts win."""
    earned = {row["script"]: row["value"] for row in table.where(environment=env, metric=RETURN)}
    columns = [
        ("script", text("script")),
        ("won", share("value")),
        ("95 % Wilson interval", ends_in_percent),
        ("return", lambda row: f"{earned[row['script']]:.4g}"),
        ("battles", number("episodes")),
    ]
    rows = table.where(environment=env, metric=SUCCESS)
    note = "Plans of a few lines (rmix_kit.envs.smac.scripts) that see all units; dotted in the curves."
    return view("What scripts win", table, rows, columns, note)


def improvement_view(table: Table, scope: str) -> View:
    """Show probabilities of improvement of at least one half, the largest first; the others are their complements."""
    columns = [
        ("algorithm", text("algorithm")),
        ("against", text("against")),
        ("probability", with_interval("probability")),
    ]
    rows = sorted(table.where(scope=scope), key=lambda row: (-row["probability"], row["algorithm"]))
    return view("Probability of improvement", table, [row for row in rows if row["probability"] >= 0.5], columns)


def memory_view(table: Table) -> View:
    """Show memory and time."""
    columns = [
        ("environment", text("environment")),
        ("algorithm", text("algorithm")),
        ("runs", number("runs")),
        ("replay, MiB", number("replay_mebibytes")),
        ("process at its peak, MiB", number("peak_mebibytes")),
        ("wall seconds, median", number("wall_seconds_median")),
        ("CPU seconds, median", number("cpu_seconds_median")),
    ]
    return view("Memory and time of training", table, table.rows, columns, "Memory: the most of any finished run.")


def replay_view(table: Table) -> View:
    """Show the paper's Table 3 beside ours."""
    columns = [
        ("map", text("map")),
        ("paper, Table 3", number("paper_gb", 3)),
        ("ours as received, at most", number("as_received_gb", 3)),
        ("ours in unit states, at most", number("unit_states_gb", 3)),
        ("held by runs here", lambda row: NOT_RUN if row["measured_gb"] is None else number("measured_gb", 3)(row)),
    ]
    note = (
        "GB (10^9 bytes) of 5,000 episodes. At most: every episode at its time limit. As received: float32 "
        "observations and states, as StarCraft II gives them; unit states: the built-in simulator's."
    )
    return view("Replay memory beside the RMIX paper's Table 3", table, table.rows, columns, note)


def final_view(table: Table, env: str) -> View:
    """Show how every run ended."""
    rows = table.where(environment=env)
    is_told = {
        SUCCESS: any(row[SUCCESS] is not None for row in rows),
        FALLS: can_fall(env, (row[FALLS] for row in rows)),
    }
    columns = [
        ("algorithm", text("algorithm")),
        ("seed", text("seed")),
        ("episodes of", text("checkpoint")),
        ("at step", number("checkpoint_step")),
        ("episodes", number("episodes")),
        *([(DISTANCE, distance)] if any(row["distance"] is not None for row in rows) else []),
        *(
            (label_of(name), share(name) if is_share(name) else number(name))
            for name in _ENDS
            if is_told.get(name, True)
        ),
    ]
    return view("Every run", table, rows, columns)


def run_view(table: Table) -> View:
    """Show what each run was."""
    plain = ("name", "algorithm", "preset", "environment", "seed", "state")
    later = ("overrides", "rmix_kit", "commit", "torch", "device", "starcraft", "command")
    titles = {"rmix_kit": "rmix-kit", "starcraft": "StarCraft and other facts"}
    columns = [
        *((name, text(name)) for name in plain),
        ("steps", number("env_steps")),
        *((titles.get(name, name), text(name)) for name in later),
    ]
    note = "A plus behind a commit: its files had been changed. More columns are in the CSV file."
    return view("What each run was", table, table.rows, columns, note)


def _return(row: Row) -> str:
    return f"{row['return']:.2f} {_interval(row, 2)}"


def _interval(row: Row, digits: int) -> str:
    """Write a bootstrap interval over runs; there is nothing to draw from where each task has one."""
    tasks = row.get("tasks", 1)
    if row.get("runs") == tasks:
        return "(one run)" if tasks == 1 else "(one run a task)"
    return f"({row['low']:.{digits}f} to {row['high']:.{digits}f})"
