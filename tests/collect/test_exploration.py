from __future__ import annotations

import pytest

from rmix_kit.collect import LinearSchedule

SCHEDULE = LinearSchedule(start=1.0, end=0.05, begin_steps=100, end_steps=300)


@pytest.mark.parametrize(("env_steps", "expected"), [(0, 1.0), (100, 1.0), (200, 0.525), (300, 0.05), (10_000, 0.05)])
def test_the_schedule_is_linear_between_its_ends(env_steps: int, expected: float) -> None:
    assert SCHEDULE.at(env_steps) == pytest.approx(expected)


def test_a_schedule_without_length_jumps() -> None:
    jump = LinearSchedule(start=1.0, end=0.0, begin_steps=5, end_steps=5)
    assert (jump.at(4), jump.at(5)) == (1.0, 0.0)
