"""What the bar shows on terminals of different widths."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from rmix_kit.training.progress_bar import RichReporter, Status

TOTAL = 400_000


def drawn(width: int) -> str:
    """The last line that the bar draws."""
    stream = io.StringIO()
    reporter = RichReporter(Console(file=stream, width=width, force_terminal=True, color_system=None))
    reporter.start(TOTAL, 0)
    for env_steps in (100_000, 123_456):
        status = {"env_steps": env_steps, "updates": 4321, "return_mean": -123.45, "success_rate": 0.5, "loss": 0.01234}
        reporter.show(Status(**status, is_evaluation=True))  # type: ignore[arg-type]
    reporter.stop()
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", stream.getvalue())
    lines = [line.rstrip() for line in re.split(r"[\r\n]+", plain) if "123,456" in line]
    return lines[-1]


@pytest.mark.parametrize("width", [70, 80, 100, 120, 160])
def test_steps_their_rate_and_the_time_left_are_always_there(width: int) -> None:
    line = drawn(width)
    assert len(line) <= width
    assert "123,456/400,000" in line
    assert re.search(r"\d steps/s", line)
    assert re.search(r"(\d+:)?\d\d:\d\d|--:--", line)
    assert "…" not in line


def test_a_wide_line_says_all_and_a_narrow_one_what_matters_most() -> None:
    wide, narrow = drawn(160), drawn(80)
    for text in ("return -123.45", "success 0.50", "updates/s", "loss 0.0123"):
        assert text in wide
    assert "loss" not in narrow
