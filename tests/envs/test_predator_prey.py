"""Predator-prey's rules, in situations built by hand."""

from __future__ import annotations

import time

import numpy as np
import pytest

from rmix_kit.envs.didactic.draws import stream_keys
from rmix_kit.envs.didactic.predator_prey import CATCH, STAY, Hunt, PredatorPrey, cell, hunt
from rmix_kit.envs.make import make_vector_env

RIGHT, DOWN, LEFT, UP = range(4)
GAME = PredatorPrey(punishment=-1.5)
SEEDS = range(8)  # every situation is played under eight orders of events
# Out of everyone's reach: the two bottom rows, predators and prey apart.
FAR_PREDATORS = [(9, column) for column in range(8)]
FAR_PREY = [(7, column) for column in range(8)]


def situation(predators: list[tuple[int, int]], prey: list[tuple[int, int]]) -> Hunt:
    """The first predators and prey as given; the rest of both is gone."""
    places = [*predators, *FAR_PREDATORS[len(predators) :]], [*prey, *FAR_PREY[len(prey) :]]
    cells = [np.tile([cell(*place) for place in group], (len(SEEDS), 1)) for group in places]
    full = hunt(*cells)
    copy = Hunt(*(part.copy() for part in full))  # type: ignore[arg-type]
    copy.is_hunting[:, len(predators) :] = False
    copy.is_alive[:, len(prey) :] = False
    for gone in (cells[0][:, len(predators) :], cells[1][:, len(prey) :]):
        copy.cells[np.arange(len(SEEDS))[:, None], gone] = 0
    return copy


def play(state: Hunt, *actions: int, game: PredatorPrey = GAME) -> tuple[Hunt, list[float], list[bool]]:
    """One step in which the first predators act as given."""
    chosen = np.tile([*actions, *[STAY] * (8 - len(actions))], (len(SEEDS), 1))
    after, reward, has_ended = game.advance(state, chosen, stream_keys(SEEDS), np.ones(len(SEEDS), dtype=np.int64))
    return after, reward.tolist(), has_ended.tolist()


def every(value: float) -> list[float]:
    return [value] * len(SEEDS)


def test_two_catch_what_is_beside_both_and_leave_with_it() -> None:
    after, reward, _ = play(situation([(4, 4), (5, 5), (0, 0)], [(4, 5), (0, 9)]), CATCH, CATCH)
    assert reward == every(10)
    assert after.is_alive[:, :2].tolist() == [[False, True]] * len(SEEDS)
    assert after.is_hunting[:, :3].tolist() == [[False, False, True]] * len(SEEDS)
    assert (after.cells[:, [cell(4, 4), cell(5, 5), cell(4, 5)]] == 0).all()


def test_one_alone_is_punished_and_the_prey_walks_away() -> None:
    after, reward, _ = play(situation([(4, 4), (5, 5)], [(4, 5)]), CATCH, STAY)
    assert reward == every(-1.5)
    assert after.is_alive[:, 0].all()
    assert after.is_hunting[:, :2].all()
    assert (after.prey[:, 0] != cell(4, 5)).all()


def test_catching_beside_nothing_does_nothing() -> None:
    _, reward, _ = play(situation([(0, 0)], [(4, 5)]), CATCH)
    assert reward == every(0)


def test_diagonals_do_not_count() -> None:
    _, reward, _ = play(situation([(3, 4), (4, 4)], [(4, 5)]), CATCH, CATCH)
    assert reward == every(-1.5)


def test_the_grid_has_edges_and_does_not_wrap() -> None:
    _, reward, _ = play(situation([(4, 0), (5, 9)], [(4, 9)]), CATCH, CATCH)
    assert reward == every(-1.5)


def test_all_that_catch_one_prey_are_used_up() -> None:
    after, reward, has_ended = play(situation([(4, 4), (5, 5), (3, 5)], [(4, 5), (0, 0)]), CATCH, CATCH, CATCH)
    assert reward == every(10)
    assert not after.is_hunting.any()
    assert all(has_ended)


def test_one_beside_two_prey_is_punished_for_each() -> None:
    # The prey at (4, 3) and (4, 5) have the predator at (4, 4) between them.
    _, reward, _ = play(situation([(4, 4)], [(4, 3), (4, 5)]), CATCH)
    assert reward == every(-3)


def test_who_was_used_up_catches_nothing_else_in_that_step() -> None:
    _, reward, _ = play(situation([(4, 4), (4, 6)], [(4, 5), (3, 4)]), CATCH, CATCH)
    # Either the pair's prey comes first (10), or the other one, which the first predator tries alone (10 - 1.5).
    assert set(reward) == {10, 8.5}


def test_the_last_prey_ends_the_task() -> None:
    _, _, has_ended = play(situation([(4, 4), (5, 5), (0, 0)], [(4, 5)]), CATCH, CATCH)
    assert all(has_ended)


def test_predators_move_into_free_cells_only() -> None:
    after, _, _ = play(situation([(4, 4), (4, 5), (0, 0), (8, 8)], [(0, 9)]), RIGHT, STAY, UP, DOWN)
    assert (after.predators[:, :4] == [cell(4, 4), cell(4, 5), cell(0, 0), cell(9, 8)]).all()


def test_two_predators_cannot_enter_one_cell() -> None:
    after, _, _ = play(situation([(4, 4), (4, 6)], [(0, 9)]), RIGHT, LEFT)
    first = after.predators[:, 0] == cell(4, 5)
    assert np.array_equal(first, after.predators[:, 1] != cell(4, 5))
    assert set(first.tolist()) == {True, False}  # the order is drawn


def test_predators_move_before_the_prey() -> None:
    # The first predator walks beside the prey, and the prey can no longer leave its corner.
    after, _, _ = play(situation([(0, 2), (1, 0)], [(0, 0)]), LEFT, STAY)
    assert (after.prey[:, 0] == cell(0, 0)).all()


def test_prey_with_one_way_out_takes_it() -> None:
    after, _, _ = play(situation([(1, 0)], [(0, 0)]), STAY)
    assert (after.prey[:, 0] == cell(0, 1)).all()


def test_prey_goes_every_way_alike_often() -> None:
    count = 4000
    places = [np.tile([cell(*place) for place in group], (count, 1)) for group in (FAR_PREDATORS, [(4, 4)] * 8)]
    state = hunt(places[0], places[1])
    state.is_alive[:, 1:] = False
    after, _, _ = GAME.advance(
        state, np.full((count, 8), STAY), stream_keys(range(count)), np.ones(count, dtype=np.int64)
    )
    ways = [cell(4, 5), cell(5, 4), cell(4, 3), cell(3, 4)]
    shares = [np.mean(after.prey[:, 0] == way) for way in ways]
    assert sum(shares) == 1
    # Four standard deviations of a share of one quarter.
    assert np.abs(np.asarray(shares) - 0.25).max() < 4 * np.sqrt(0.25 * 0.75 / count)


def test_masks_forbid_the_edge_and_catching_where_there_is_no_prey() -> None:
    view = GAME.view(situation([(0, 0), (4, 4), (9, 9)], [(4, 5), (0, 1)]))
    names = ["RIGHT", "DOWN", "LEFT", "UP", "STAY", "CATCH"]
    allowed = [
        [name for name, is_allowed in zip(names, row, strict=True) if is_allowed] for row in view.avail_actions[0]
    ]
    assert allowed[0] == ["RIGHT", "DOWN", "STAY", "CATCH"]  # a cell that holds prey blocks the way, not the choice
    assert allowed[1] == names
    assert allowed[2] == ["LEFT", "UP", "STAY"]
    assert allowed[3] == ["STAY"]  # removed


def test_the_window_shows_predators_and_prey_around_the_predator() -> None:
    view = GAME.view(situation([(4, 4), (3, 6), (4, 7)], [(5, 4), (2, 2)]))
    own = view.obs[0, 0]  # [row, column, channel]
    assert own.shape == (5, 5, 2)
    assert np.argwhere(own[..., 0]).tolist() == [[1, 4], [2, 2]]  # its own cell among them; (4, 7) is too far
    assert np.argwhere(own[..., 1]).tolist() == [[0, 0], [3, 2]]


def test_a_window_beyond_the_edge_is_empty_there() -> None:
    own = GAME.view(situation([(0, 0), (9, 9)], [(0, 1)])).obs[0, 0]
    assert np.argwhere(own).tolist() == [[2, 2, 0], [2, 3, 1]]


def test_who_was_removed_sees_nothing_and_is_not_seen() -> None:
    after, _, _ = play(situation([(4, 4), (5, 5), (4, 3)], [(4, 5), (0, 9)]), CATCH, CATCH)
    view = GAME.view(after)
    assert not view.obs[:, :2].any()
    assert view.obs[:, 2, :, :, 0].sum(axis=(1, 2)).tolist() == every(1)


def test_the_state_is_the_whole_grid() -> None:
    view = GAME.view(situation([(0, 1), (9, 9)], [(4, 5)]))
    grid = view.state[0].reshape(10, 10, 2)
    assert np.argwhere(grid).tolist() == [[0, 1, 0], [4, 5, 1], [9, 9, 0]]


def test_four_captures_by_two_each_are_forty_and_a_success() -> None:
    state = hunt(*_four_pairs())
    after, reward, has_ended = play(state, *[CATCH] * 8)
    assert reward == every(40)
    assert all(has_ended)
    assert GAME.view(after).success.all()
    assert GAME.best_return == 40


def test_three_captures_are_no_success() -> None:
    after, reward, has_ended = play(hunt(*_four_pairs()), *[CATCH] * 6)
    assert reward == every(30)
    assert not any(has_ended)
    assert not GAME.view(after).success.any()


def _four_pairs() -> tuple[np.ndarray, np.ndarray]:
    """Four prey, each between two predators, and four prey far away."""
    predators = [(row, column) for row in (0, 2, 4, 6) for column in (0, 2)]
    prey = [(row, 1) for row in (0, 2, 4, 6)] + [(9, column) for column in range(6, 10)]
    first, second = (np.tile([cell(*place) for place in group], (len(SEEDS), 1)) for group in (predators, prey))
    return first, second


def test_everyone_starts_on_a_cell_of_their_own() -> None:
    state = GAME.start(stream_keys(range(200)))
    places = np.concatenate([state.predators, state.prey], axis=1)
    assert all(len(set(row)) == 16 for row in places.tolist())
    assert len(set(places.reshape(-1).tolist())) == 100  # and every cell is somebody's start


@pytest.mark.parametrize("punishment", [0, -2])
def test_thirty_two_copies_play_two_hundred_steps_soundly_and_soon(punishment: int) -> None:
    envs, rng = make_vector_env(f"didactic:predator-prey?punishment={punishment}", 32), np.random.default_rng(0)
    step = envs.reset(range(32))
    began = time.process_time()
    total = np.zeros(32)
    for _ in range(200):
        assert not (step.terminated | step.truncated).any()
        # Every predator and every prey is on exactly one cell.
        grid = step.state.reshape(32, 100, 2)
        assert grid.sum(-1).max() == 1
        step = envs.step((rng.random(step.avail_actions.shape) * step.avail_actions).argmax(-1))
        total += step.reward
    assert time.process_time() - began < 3  # 0.3 s on an idle core
    assert step.truncated.all()
    assert total.max() <= 40
