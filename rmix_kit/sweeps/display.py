"""Telling a person how a sweep goes: a live table on a terminal, a line per event elsewhere."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import IO, Protocol, TextIO, cast

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from rmix_kit.console import LastingStream, standard_error
from rmix_kit.sweeps.progress import State
from rmix_kit.sweeps.status import RunStatus

_ORDER: tuple[State, ...] = ("running", "failed", "to resume", "new", "finished")
_STYLES = {"running": "cyan", "failed": "red", "finished": "green"}
_OTHER_LINES = 8  # of a terminal: the table's frame, the counts, the prompt


class Display(Protocol):
    """Where news goes."""

    def show(self, runs: Collection[RunStatus]) -> None:
        """Show where all runs stand."""
        ...

    def news(self, status: RunStatus, runs: Collection[RunStatus]) -> None:
        """Say that a run has changed its state."""
        ...

    def stop(self) -> None:
        """End the display."""
        ...


class PlainDisplay:
    """One line whenever a run begins or ends."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to a stream; standard error if None."""
        self._stream = standard_error() if stream is None else LastingStream(stream)

    def show(self, runs: Collection[RunStatus]) -> None:
        """Show nothing between events."""

    def news(self, status: RunStatus, runs: Collection[RunStatus]) -> None:
        """Write the line."""
        done = sum(other.state == "finished" for other in runs)
        self._stream.write(f"[{done}/{len(runs)}] {news_of(status)}\n")
        self._stream.flush()

    def stop(self) -> None:
        """Nothing is held."""


class LiveDisplay:
    """A table that is drawn anew in place; runs that need eyes come first where not all fit."""

    def __init__(self, console: Console) -> None:
        """Draw on a console."""
        self._console, self._live = console, Live(console=console, auto_refresh=False)
        self._live.start()

    def show(self, runs: Collection[RunStatus]) -> None:
        """Draw the table."""
        room = max(3, self._console.height - _OTHER_LINES)
        shown = sorted(runs, key=lambda status: _ORDER.index(status.state))[:room]
        counts = Text(counts_of(runs) + (f"; {len(runs) - len(shown)} more" if len(shown) < len(runs) else ""))
        self._live.update(Group(table_of(shown), counts), refresh=True)

    def news(self, status: RunStatus, runs: Collection[RunStatus]) -> None:
        """Say above the table what went wrong; the rest is in it."""
        if status.error:
            self._console.print(news_of(status), markup=False, highlight=False)
        self.show(runs)

    def stop(self) -> None:
        """Leave the table as it is."""
        self._live.stop()


def make_display() -> Display:
    """Return a table where standard error is a terminal that can draw one, and plain lines otherwise."""
    console = Console(file=cast(IO[str], standard_error()))
    return LiveDisplay(console) if console.is_terminal and not console.is_dumb_terminal else PlainDisplay()


def counts_of(runs: Iterable[RunStatus]) -> str:
    """Return how many runs are in which state."""
    counts = Counter(status.state for status in runs)
    return ", ".join(f"{counts[state]} {state}" for state in _ORDER if counts[state])


def news_of(status: RunStatus) -> str:
    """Say in one line where a run stands."""
    numbers = "" if status.return_mean is None else f": return {status.return_mean:.2f}{_success(status)}"
    if status.state == "running":
        return f"{status.name} is running{f', attempt {status.attempts}' if status.attempts > 1 else ''}"
    if status.error and status.state != "finished":
        verdict = "failed" if status.state == "failed" else "will be tried again"
        return f"{status.name} {verdict} (attempt {status.attempts}: {status.error})"
    return f"{status.name} is {status.state}{numbers}"


def table_of(runs: Iterable[RunStatus]) -> Table:
    """Return a table with a row for each run."""
    shown = tuple(runs)
    has_success = shows_success(shown)
    table = Table()
    table.add_column("run", overflow="fold")
    table.add_column("state")
    for name in ("steps", "return", *(("success",) if has_success else ()), "left", "attempts"):
        table.add_column(name, justify="right")
    for status in shown:
        success = "" if status.success_rate is None else f"{100 * status.success_rate:.0f} %"
        table.add_row(
            Text(status.name),
            Text(status.state, style=_STYLES.get(status.state, "")),
            f"{status.env_steps}/{status.steps}",
            "" if status.return_mean is None else f"{status.return_mean:.2f}",
            *((success,) if has_success else ()),
            "" if status.eta_seconds is None or status.state != "running" else f"{status.eta_seconds / 60:.1f} min",
            str(status.attempts or ""),
        )
    return table


def shows_success(runs: Iterable[RunStatus]) -> bool:
    """Return whether a table needs a column for success: unless runs were evaluated and none was told of any."""
    evaluated = [run for run in runs if run.return_mean is not None]
    return not evaluated or any(run.success_rate is not None for run in evaluated)


def _success(status: RunStatus) -> str:
    return "" if status.success_rate is None else f", success {100 * status.success_rate:.0f} %"
