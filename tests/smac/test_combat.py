"""The simulator's combat: against plain Python unit by unit, on other devices, and against common sense."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from macn.counter_hash import counter_draws
from rmix_kit.smac import combat
from rmix_kit.smac.arena import DIFFICULTIES, Arena, arena_of
from rmix_kit.smac.battle import Battle
from rmix_kit.smac.facts import layout_facts
from rmix_kit.smac.layout import encode, outcome, reward
from rmix_kit.smac.maps import SCENARIOS
from rmix_kit.testing.device_watch import DeviceWatch
from tests.envs.smac import scripts
from tests.envs.smac.scripts import play, team, versus

MAPS = tuple(SCENARIOS)
BATTLES = 6


@pytest.fixture
def naive(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("naive_smac")


@pytest.mark.parametrize("difficulty", ["2", "7"])
@pytest.mark.parametrize("name", MAPS)
def test_every_step_is_that_of_plain_python(name: str, difficulty: str, naive: ModuleType) -> None:
    facts, arena, rng = layout_facts(SCENARIOS[name]), arena_of(name), np.random.default_rng(1)
    battle = combat.begin(arena, np.arange(BATTLES))

    def draws_of(env: int, tick: int) -> list[int]:
        bits = counter_draws(battle.key[env : env + 1], np.array([tick]), arena.unit)[0]
        return [int(draw) & (2**60 - 1) for draw in bits]

    for step in range(45):
        units = combat.units_of(arena, battle)
        script = scripts.nearest if step % 3 else scripts.uniform
        actions = script(facts, units, encode(facts, units), rng)
        following = combat.step(arena, DIFFICULTIES[difficulty], battle, actions)
        after = combat.units_of(arena, following)
        whole, ended = encode(facts, after), outcome(facts, after)
        paid = reward(facts, units, after, won=ended.won)
        env = step % BATTLES
        one = naive.NaiveBattle(facts, arena, DIFFICULTIES[difficulty], lambda tick, env=env: draws_of(env, tick))
        one.copy_from(battle, env)
        assert one.step(actions[env].tolist()) == pytest.approx(float(paid[env]), abs=1e-4)
        for field in ("x", "y", "hp", "shield", "cooldown", "energy", *(["calm"] if arena.has_shields else [])):
            found = [getattr(unit, field) for unit in one.units]
            np.testing.assert_allclose(getattr(following, field)[env], found, atol=1e-4, err_msg=f"{step} {field}")
        obs, state, masks = one.observe()
        np.testing.assert_allclose(whole.obs[env], obs, atol=1e-4)
        np.testing.assert_allclose(whole.state[env], state, atol=1e-4)
        np.testing.assert_array_equal(whole.avail_actions[env], masks)
        assert bool(ended.won[env]) == one.has_won()
        battle = following


@pytest.mark.parametrize("name", MAPS)
def test_torch_plays_the_same_battles(name: str) -> None:
    facts, arena, rng = layout_facts(SCENARIOS[name]), arena_of(name), np.random.default_rng(2)
    battle = combat.begin(arena, np.arange(8))
    start, tensors = battle, combat.begin(arena.to(torch.as_tensor), torch.arange(8))
    for _ in range(12):
        units = combat.units_of(arena, battle)
        actions = scripts.nearest(facts, units, encode(facts, units), rng)
        battle = combat.step(arena, DIFFICULTIES["7"], battle, actions)
        tensors = combat.step(arena.to(torch.as_tensor), DIFFICULTIES["7"], tensors, torch.from_numpy(actions))
        for field in Battle._fields:
            assert getattr(battle, field).dtype == getattr(start, field).dtype
            np.testing.assert_allclose(
                getattr(battle, field), getattr(tensors, field).numpy(), atol=1e-4, err_msg=field
            )
        # Sums are taken in another order; go on from the same numbers.
        tensors = Battle(*(torch.from_numpy(np.ascontiguousarray(field)) for field in battle))


@pytest.mark.parametrize("name", ["MMM2", "1c3s5z", "corridor"])
def test_a_step_runs_on_a_device_without_reading_a_value_back(name: str) -> None:
    arena, facts = (
        tables.to(lambda table: torch.as_tensor(table, device="meta"))
        for tables in (arena_of(name), layout_facts(SCENARIOS[name]))
    )
    seeds = torch.zeros(4, dtype=torch.int64, device="meta")
    actions = torch.ones((4, arena.n_agents), dtype=torch.int64, device="meta")
    with DeviceWatch("meta") as watch:
        battle = combat.begin(arena, seeds)
        following = combat.step(arena, DIFFICULTIES["7"], battle, actions)
        before, after = combat.units_of(arena, battle), combat.units_of(arena, following)
        ended = outcome(facts, after)
        results = (*following, *encode(facts, after), reward(facts, before, after, won=ended.won), *ended)
    assert watch.complaints == []
    assert {tensor.device.type for tensor in results} == {"meta"}


def test_difficulty_seven_is_the_one_that_was_frozen() -> None:
    """Random actions win at most 5 % of 3m and 2s3z, a nearest-enemy script 30 to 80 % of 3m."""
    assert play(SCENARIOS["3m"], scripts.uniform).won <= 0.05
    assert play(SCENARIOS["2s3z"], scripts.uniform).won <= 0.05
    assert 0.3 <= play(SCENARIOS["3m"], scripts.nearest).won <= 0.8


def test_an_easier_enemy_is_beaten_more_often() -> None:
    easy, usual, hard = (play(SCENARIOS["8m"], scripts.nearest, difficulty=code).won for code in "179")
    assert easy > usual > hard


@pytest.mark.parametrize(("unit", "count"), [("marine", 5), ("stalker", 3), ("zealot", 3)])
def test_equal_sides_win_half_of_their_battles(unit: str, count: int) -> None:
    first, second = scripts.fight_of_equals(unit, count, battles=400)
    assert abs(first - second) < 0.15  # three standard errors
    assert first + second > 0.9


def test_more_units_win() -> None:
    assert play(versus(team("marine", 4), team("marine", 6)), scripts.nearest).won < 0.05
    assert play(versus(team("marine", 6), team("marine", 4)), scripts.nearest).won > 0.95


def test_focus_fire_beats_random_fire() -> None:
    assert play(SCENARIOS["8m"], scripts.weakest).won > play(SCENARIOS["8m"], scripts.any_target).won + 0.3


def test_kiting_helps_stalkers_against_zealots() -> None:
    scenario = versus(team("stalker", 3), team("zealot", 3))
    kiting, standing = play(scenario, scripts.kite), play(scenario, scripts.nearest)
    assert kiting.returns.mean() > standing.returns.mean() + 1.0
    assert kiting.won > standing.won


def test_the_choke_helps_the_zealots_of_corridor() -> None:
    def behind_the_choke(arena: Arena) -> Arena:
        n, start = arena.n_agents, arena.start.copy()
        start[:, :n] += 9.5 - start[:, :n].mean(-1, keepdims=True)
        return arena._replace(start=start)

    corridor = SCENARIOS["corridor"]
    in_the_open = play(corridor, scripts.hold, battles=64, steps=120)
    behind = play(corridor, scripts.hold, battles=64, steps=120, change=behind_the_choke)
    assert behind.won > in_the_open.won + 0.1
    assert behind.returns.mean() > in_the_open.returns.mean() + 1.0


def test_healing_helps() -> None:
    healed, alone = play(SCENARIOS["MMM"], scripts.nearest), play(SCENARIOS["MMM"], scripts.without_healing)
    assert healed.healed > 0
    assert alone.healed == 0
    assert healed.won > alone.won + 0.3


def test_a_clean_win_pays_twenty() -> None:
    played = play(SCENARIOS["3m"], scripts.nearest)
    assert played.returns.max() == pytest.approx(20.0, abs=1e-4)  # marines regain nothing
    shields = play(SCENARIOS["2s3z"], scripts.nearest)
    assert 20.0 - 1e-4 <= shields.returns.max() < 22.0  # regained shields are paid twice
