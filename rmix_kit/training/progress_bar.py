"""Telling a person how training goes: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO, Protocol, TextIO, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from rmix_kit.console import LastingStream, standard_error

PLAIN_SECONDS = 10.0
WIDE, WIDE_BAR, NARROW_BAR = 110, 24, 8
"""Columns from which on the bar is long, and its length there and elsewhere."""
PERCENT_WIDTH, TIME_WIDTH = 5, 8


@dataclass(frozen=True, kw_only=True)
class Status:
    """What is shown.

    Attributes:
        env_steps: Environment steps taken.
        updates: Updates made.
        return_mean: Mean return, of the last evaluation or (before one) of collected episodes.
        success_rate: In [0, 1], of the same episodes; None where the environment does not report success.
        loss: Mean loss of the last round's updates; None before the first.
        is_evaluation: Whether an evaluation has just been made.
    """

    env_steps: int
    updates: int
    return_mean: float
    success_rate: float | None
    loss: float | None
    is_evaluation: bool = False

    @property
    def outcome(self) -> str:
        """How the episodes went, in words."""
        success = "" if self.success_rate is None else f"  success {self.success_rate:.2f}"
        return f"return {self.return_mean:.2f}{success}"


class Reporter(Protocol):
    """Where progress goes."""

    def note(self, text: str) -> None:
        """Say one line."""
        ...

    def start(self, total_steps: int, env_steps: int) -> None:
        """Begin at ``env_steps`` of ``total_steps``."""
        ...

    def show(self, status: Status) -> None:
        """Show where training stands."""
        ...

    def stop(self) -> None:
        """End the display."""
        ...


class SilentReporter:
    """Says nothing."""

    def note(self, text: str) -> None:
        """Say nothing."""

    def start(self, total_steps: int, env_steps: int) -> None:
        """Show nothing."""

    def show(self, status: Status) -> None:
        """Show nothing."""

    def stop(self) -> None:
        """Nothing is held."""


class _Rates:
    """Steps and updates a second since this process began, and the time that is left."""

    def __init__(self, total_steps: int, env_steps: int) -> None:
        self._total, self._first_steps, self._first_updates = total_steps, env_steps, -1
        self._start = time.monotonic()

    def of(self, status: Status) -> tuple[float, float, float]:
        if self._first_updates < 0:
            self._first_updates = status.updates
        seconds = max(time.monotonic() - self._start, 1e-9)
        steps = (status.env_steps - self._first_steps) / seconds
        updates = (status.updates - self._first_updates) / seconds
        return steps, updates, max(self._total - status.env_steps, 0) / steps if steps > 0 else 0.0


class PlainReporter:
    """One line for every evaluation, and one every ten seconds."""

    def __init__(self, stream: TextIO | None = None) -> None:
        """Write to a stream; standard error if None."""
        self._stream = standard_error() if stream is None else LastingStream(stream)
        self._rates = _Rates(0, 0)
        self._total = 0
        self._last = 0.0

    def note(self, text: str) -> None:
        """Write the line."""
        self._stream.write(text + "\n")
        self._stream.flush()

    def start(self, total_steps: int, env_steps: int) -> None:
        """Remember where it begins."""
        self._total, self._rates, self._last = total_steps, _Rates(total_steps, env_steps), time.monotonic()

    def show(self, status: Status) -> None:
        """Write a line if one is due."""
        steps, updates, left = self._rates.of(status)
        if not status.is_evaluation and time.monotonic() - self._last < PLAIN_SECONDS:
            return
        self._last = time.monotonic()
        loss = "" if status.loss is None else f"  loss {status.loss:.4g}"
        word = "evaluation" if status.is_evaluation else "training"
        self.note(
            f"{status.env_steps}/{self._total}  {word}: {status.outcome}{loss}  "
            f"{steps:.0f} steps/s  {updates:.1f} updates/s  {left:.0f} s left"
        )

    def stop(self) -> None:
        """Nothing is held."""


class RichReporter:
    """A bar with steps, their rate and the time left, and as much of how training goes as the line still holds."""

    def __init__(self, console: Console) -> None:
        """Draw on a console."""
        self._console = console
        self._rates, self._total = _Rates(0, 0), 0
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._shown: Status | None = None

    def note(self, text: str) -> None:
        """Print the line above the bar."""
        self._console.print(text, markup=False, highlight=False)

    def start(self, total_steps: int, env_steps: int) -> None:
        """Begin to draw."""
        self._rates, self._total = _Rates(total_steps, env_steps), total_steps
        columns = (
            TextColumn("{task.percentage:>3.0f} %", table_column=Column(no_wrap=True)),
            BarColumn(bar_width=self._bar_width),
            TextColumn("{task.fields[steps]}", table_column=Column(no_wrap=True)),
            TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True, min_width=TIME_WIDTH)),
            TextColumn("{task.fields[text]}", table_column=Column(no_wrap=True)),
        )
        self._bar = Progress(*columns, console=self._console)
        steps = f"{env_steps:,}/{total_steps:,}"
        self._task = self._bar.add_task("training", total=total_steps, completed=env_steps, steps=steps, text="")
        self._bar.start()

    def show(self, status: Status) -> None:
        """Move the bar; return and success stay those of the last evaluation once there is one."""
        if self._bar is None:
            return
        steps, updates, _ = self._rates.of(status)
        if status.is_evaluation or self._shown is None:
            self._shown = status
        moved = f"{status.env_steps:,}/{self._total:,}  {steps:,.0f} steps/s"
        loss = [] if status.loss is None else [f"loss {status.loss:.3g}"]
        taken = PERCENT_WIDTH + self._bar_width + len(moved) + TIME_WIDTH + 4  # a space after each
        text = _fitting((self._shown.outcome, f"{updates:.1f} updates/s", *loss), self._console.width - taken)
        self._bar.update(self._task, completed=status.env_steps, steps=moved, text=text)

    @property
    def _bar_width(self) -> int:
        return WIDE_BAR if self._console.width >= WIDE else NARROW_BAR

    def stop(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.stop()


def _fitting(parts: Iterable[str], width: int) -> str:
    """Join the first parts that a width holds, two spaces apart."""
    text = ""
    for part in parts:
        longer = f"{text}  {part}" if text else part
        if len(longer) > width:
            break
        text = longer
    return text


def make_reporter() -> Reporter:
    """Return a bar where standard error is a terminal that can draw one, and plain lines otherwise."""
    console = Console(file=cast(IO[str], standard_error()))
    return RichReporter(console) if console.is_terminal and not console.is_dumb_terminal else PlainReporter()
