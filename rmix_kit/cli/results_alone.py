"""Standard output for the result alone, whatever libraries and environments print meanwhile."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import TextIO

import click

_RESULTS = "rmix_kit.results"


@contextlib.contextmanager
def results_alone(context: click.Context, *, is_last: bool) -> Iterator[None]:
    """Send to standard error what anyone prints but `results_of`: Python, C libraries, child processes.

    Args:
        context: Of the command whose result it is.
        is_last: The process ends after it: what is printed at exit goes there as well. (Not where somebody has put
            something in the place of standard output, such as a test.)
    """
    shown: TextIO | None = sys.stdout
    is_process_own = sys.stdout is sys.__stdout__
    if shown is None or not is_process_own:
        context.meta[_RESULTS] = shown
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    shown.flush()
    elsewhere = _elsewhere()  # first: where standard error is closed the next descriptor would take its number
    results = open(os.dup(shown.fileno()), "w", encoding=shown.encoding, errors=shown.errors)  # noqa: SIM115
    os.dup2(elsewhere, shown.fileno())
    context.meta[_RESULTS] = results
    try:
        yield
    finally:
        if not is_last:
            shown.flush()
            os.dup2(results.fileno(), shown.fileno())
        with contextlib.suppress(OSError):  # a result is flushed when it is printed: what failed then was told
            results.close()


def results_of(context: click.Context | None) -> TextIO | None:
    """Return where the result of a command goes.

    Args:
        context: Of the command; None outside of any.

    Returns:
        What `results_alone` has kept for it; None where that was not asked for.
    """
    stream: TextIO | None = None if context is None else context.meta.get(_RESULTS)
    return stream


def _elsewhere() -> int:
    """Return the descriptor of standard error, or of nothing where that is closed."""
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return os.open(os.devnull, os.O_WRONLY)
