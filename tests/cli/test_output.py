"""What tables show of played episodes."""

from __future__ import annotations

import pytest

from rmix_kit.cli.output import NO_SUCCESS, print_episodes, print_rows

RECORD = {"return_mean": -3.0, "success_rate": None, "fall_rate": 0.0, "episodes": 4}


def shown(capsys: pytest.CaptureFixture[str], env: str, **changes: float) -> str:
    print_episodes("vdn", env, RECORD | changes)
    return capsys.readouterr().out


def test_where_success_is_not_reported_the_table_says_so_and_shows_no_rate(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "matrix:[[1,0],[0,2]]")
    assert "mean return" in text
    assert NO_SUCCESS in text
    assert "%" not in text


def test_a_rate_that_is_known_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, "matrix:[[1,0],[0,2]]", success_rate=0.25, fall_rate=0.5)
    assert "25.0 %" in text
    assert "50.0 %" in text
    assert NO_SUCCESS not in text


def test_falls_belong_to_the_cliff_game(capsys: pytest.CaptureFixture[str]) -> None:
    assert "falls" in shown(capsys, "macn:4x7")


def test_a_strangers_words_in_a_table_cannot_write_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows("", [("reason", "\x1b[31mred\x1b]0;title\x07")])
    shown = capsys.readouterr().out
    assert "?[31mred" in shown
    assert "\x1b" not in shown
