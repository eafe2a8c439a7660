"""Distributions over returns, worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from macn.joint import KIND_REWARD, at_the_end, cvar_of, joint_game, mix_slips, return_grid, shifted
from macn.settings import make_settings

RETURNS = np.asarray([-4.0, -2.0, 0.0])
PROBABILITIES = np.asarray([0.2, 0.3, 0.5])


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        (0.1, -4.0),  # within the lowest atom
        (0.2, -4.0),  # exactly it
        (0.35, (0.2 * -4 + 0.15 * -2) / 0.35),  # half of the second
        (0.5, (0.2 * -4 + 0.3 * -2) / 0.5),
        (0.75, (0.2 * -4 + 0.3 * -2 + 0.25 * 0) / 0.75),  # half of the third
        (1.0, 0.2 * -4 + 0.3 * -2),
    ],
)
def test_a_partly_covered_atom_counts_in_proportion(level: float, expected: float) -> None:
    assert cvar_of(PROBABILITIES, RETURNS, level) == pytest.approx(expected, abs=1e-12)


def test_every_row_has_its_own_partly_covered_atom() -> None:
    rows = np.stack([PROBABILITIES, [0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.05, 0.0, 0.95]])
    # At level 0.1 the last row holds its 0.05 of -4 and as much of 0.
    np.testing.assert_allclose(cvar_of(rows, RETURNS, 0.1), [-4.0, 0.0, -4.0, -2.0], rtol=0, atol=1e-12)


def test_the_grid_holds_every_return_of_an_episode_and_no_more() -> None:
    # At worst two plain steps and the fall; at best all agents are at the goal after one step, or nothing happened.
    grid = return_grid(3)
    assert (grid[0], grid[-1]) == (-102.0, 0.0)
    np.testing.assert_array_equal(np.diff(grid), 0.5)


def test_a_reward_moves_a_distribution_by_its_half_units() -> None:
    grid, over = return_grid(2), at_the_end(1, len(return_grid(2)))
    assert (over @ grid).tolist() == [0.0, 0.0]
    moved = shifted(over).reshape(len(KIND_REWARD), 2, len(grid))
    assert moved.sum(-1).tolist() == [[1.0, 1.0]] * 4
    assert (moved @ grid)[:, 0].tolist() == [-1.0, -0.5, 0.0, -100.0]


def test_each_agent_slips_on_its_own() -> None:
    settings = make_settings("4x7", n_agents=2, slip=0.4)
    executed = np.zeros((1, 16, 1))
    executed[0, 4 * 1 + 2] = 1.0  # what happens if agent 0 goes down and agent 1 left
    chosen = mix_slips(executed, settings)[0, :, 0].reshape(4, 4)
    # An agent executes what it chose with 0.6 + 0.4 / 4, and each other action with 0.1.
    own, other = 0.7, 0.1
    expected = np.full((4, 4), other * other)
    expected[1, :], expected[:, 2] = own * other, own * other
    expected[1, 2] = own * own
    np.testing.assert_allclose(chosen, expected, rtol=0, atol=1e-15)


def test_agents_stand_neither_on_cliffs_nor_on_walls() -> None:
    game = joint_game(make_settings("S#.\n.CG\n...", n_agents=1))
    assert game.cells()[:, 0].tolist() == [0, 2, 3, 5, 6, 7, 8]
    assert game.n_states == 7
    assert game.start == 0
