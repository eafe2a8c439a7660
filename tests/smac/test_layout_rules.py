"""SMAC's rules at their exact boundaries, by hand: sight, shots, ends of battles, rewards, edges of the map."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from rmix_kit.smac.facts import DEATH_VALUE, FIRST_TARGET, NO_OP, WIN_VALUE, Facts, Units, layout_facts
from rmix_kit.smac.layout import Encoded, encode, outcome, reward
from rmix_kit.smac.maps import SCENARIOS

SMALLEST = 2.0**-17  # one step of float32 between 8 and 16 is 2^-20; differences of places near 30 keep this one
NORTH, SOUTH, EAST, WEST = 2, 3, 4, 5
MARINES = layout_facts(SCENARIOS["3m"])  # hit points 45, no shields, all of one type
PROTOSS = layout_facts(SCENARIOS["2s3z"])  # enemies: two stalkers 80 + 80, three zealots 100 + 50
MEDIVAC = 9  # of MMM2's ten agents, the last


def units_of(facts: Facts, **fields: list[float]) -> Units:
    """One battle whose units stand far from each other and live with 1 hit point, fields as given changed."""
    n_agents, n_enemies = len(facts.ally_hp_max), len(facts.enemy_hp_max)
    everywhere = {"ally_x": 2.0, "ally_y": 2.0, "enemy_x": 30.0, "enemy_y": 30.0, "ally_hp": 1.0, "enemy_hp": 1.0}
    values = {
        name: np.full(n_enemies if name.startswith("enemy") else n_agents, everywhere.get(name, 0.0))
        for name in Units._fields
    }
    for name, given in fields.items():
        values[name][: len(given)] = given
    rows = {name: value[None].astype(np.float32) for name, value in values.items()}
    return Units(**rows | {"last_action": rows["last_action"].astype(np.uint8)})


def open_ground(facts: Facts) -> Facts:
    return facts._replace(pathing=np.ones_like(facts.pathing))


def enemy_rows(encoded: Encoded) -> NDArray[np.float32]:
    """What marine 0 of 3m sees of each enemy: can shoot, distance, dx, dy, health."""
    rows: NDArray[np.float32] = encoded.obs[0, 0, 4 : 4 + 3 * 5].reshape(3, 5)
    return rows


def ally_rows(encoded: Encoded) -> NDArray[np.float32]:
    """What marine 0 of 3m sees of each other marine: visible, distance, dx, dy, health."""
    rows: NDArray[np.float32] = encoded.obs[0, 0, 4 + 3 * 5 : 4 + 5 * 5].reshape(2, 5)
    return rows


def test_an_enemy_at_exactly_nine_cells_is_out_of_sight_and_one_just_nearer_is_seen() -> None:
    units = units_of(MARINES, ally_x=[10], ally_y=[10], enemy_x=[19, 10, 19 - SMALLEST], enemy_y=[10, 1, 10])
    units = units._replace(enemy_hp=np.full((1, 3), 45, dtype=np.float32))
    exactly, below, nearer = enemy_rows(encode(MARINES, units))
    assert not exactly.any()
    assert not below.any()
    assert nearer.tolist() == pytest.approx([0.0, 1.0, 1.0, 0.0, 1.0], abs=1e-5)  # SMALLEST / 9 is 1e-6


def test_an_ally_at_exactly_nine_cells_is_out_of_sight_and_one_just_nearer_is_seen() -> None:
    units = units_of(MARINES, ally_x=[10, 19, 10], ally_y=[10, 10, 1 + SMALLEST], ally_hp=[45, 45, 9])
    exactly, nearer = ally_rows(encode(MARINES, units))
    assert not exactly.any()
    assert nearer.tolist() == pytest.approx([1.0, 1.0, 0.0, -1.0, 0.2], abs=1e-5)


def test_the_dead_are_not_seen() -> None:
    units = units_of(
        MARINES, ally_x=[10, 11], ally_y=[10, 10], ally_hp=[1, 0], enemy_x=[11], enemy_y=[10], enemy_hp=[0]
    )
    encoded = encode(MARINES, units)
    assert not enemy_rows(encoded)[0].any()
    assert not ally_rows(encoded)[0].any()


def test_a_shot_reaches_exactly_six_cells() -> None:
    units = units_of(MARINES, ally_x=[10], ally_y=[10], enemy_x=[16, 10, 16 + SMALLEST], enemy_y=[10, 4, 10])
    encoded = encode(MARINES, units)
    assert encoded.avail_actions[0, 0, FIRST_TARGET:].tolist() == [True, True, False]
    assert enemy_rows(encoded)[:, 0].tolist() == [1.0, 1.0, 0.0]


def test_the_dead_can_neither_be_shot_nor_do_anything() -> None:
    units = units_of(MARINES, ally_x=[10, 10], ally_y=[10, 10], ally_hp=[1, 0], enemy_x=[11, 12], enemy_y=[10, 10])
    units = units._replace(enemy_hp=np.array([[0, 1, 1]], dtype=np.float32))
    encoded = encode(open_ground(MARINES), units)
    assert encoded.avail_actions[0, 0].tolist() == [False, True, True, True, True, True, False, True, False]
    assert encoded.avail_actions[0, 1].nonzero()[0].tolist() == [NO_OP]
    assert not encoded.obs[0, 1].any()


def test_a_medivac_heals_living_allies_up_to_exactly_six_cells_and_shoots_nobody() -> None:
    facts = open_ground(layout_facts(SCENARIOS["MMM2"]))
    places = {
        "ally_x": [16.0, 16 + SMALLEST, 11.0, 10.0] + [2.0] * 5 + [10.0],
        "ally_y": [10.0] * 4 + [2.0] * 5 + [10.0],
    }
    hit_points = [1.0, 1.0, 0.0, 1.0] + [1.0] * 5 + [1.0]
    units = units_of(facts, **places, ally_hp=hit_points, enemy_x=[10.0] * 12, enemy_y=[11.0] * 12)
    can = encode(facts, units).avail_actions[0]
    # In reach, just out of it, dead, in the same place; five far away; itself; and two enemies that no ally stands for.
    assert can[MEDIVAC, FIRST_TARGET:].tolist() == [True, False, False, True] + [False] * 8
    assert can[3, FIRST_TARGET:].all()  # a marine in the same place shoots all twelve


def test_two_medivacs_do_not_heal_each_other() -> None:
    facts = layout_facts(SCENARIOS["MMM2"])
    facts = facts._replace(medivac=np.arange(10) >= 8)
    units = units_of(facts, ally_x=[2.0] * 8 + [10.0, 10.0], ally_y=[2.0] * 8 + [10.0, 11.0])
    assert not encode(facts, units).avail_actions[0, 8:, FIRST_TARGET:].any()


@pytest.mark.parametrize(
    ("place", "blocked"),
    [
        ((0.0, 10.0), WEST),
        ((10.0, 0.0), SOUTH),
        ((31.0, 10.0), EAST),
        ((10.0, 31.0), NORTH),
    ],
)
def test_a_move_off_the_map_is_not_allowed(place: tuple[float, float], blocked: int) -> None:
    can = encode(open_ground(MARINES), units_of(MARINES, ally_x=[place[0]], ally_y=[place[1]])).avail_actions[0, 0]
    assert [action for action in (NORTH, SOUTH, EAST, WEST) if not can[action]] == [blocked]


def test_a_move_looks_at_the_cell_one_length_ahead() -> None:
    pathing = np.ones((32, 32), dtype=np.bool_)
    pathing[11, 10] = False  # x 11, y 10
    facts = MARINES._replace(pathing=pathing.reshape(-1))
    units = units_of(facts, ally_x=[10.0, 11.5, 12.25], ally_y=[10.5, 9.0, 10.75])
    can = encode(facts, units).avail_actions[0]
    blocked = [[action for action in (NORTH, SOUTH, EAST, WEST) if not row[action]] for row in can]
    assert blocked == [[EAST], [NORTH], [WEST]]


def test_the_state_of_the_dead_is_zero() -> None:
    units = units_of(MARINES, ally_hp=[45, 0, 9], enemy_hp=[0, 45, 9], ally_x=[16, 20, 24], ally_y=[16, 20, 8])
    state = encode(MARINES, units).state[0]
    allies, enemies = state[:12].reshape(3, 4), state[12:21].reshape(3, 3)
    assert allies.tolist() == [[1.0, 0.0, 0.0, 0.0], [0.0] * 4, pytest.approx([0.2, 0.0, 0.25, -0.25])]
    assert enemies.tolist() == [
        [0.0] * 3,
        pytest.approx([1.0, 14 / 32, 14 / 32]),
        pytest.approx([0.2, 14 / 32, 14 / 32]),
    ]


@pytest.mark.parametrize(
    ("ally_hp", "enemy_hp", "is_over", "won"),
    [
        ([1, 0, 0], [0, 0, 0], True, True),
        ([0, 0, 0], [0, 0, 1], True, False),
        ([0, 0, 0], [0, 0, 0], True, False),  # a draw is not won
        ([0, 0, 1], [0, 0, 1], False, False),
    ],
)
def test_who_has_won(ally_hp: list[float], enemy_hp: list[float], is_over: bool, won: bool) -> None:
    ended = outcome(MARINES, units_of(MARINES, ally_hp=ally_hp, enemy_hp=enemy_hp))
    assert (ended.is_over.tolist(), ended.won.tolist()) == ([is_over], [won])


def test_medivacs_alone_do_not_win_against_medivacs_alone() -> None:
    facts = layout_facts(SCENARIOS["MMM2"])
    ended = outcome(facts, units_of(facts, ally_hp=[0.0] * 9, enemy_hp=[0.0] * 11))
    assert (ended.is_over.tolist(), ended.won.tolist()) == ([True], [False])


# Of 2s3z: 5 deaths, the win, and the enemies' points, 2 * (80 + 80) + 3 * (100 + 50).
CLEAN_WIN = 5 * DEATH_VALUE + WIN_VALUE + 770
FULL_HP, FULL_SHIELD = [80.0, 80.0, 100.0, 100.0, 100.0], [80.0, 80.0, 50.0, 50.0, 50.0]


def points_of(before: tuple[list[float], list[float]], after: tuple[list[float], list[float]]) -> float:
    """SMAC's points of a step of 2s3z, before they are scaled so that a clean win pays 20."""
    first, second = (units_of(PROTOSS, enemy_hp=hp, enemy_shield=shield) for hp, shield in (before, after))
    return float(reward(PROTOSS, first, second)[0]) * CLEAN_WIN / 20.0


def test_damage_to_shields_and_health_pays_its_points() -> None:
    after = [80.0, 75.0, 100.0, 100.0, 100.0], [68.0, 80.0, 50.0, 50.0, 50.0]
    assert points_of((FULL_HP, FULL_SHIELD), after) == pytest.approx(12 + 5, abs=1e-3)  # float32 of 1020 / 20


def test_a_kill_pays_what_the_unit_had_left_and_ten() -> None:
    before = [20.0, *FULL_HP[1:]], [5.0, *FULL_SHIELD[1:]]
    # The shield that the record still shows of a unit that died is gone with it.
    after = [0.0, *FULL_HP[1:]], [3.0, *FULL_SHIELD[1:]]
    assert points_of(before, after) == pytest.approx(20 + 5 + 10, abs=1e-3)


def test_units_that_died_before_pay_nothing_whatever_their_record_still_shows() -> None:
    before = [0.0, 0.0, *FULL_HP[2:]], [30.0, 0.0, *FULL_SHIELD[2:]]
    after = [0.0, 0.0, 93.0, *FULL_HP[3:]], [0.0, 40.0, *FULL_SHIELD[2:]]
    assert points_of(before, after) == pytest.approx(7, abs=1e-3)


def test_what_the_enemies_regain_pays_too_and_is_set_off_against_damage() -> None:
    worn = FULL_HP, [70.0, *FULL_SHIELD[1:]]
    regained = FULL_HP, [74.0, *FULL_SHIELD[1:]]
    assert points_of(worn, regained) == pytest.approx(4, abs=1e-3)  # SMAC takes the absolute value of the sum
    both = [80.0, 70.0, *FULL_HP[2:]], regained[1]
    assert points_of(worn, both) == pytest.approx(10 - 4, abs=1e-3)


def test_the_last_kill_pays_the_win() -> None:
    before = [0.0] * 4 + [20.0], [0.0] * 5
    assert points_of(before, ([0.0] * 5, [0.0] * 5)) == pytest.approx(20 + 10 + 200, abs=1e-3)


def test_a_lost_battle_pays_its_damage_alone() -> None:
    before, after = units_of(MARINES, enemy_hp=[45, 45, 9]), units_of(MARINES, ally_hp=[0, 0, 0], enemy_hp=[45, 45, 0])
    worth = 3 * DEATH_VALUE + WIN_VALUE + 3 * 45
    assert reward(MARINES, before, after)[0] == pytest.approx((9 + 10) * 20 / worth, abs=1e-5)
