"""The compiled battle against the arrays: every bit of every step, on every map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numba
import numpy as np
import pytest

from macn.counter_hash import GAMMA, counter_draws
from rmix_kit.compiling.finding import is_kept
from rmix_kit.compiling.keeping import kept
from rmix_kit.smac.arena import DIFFICULTIES, arena_of
from rmix_kit.smac.engine import why_slow
from rmix_kit.smac.facts import layout_facts
from rmix_kit.smac.kernel import engine as kernel
from rmix_kit.smac.kernel.compiling import mix
from rmix_kit.smac.kernel.engine import KernelEngine
from rmix_kit.smac.kernel.fighting import draw_of
from rmix_kit.smac.kernel.notes import tree_sum
from rmix_kit.smac.maps import SCENARIOS
from tests.envs.smac import scripts
from tests.smac.battles import bits, differences, engines_of, side_by_side

CODES = ("2", "8")
MAPS = tuple(SCENARIOS)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", MAPS)
def test_every_bit_of_a_step_is_the_arrays(name: str, code: str) -> None:
    assert side_by_side(name, code, copies=6, least=400)["enemies_died"]


def test_what_can_happen_in_a_battle_has_happened_in_these() -> None:
    seen = Counter[str]()
    for name in MAPS:
        for code in CODES:
            seen += side_by_side(name, code, copies=6, least=400)
    for event in ("won", "lost", "agents_died", "enemies_died", "agents_healed", "enemies_healed", "shields_rose"):
        assert seen[event] >= 10, (event, seen)


@pytest.mark.parametrize(("name", "without"), [("1c3s5z", {"splashing": ()}), ("corridor", {"waypoint": None})])
def test_splash_and_ways_around_walls_happen_in_these_battles(name: str, without: dict[str, object]) -> None:
    arena, facts, rng = arena_of(name), layout_facts(SCENARIOS[name]), np.random.default_rng(0)
    engines = [KernelEngine(table, DIFFICULTIES["7"], facts) for table in (arena, arena._replace(**without))]
    moments, going = [engine.begin(np.arange(4)) for engine in engines], np.ones(4, dtype=np.bool_)
    for _ in range(60):
        actions = scripts.nearest(facts, moments[0].units, moments[0].encoded, rng)
        moments = [engine.step(now, actions, going).moment for engine, now in zip(engines, moments, strict=True)]
    assert not np.array_equal(moments[0].battle.place, moments[1].battle.place)


@pytest.mark.slow
@pytest.mark.parametrize("code", ["1", "7", "A"])
@pytest.mark.parametrize("name", MAPS)
def test_every_bit_of_a_hundred_thousand_steps_is_the_arrays(name: str, code: str) -> None:
    share = 100_000 // (3 * len(MAPS)) + 1
    assert side_by_side(name, code, copies=16, least=share)["steps"] >= share


@pytest.mark.parametrize("name", ["MMM2", "1c3s5z", "corridor"])
def test_battles_that_wait_stay_as_they_are(name: str) -> None:
    _, engine = engines_of(name, "7")
    moment, going = engine.begin(np.arange(4)), np.array([True, False, True, False])
    actions = moment.encoded.avail_actions[..., 1].astype(np.int64)  # everybody stands
    kept = [bits(field).copy() for part in moment for field in part]
    played = engine.step(moment, actions, going)
    for before, after in zip((f for part in moment for f in part), (f for p in played.moment for f in p), strict=True):
        np.testing.assert_array_equal(before[~going], after[~going])
    assert (played.moment.battle.tick == np.where(going, 4, 0)).all()
    assert not played.paid[~going].any()
    for before, field in zip(kept, (f for part in moment for f in part), strict=True):
        np.testing.assert_array_equal(before, bits(field))  # a step changes nothing that was handed out


def test_one_copy_alone_plays_the_same_bits() -> None:
    """numpy takes other ways through small arrays than through large ones."""
    for name in ("3m", "MMM2"):
        arrays, engine = engines_of(name, "7")
        moment, other, going = arrays.begin(np.arange(1)), engine.begin(np.arange(1)), np.ones(1, dtype=np.bool_)
        for step in range(60):
            masks = moment.encoded.avail_actions
            actions = (np.random.default_rng(step).random(masks.shape) * masks).argmax(-1)
            played, compiled = arrays.step(moment, actions, going), engine.step(other, actions, going)
            assert not differences(played, compiled, going), (name, step)
            moment, other = played.moment, compiled.moment


@pytest.mark.parametrize("n", [1, 2, 7, 8, 9, 15, 16, 17, 31, 64, 100, 128])
def test_numbers_are_added_in_numpys_order(n: int) -> None:
    rows = np.random.default_rng(n).normal(size=(50, n)).astype(np.float32)

    add = numba.njit(lambda row: tree_sum(row))
    np.testing.assert_array_equal([add(row) for row in rows], rows.sum(-1))


def test_draws_are_the_counter_hashs() -> None:
    one = numba.njit(lambda key, step, unit: draw_of(mix(key + (step + 1) * GAMMA), unit))
    keys, units = np.array([0, 1, -5, 2**62 + 12345, -(2**63)]), np.arange(7)
    draws = counter_draws(keys, keys * 0 + 3, units)
    np.testing.assert_array_equal([[one(key, 3, unit) for unit in units] for key in keys], draws)


def test_what_is_compiled_is_kept_where_there_is_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    function: Callable[[int], int] = lambda number: number + 1  # noqa: E731 - a new function, kept by nobody
    assert is_kept(kept(function))
    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])  # as where no folder can be written
    homeless = kept(function)
    assert not is_kept(homeless)
    assert homeless(1) == 2


def test_who_has_no_place_for_what_is_compiled_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_slow() == ""
    monkeypatch.setattr("rmix_kit.smac.kernel.engine.are_kept", lambda: False)
    assert "NUMBA_CACHE_DIR" in why_slow()


def test_a_change_anywhere_in_what_is_compiled_is_noticed() -> None:
    """numba itself looks at the file of the function that Python calls, and at nothing that this one calls."""
    play, encode = kernel._functions()
    for function in (play, encode):
        assert kernel.sources() in [cell.cell_contents for cell in function.py_func.__closure__]
