from __future__ import annotations

import io

from rich.console import Console

from rmix_kit.sweeps.display import LiveDisplay, PlainDisplay, news_of, shows_success, table_of
from rmix_kit.sweeps.status import RunStatus


def status(**values: object) -> RunStatus:
    known = {"name": "vdn_a_seed-0", "algo": "vdn", "env": "a", "seed": 0, "state": "running", "steps": 100}
    return RunStatus(**{**known, "folder": "", "log": "", "command": "", **values})  # type: ignore[arg-type]


def test_plain_display_writes_a_line_per_event() -> None:
    stream = io.StringIO()
    run = status(state="finished", return_mean=-7.0, success_rate=1.0)
    PlainDisplay(stream).news(run, [run, status(name="b")])
    assert stream.getvalue() == "[1/2] vdn_a_seed-0 is finished: return -7.00, success 100 %\n"


def test_failure_is_told_with_its_reason() -> None:
    assert news_of(status(state="failed", attempts=3, error="exit code 1: no")) == (
        "vdn_a_seed-0 failed (attempt 3: exit code 1: no)"
    )


def test_live_table_shows_running_runs_where_not_all_fit() -> None:
    stream = io.StringIO()
    display = LiveDisplay(Console(file=stream, force_terminal=True, width=100, height=12))
    display.show([*(status(name=f"done-{n}", state="finished") for n in range(20)), status(name="busy")])
    display.stop()
    assert "busy" in stream.getvalue()
    assert "17 more" in stream.getvalue()


def test_a_table_of_runs_that_say_nothing_of_success_has_no_column_for_it() -> None:
    silent, told, new = status(return_mean=1.0), status(return_mean=1.0, success_rate=0.0), status()
    assert [shows_success(runs) for runs in ([silent, new], [silent, told], [new])] == [False, True, True]
    assert "success" not in [column.header for column in table_of([silent, new]).columns]
    assert "success" in [column.header for column in table_of([silent, told]).columns]
    assert news_of(status(state="finished", return_mean=1.0)) == "vdn_a_seed-0 is finished: return 1.00"
