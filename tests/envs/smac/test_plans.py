"""Scripted teams: what they do in positions worked by hand, and that what is published of them is what they win."""

from __future__ import annotations

import csv
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rmix_kit.envs.smac import scripts
from rmix_kit.envs.smac.builtin import BuiltinVector
from rmix_kit.envs.smac.scripts import BEST, BEST_KNOWN, NAMES, PLANS, Script, Sight
from rmix_kit.reports import scripted
from rmix_kit.reports.scripted import line_table, scripted_rows
from rmix_kit.reproduction.scripted import play, scripted_table
from rmix_kit.smac.facts import FIRST_TARGET, STOP, Units
from rmix_kit.smac.layout import encode
from rmix_kit.smac.maps import SCENARIOS
from tests.architecture.sources import ROOT

NORTH, SOUTH, EAST, WEST = 2, 3, 4, 5


def sight_of(map_name: str, **fields: list[float]) -> Sight:
    """One battle as it begins, with some units elsewhere or otherwise."""
    envs = BuiltinVector(map_name, 1)
    compact = envs.reset([0]).compact
    assert compact is not None
    changed: dict[str, Any] = {name: np.asarray([values], dtype=compact[name].dtype) for name, values in fields.items()}
    units = Units(**{**compact, **changed})
    return Sight(units, encode(envs.rules.facts, units).avail_actions, envs.rules.facts, SCENARIOS[map_name])


AT_ARMS_LENGTH = {
    "ally_x": [10.0, 10.0, 10.0],
    "ally_y": [15.0, 16.0, 17.0],
    "enemy_x": [14.0, 14.0, 15.0],
    "enemy_y": [15.0, 16.0, 17.0],
}


def test_who_sees_nobody_in_range_walks_up_to_the_nearest() -> None:
    far = sight_of("3m", **AT_ARMS_LENGTH | {"enemy_x": [20.0, 20.0, 20.0]})
    assert PLANS["nearest"].act(far).tolist() == [[EAST] * 3]
    above = sight_of("3m", **AT_ARMS_LENGTH | {"enemy_x": [11.0] * 3, "enemy_y": [22.9] * 3})
    assert PLANS["nearest"].act(above)[0, 0] == NORTH


def test_the_nearest_is_shot_or_the_weakest_or_between_the_two() -> None:
    sight = sight_of("3m", **AT_ARMS_LENGTH | {"enemy_hp": [45.0, 40.0, 30.0]})
    assert (PLANS["nearest"].act(sight) - FIRST_TARGET).tolist() == [[0, 1, 1]]
    assert (PLANS["focus"].act(sight) - FIRST_TARGET).tolist() == [[2, 2, 2]]
    # Of agent 0: 45 + 4 p, 40 + 4.12 p, 30 + 5.39 p; at p = 9 the first two are 81 and 77.1, the last 78.5.
    assert (Script(per_cell=9.0).act(sight) - FIRST_TARGET)[0, 0] == 1


def test_a_dead_enemy_is_neither_shot_nor_walked_up_to() -> None:
    sight = sight_of("3m", **AT_ARMS_LENGTH | {"enemy_hp": [0.0, 0.0, 45.0], "enemy_x": [11.0, 11.0, 20.0]})
    assert PLANS["focus"].act(sight).tolist() == [[EAST] * 3]


def test_who_kites_walks_away_while_the_weapon_cools_down_and_shoots_when_it_is_ready() -> None:
    near = AT_ARMS_LENGTH | {"enemy_x": [13.0] * 3, "ally_cooldown": [9.0, 8.0, 0.0]}
    found = PLANS["kite"].act(sight_of("3m", **near))
    assert found[0, 0] == WEST
    assert (found[0, 1:] >= FIRST_TARGET).all()
    beyond = AT_ARMS_LENGTH | {"enemy_x": [14.5] * 3, "ally_cooldown": [9.0, 9.0, 9.0]}
    assert (PLANS["kite"].act(sight_of("3m", **beyond)) >= FIRST_TARGET).all()


def test_a_line_forms_north_to_south_and_holds_until_the_first_enemy_is_near() -> None:
    plan = Script(per_cell=0.0, spacing=2.0, wait_until=6.0)
    middle = SCENARIOS["3m"].ally_spawn
    crowd = sight_of("3m", ally_x=[middle[0]] * 3, ally_y=[middle[1] + 0.1, middle[1] - 0.1, middle[1]])
    assert plan.act(crowd).tolist() == [[NORTH, SOUTH, STOP]]
    placed = {"ally_x": [middle[0]] * 3, "ally_y": [middle[1] + 2, middle[1] - 2, middle[1]]}
    assert plan.act(sight_of("3m", **placed)).tolist() == [[STOP] * 3]
    met = placed | {"enemy_x": [middle[0] + 5.9, 23.0, 23.0], "enemy_y": [middle[1]] * 3}
    assert plan.act(sight_of("3m", **met))[0, 2] == FIRST_TARGET


def test_healers_heal_the_most_wounded_in_range_and_follow_otherwise() -> None:
    start = sight_of("MMM")
    n_agents = len(start.facts.ally_hp_max)
    healer = int(np.flatnonzero(start.facts.medivac)[0])
    together = {"ally_x": [10.0] * n_agents, "ally_y": [16.0] * n_agents}
    hp = start.facts.ally_hp_max.copy()
    hp[3] -= 20.0
    hp[1] -= 5.0
    sight = sight_of("MMM", **together, ally_hp=hp.tolist())
    assert PLANS["focus"].act(sight)[0, healer] == FIRST_TARGET + 3
    apart = {"ally_x": [14.0] * n_agents, "ally_y": [16.0] * n_agents}
    apart["ally_x"][healer] = 8.0
    assert PLANS["focus"].act(sight_of("MMM", **apart))[0, healer] == EAST


@pytest.mark.parametrize("map_name", SCENARIOS)
def test_every_script_of_every_map_plays_allowed_actions(map_name: str) -> None:
    envs, rng = BuiltinVector(map_name, 4), np.random.default_rng(0)  # the simulator refuses other actions
    for name in NAMES:
        step = envs.reset([1, 2, 3, 4])
        for _ in range(12):
            assert step.compact is not None
            sight = Sight(Units(**step.compact), step.avail_actions, envs.rules.facts, SCENARIOS[map_name])
            step = envs.step(scripts.act(name, sight, rng, map_name))


def test_what_is_published_is_what_scripts_win() -> None:
    rows = [row for row in scripted_rows() if row["environment"] == "smac:3m?backend=builtin"]
    assert list(scripted_table(["3m"]).rows) == rows


def test_what_reports_draw_is_what_the_reproduction_measured() -> None:
    measured = (ROOT / "docs" / "results" / "smac-builtin" / "scripts.csv").read_text()
    assert (ROOT / "rmix_kit" / "reports" / scripted.DATA).read_text() == measured
    known = {(row["environment"], row["script"]) for row in csv.DictReader(measured.splitlines())}
    assert known == {(f"smac:{name}?backend=builtin", script) for name in SCENARIOS for script in NAMES}


def test_the_best_known_is_not_worse_than_any_other() -> None:
    assert set(BEST_KNOWN) == set(SCENARIOS)
    for row in scripted_rows():
        (best,) = (
            other for other in scripted_rows() if (other["environment"], other["script"]) == (row["environment"], BEST)
        )
        assert best["won"] >= row["won"]


def test_battles_of_a_script_do_not_depend_on_how_many_are_played_side_by_side() -> None:
    alone, together = (play("3m", "line", episodes=6, copies=copies) for copies in (1, 6))
    assert alone.returns.tolist() == together.returns.tolist()
    assert replace(alone, returns=together.returns).lengths.tolist() == together.lengths.tolist()


def test_other_games_have_no_lines() -> None:
    assert not line_table(["macn:4x12", "smac:3m?backend=builtin&difficulty=9", "smac:3m?backend=sc2"]).rows
    table = line_table(["smac:MMM2?backend=builtin"])
    assert {row["metric"] for row in table.rows} == {"success_rate", "return_mean"}
    assert all(row["low"] <= row["value"] <= row["high"] for row in table.where(metric="success_rate"))
