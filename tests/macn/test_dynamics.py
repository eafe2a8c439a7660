from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from macn import counter_hash, dynamics
from macn.settings import CELL_CODES, SEEN_CELLS, make_settings

SETTINGS = make_settings("4x12", n_agents=2)
TABLES = dynamics.build_tables(SETTINGS)
UP, DOWN, LEFT, RIGHT = range(4)


def cell(row: int, column: int) -> int:
    return row * 12 + column


@pytest.mark.parametrize(
    ("cells", "expected", "is_over"),
    [
        ((cell(3, 0), cell(3, 0)), -1.0, False),
        ((cell(3, 11), cell(2, 11)), -0.5, False),
        ((cell(3, 11), cell(3, 11)), 0.0, True),
        ((cell(3, 4), cell(0, 0)), -100.0, True),
        ((cell(3, 11), cell(3, 4)), -100.0, True),
        ((cell(3, 4), cell(3, 5)), -100.0, True),
    ],
)
def test_the_reward_follows_the_documented_order(cells: tuple[int, int], expected: float, is_over: bool) -> None:
    batch = np.asarray([cells])
    assert dynamics.reward(TABLES, batch).tolist() == [expected]
    assert dynamics.terminated(TABLES, batch).tolist() == [is_over]


@pytest.mark.parametrize(
    ("cells", "is_solved", "falls"),
    [
        ((cell(3, 0), cell(3, 11)), False, [False, False]),
        ((cell(3, 11), cell(3, 11)), True, [False, False]),
        ((cell(3, 11), cell(3, 4)), False, [False, True]),
        ((cell(3, 4), cell(3, 5)), False, [True, True]),
    ],
)
def test_success_is_all_agents_at_the_goal_and_a_fall_is_each_agents_own(
    cells: tuple[int, int], is_solved: bool, falls: list[bool]
) -> None:
    batch = np.asarray([cells])
    assert dynamics.success(TABLES, batch).tolist() == [is_solved]
    assert dynamics.fell(TABLES, batch).tolist() == [falls]


def test_each_word_names_the_element_that_it_stands_for() -> None:
    settings = make_settings("4x12", include_position=True)
    seen = dynamics.build_tables(settings).observation[cell(2, 11)]  # above the goal, at the edge, by the cliff
    element = dict(zip(settings.observation_meanings, seen.tolist(), strict=True))
    codes = {name: CELL_CODES[element[f"code of the {name} cell"]] for name in SEEN_CELLS}
    assert codes == dict(
        zip(
            SEEN_CELLS, ["safe"] * 2 + ["outside"] + ["safe"] * 2 + ["outside", "cliff", "goal", "outside"], strict=True
        )
    )
    assert (element["row"], element["column"]) == (2, 11)
    assert make_settings("4x12").observation_meanings == settings.observation_meanings[:9]


@pytest.mark.parametrize(
    ("start", "action", "end"),
    [
        (cell(0, 0), UP, cell(0, 0)),
        (cell(0, 0), LEFT, cell(0, 0)),
        (cell(0, 11), RIGHT, cell(0, 11)),
        (cell(3, 0), DOWN, cell(3, 0)),
        (cell(1, 1), UP, cell(0, 1)),
        (cell(1, 1), DOWN, cell(2, 1)),
        (cell(1, 1), LEFT, cell(1, 0)),
        (cell(1, 1), RIGHT, cell(1, 2)),
        (cell(2, 4), DOWN, cell(3, 4)),
        (cell(3, 11), UP, cell(3, 11)),
    ],
)
def test_an_action_leads_where_it_says(start: int, action: int, end: int) -> None:
    assert dynamics.transition(TABLES, np.asarray([[start, start]]), np.asarray([[action, action]])).tolist() == [
        [end] * 2
    ]


def test_a_wall_holds_the_agent() -> None:
    tables = dynamics.build_tables(make_settings("bridge"))
    assert dynamics.transition(tables, np.asarray([[1, 15]]), np.asarray([[DOWN, DOWN]])).tolist() == [[1, 15]]


def test_the_window_shows_the_nine_cells_around() -> None:
    seen = dynamics.observe(SETTINGS, TABLES, np.asarray([[cell(3, 0), cell(2, 11)]]))
    assert seen.dtype == np.int8
    assert seen[0, 0].tolist() == [[4, 0, 0], [4, 0, 1], [4, 4, 4]]
    assert seen[0, 1].tolist() == [[0, 0, 4], [0, 0, 4], [1, 2, 4]]


def test_show_agents_adds_eight_once_to_cells_that_hold_others() -> None:
    settings = make_settings("4x12", n_agents=3, show_agents=True)
    seen = dynamics.observe(settings, dynamics.build_tables(settings), np.asarray([[cell(3, 0)] * 2 + [cell(2, 0)]]))
    assert seen[0, 0].tolist() == [[4, 8, 0], [4, 8, 1], [4, 4, 4]]
    assert seen[0, 2].tolist() == [[4, 0, 0], [4, 0, 0], [4, 8, 1]]


def test_include_position_appends_row_and_column() -> None:
    settings = make_settings("4x12", include_position=True)
    seen = dynamics.observe(settings, dynamics.build_tables(settings), np.asarray([[cell(3, 0), cell(2, 11)]]))
    assert seen[0].tolist() == [[4, 0, 0, 4, 0, 1, 4, 4, 4, 3, 0], [0, 0, 4, 0, 0, 4, 1, 2, 4, 2, 11]]


def test_the_state_is_scaled_positions_goal_flags_and_time() -> None:
    state = dynamics.state(TABLES, np.asarray([[cell(3, 11), cell(0, 0)]]), np.asarray([25]))
    assert state.dtype == np.float32
    assert state.tolist() == [[1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.5]]


@pytest.mark.parametrize(("layout", "goal"), [("S.G", [0.0, 1.0, 1.0]), ("S\n.\nG", [1.0, 0.0, 1.0])])
def test_a_map_of_one_row_or_column_has_that_coordinate_zero(layout: str, goal: list[float]) -> None:
    tables = dynamics.build_tables(make_settings(layout, n_agents=1))
    assert dynamics.state(tables, np.asarray([[2]]), np.asarray([0])).tolist() == [[*goal, 0.0]]


def test_reset_moves_only_the_masked_copies() -> None:
    cells = np.asarray([[1, 2], [3, 4]])
    assert dynamics.reset(TABLES, cells, np.asarray([True, False])).tolist() == [[36, 36], [3, 4]]


def rollout(convert: object, *, steps: int = 60, copies: int = 16) -> list[np.ndarray]:
    """All numbers of a run of the pure functions, on the arrays that `convert` makes."""
    settings = make_settings("4x12", n_agents=3, slip=0.3, show_agents=True, include_position=True)
    tables = dynamics.build_tables(settings).to(convert)
    actions = np.random.default_rng(0).integers(0, 4, (steps, copies, 3))
    index, zero = np.arange(copies), np.zeros(copies, dtype=np.int64)
    keys = counter_hash.stream_keys(convert(zero + 2**62 + 12345), convert(index), convert(zero + 3))
    cells = dynamics.reset(tables, convert(np.zeros((copies, 3), dtype=np.int64)), convert(zero == 0))
    record = [np.asarray(keys)]
    for step in range(steps):
        draws = counter_hash.counter_draws(keys, convert(zero + step), tables.agent_index)
        executed = counter_hash.slipped(convert(actions[step]), draws, settings.slip)
        cells = dynamics.transition(tables, cells, executed)
        over = dynamics.terminated(tables, cells)
        numbers = (
            draws,
            executed,
            cells,
            dynamics.reward(tables, cells),
            over,
            dynamics.success(tables, cells),
            dynamics.fell(tables, cells),
            dynamics.observe(settings, tables, cells),
            dynamics.state(tables, cells, convert(zero + step % 51)),
            dynamics.avail_actions(tables, cells),
        )
        record += [np.asarray(number) for number in numbers]
        cells = dynamics.reset(tables, cells, over)
    return record


def test_numpy_and_torch_give_identical_numbers() -> None:
    for ours, theirs in zip(rollout(np.asarray), rollout(torch.as_tensor), strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_the_functions_run_on_another_device_of_torch() -> None:
    settings = make_settings("4x12", slip=0.1, show_agents=True)
    tables = dynamics.build_tables(settings).to(lambda table: torch.as_tensor(table, device="meta"))
    cells = torch.zeros((5, 2), dtype=torch.int64, device="meta")
    draws = counter_hash.counter_draws(cells[:, 0], cells[:, 0], tables.agent_index)
    cells = dynamics.transition(tables, cells, counter_hash.slipped(cells, draws, 0.1))
    for result in (dynamics.observe(settings, tables, cells), dynamics.state(tables, cells, cells[:, 0])):
        assert result.device.type == "meta"


@given(st.integers(0, 2**63 - 1), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_plain_python_hash_equals_the_array_hash(seed: int, environment: int, episode: int, step: int) -> None:
    keys = counter_hash.stream_keys(*(np.asarray([number]) for number in (seed, environment, episode)))
    draws = counter_hash.counter_draws(keys, np.asarray([step]), np.arange(4))
    expected = counter_hash.slipped(np.asarray([[0, 1, 2, 3]]), draws, 0.5)[0].tolist()
    key = counter_hash.stream_key(seed, environment, episode)
    assert key == int(keys[0]) % 2**64
    assert counter_hash.slip_one([0, 1, 2, 3], key, step, 0.5) == expected


def test_slips_happen_as_often_as_asked_and_uniformly() -> None:
    zero = np.zeros(40_000, dtype=np.int64)
    keys = counter_hash.stream_keys(zero + 7, np.arange(40_000), zero)
    executed = counter_hash.slipped(np.full((40_000, 2), -1), counter_hash.counter_draws(keys, zero, np.arange(2)), 0.1)
    # Binomial of 80,000 draws: five standard deviations are 0.0053 around 0.1 and 0.0027 around 0.025.
    assert abs((executed >= 0).mean() - 0.1) < 0.0053
    for action in range(4):
        assert abs((executed == action).mean() - 0.025) < 0.0028


def test_slip_zero_never_and_slip_one_always_replaces() -> None:
    draws = counter_hash.counter_draws(np.arange(1000), np.arange(1000), np.arange(2))
    assert (counter_hash.slipped(np.full((1000, 2), -1), draws, 0.0) == -1).all()
    assert (counter_hash.slipped(np.full((1000, 2), -1), draws, 1.0) >= 0).all()
