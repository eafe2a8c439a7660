"""Horizons and numbers of copies that cannot be had are refused before anything is allocated, with the number."""

from __future__ import annotations

import re

import pytest

import macn
from macn import limits, oracle
from macn.errors import ParameterError, ProblemTooLargeError


def test_an_absurd_horizon_is_refused_with_the_numbers_and_the_longest_that_is_taken() -> None:
    with pytest.raises(ProblemTooLargeError, match="max_steps is 1,000,000 with 1,444 joint states") as caught:
        oracle.solve("4x12", max_steps=1_000_000)
    found = re.search(r"max_steps of at most ([\d,]+)", str(caught.value))
    assert found is not None
    longest = int(found.group(1).replace(",", ""))
    limits.require_horizon_fits(longest, 1444, 16)
    with pytest.raises(ProblemTooLargeError):
        limits.require_horizon_fits(longest + 1, 1444, 16)


def test_an_absurd_horizon_is_refused_for_a_policy_too() -> None:
    with pytest.raises(ProblemTooLargeError, match="max_steps is 900,000"):
        oracle.evaluate(lambda time, cells: cells, "bridge", max_steps=900_000)


def test_the_default_horizon_is_taken_for_every_problem_of_the_accepted_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "machine_memory", lambda: None)
    limits.require_horizon_fits(50, 5 * 10**7 // 64, 64)


def test_a_problem_that_memory_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "machine_memory", lambda: 2**30)
    with pytest.raises(ProblemTooLargeError, match="takes about 11 GiB of memory and this machine has 1"):
        limits.require_horizon_fits(50, 5 * 10**7 // 64, 64)


def test_more_copies_than_memory_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "machine_memory", lambda: 2**30)
    with pytest.raises(
        ParameterError, match="num_envs is 16777216; .* about 16 GiB and this machine has 1; use at most"
    ):
        macn.vector_env(2**24)
    macn.vector_env(8)


def test_a_whole_float_is_a_horizon() -> None:
    assert oracle.solve("4x7", max_steps=20.0).optimal_return == -7.0  # type: ignore[arg-type]
    assert oracle.evaluate(lambda time, cells: cells * 0, "4x7", max_steps=5.0).return_mean == -5.0  # type: ignore[arg-type]
