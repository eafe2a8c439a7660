"""Exact best returns, where they are known."""

from __future__ import annotations

import pytest

from rmix_kit.reports.optimum import optimum_of, optimum_table

KNOWN = {
    "macn:4x12": -12.0,
    "macn:bridge?slip=0.1&include_position=true": -8.66,
    "didactic:two-step": 8.0,
    "didactic:climbing?noise=partial": 11.0,
    "didactic:predator-prey?punishment=-2": 40.0,
    "matrix:[[8,-12],[-12,0]]": 8.0,
}


@pytest.mark.parametrize("env", KNOWN)
def test_the_best_return_is_the_oracles_or_the_games_own(env: str) -> None:
    assert optimum_of(env) == pytest.approx(KNOWN[env], abs=0.01)


@pytest.mark.parametrize("env", ["smac:3m?backend=builtin", "macn:4x12?n_agents=9", "didactic:no-such-game"])
def test_what_cannot_be_solved_has_no_best_return(env: str) -> None:
    assert optimum_of(env) is None


def test_the_table_has_what_is_known() -> None:
    assert optimum_table(["macn:4x12", "smac:3m"]).rows == ({"environment": "macn:4x12", "optimum": -12.0},)
