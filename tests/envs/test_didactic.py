"""The named table games: their numbers, their two faces, their seeds."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rmix_kit.envs.didactic import GAMES, games, parallel_env
from rmix_kit.envs.didactic.table import TableGame
from rmix_kit.envs.joint import play_joint_actions
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import ActionError, ConfigError, EnvironmentTextError
from rmix_kit.types import TimeStep

with warnings.catch_warnings():
    # PettingZoo's own tests load its example games by the way that PettingZoo itself has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import parallel_api_test
    from pettingzoo.test.seed_test import parallel_seed_test

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in GAMES),
    ("climbing", {"noise": "partial"}),
    ("climbing", {"noise": "full"}),
    ("penalty", {"k": -10}),
    ("predator-prey", {"punishment": -2}),
    ("car-following", {"crash": 1, "agents": 9}),
    ("car-following", {"accelerations": "released"}),
]
COINS = 4000


def text(name: str, options: Mapping[str, object]) -> str:
    tail = "&".join(f"{key}={value}" for key, value in options.items())
    return f"didactic:{name}{'?' if tail else ''}{tail}"


def returns(environment: str, steps: int | None = None) -> np.ndarray:
    """The return of every joint action sequence."""
    _, played = play_joint_actions(environment, steps)
    return np.sum([step.reward for step in played], axis=0)


def same(one: TimeStep, other: TimeStep) -> None:
    for name in TimeStep.__dataclass_fields__:
        left, right = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))  # None for no compact form
        assert left.dtype == right.dtype, name
        assert np.array_equal(left, right), name


@pytest.mark.parametrize(
    ("environment", "payoffs"),
    [
        ("didactic:qtran", [[8, -12, -12], [-12, 0, 0], [-12, 0, 0]]),
        ("didactic:qtran-harder", [[8, -12, -12], [-12, 6, 0], [-12, 0, 6]]),
        ("didactic:monotone", [[0, 1, 2], [1, 2, 3], [2, 3, 8]]),
        ("didactic:climbing", [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]),
        ("didactic:penalty", [[10, 0, -100], [0, 2, 0], [-100, 0, 10]]),
        ("didactic:penalty?k=-2.5", [[10, 0, -2.5], [0, 2, 0], [-2.5, 0, 10]]),
    ],
)
def test_one_step_games_pay_their_matrix(environment: str, payoffs: list[list[float]]) -> None:
    assert returns(environment).reshape(3, 3).tolist() == payoffs


def test_the_two_step_game_pays_seven_or_the_second_matrix() -> None:
    paid = returns("didactic:two-step").reshape(2, 2, 2, 2)  # first step's two actions, second step's two
    for first in paid[0]:
        assert first.tolist() == [[7, 7], [7, 7]]
    for first in paid[1]:
        assert first.tolist() == [[0, 1], [1, 8]]


def test_the_first_agent_alone_chooses_the_second_step() -> None:
    _, played = play_joint_actions("didactic:two-step")
    places = played[1].state.argmax(-1).reshape(2, 2, 4)
    assert (places[0] == 1).all()
    assert (places[1] == 2).all()


def test_the_mmdp_pays_until_both_leave() -> None:
    # AA AA, AA AB, AA BB, and the like: leaving pays nothing, and nothing is paid after it.
    paid = returns("didactic:mmdp", steps=2).reshape(4, 4)
    assert paid.tolist() == [[2, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_the_mmdp_is_cut_by_the_clock() -> None:
    envs = make_vector_env("didactic:mmdp", 2)
    envs.reset([0, 0])
    paid = np.zeros(2)
    for _ in range(100):
        step = envs.step(np.asarray([[0, 0], [0, 1]]))
        paid += step.reward
    assert (step.terminated.tolist(), step.truncated.tolist()) == ([False, False], [True, True])
    assert (paid.tolist(), step.success.tolist()) == ([100, 0], [True, False])


@pytest.mark.parametrize(
    ("name", "options", "best"),
    [
        ("two-step", {}, 8),
        ("mmdp", {}, 100),
        ("climbing", {"noise": "full"}, 11),
        ("penalty", {}, 10),
        ("qtran", {}, 8),
        ("qtran-harder", {}, 8),
        ("monotone", {}, 8),
        ("predator-prey", {}, 40),
    ],
)
def test_the_best_return_is_the_known_one(name: str, options: dict[str, Any], best: float) -> None:
    assert GAMES[name](**options).best_return == best  # type: ignore[attr-defined]


@pytest.mark.parametrize("noise", ["none", "partial", "full"])
def test_noise_leaves_the_mean_of_every_cell(noise: str) -> None:
    assert games.climbing(noise).expected_payoffs[0].tolist() == [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]


@pytest.mark.parametrize(
    ("noise", "cell", "values"),
    [("partial", (1, 1), (14, 0)), ("full", (0, 1), (5, -65)), ("full", (2, 2), (10, 0)), ("full", (0, 0), (12, 10))],
)
def test_a_noisy_cell_is_a_fair_coin(noise: str, cell: tuple[int, int], values: tuple[float, float]) -> None:
    envs = make_vector_env(f"didactic:climbing?noise={noise}", COINS)
    envs.reset(range(COINS))
    paid = envs.step(np.tile(cell, (COINS, 1))).reward
    assert set(paid.tolist()) == set(values)
    # Four standard deviations of the share of a fair coin.
    assert abs(np.mean(paid == values[0]) - 0.5) < 4 * 0.5 / np.sqrt(COINS)


def test_success_looks_at_the_joint_action_and_not_at_the_coin() -> None:
    envs = make_vector_env("didactic:climbing?noise=partial", 64)
    envs.reset(range(64))
    step = envs.step(np.full((64, 2), 1))
    assert step.reward.max() == 14
    assert not step.success.any()
    envs.reset(range(64))
    assert envs.step(np.zeros((64, 2), dtype=np.int64)).success.all()


def test_observation_and_state_are_one_hot() -> None:
    envs = make_vector_env("didactic:two-step", 2)
    step = envs.reset([0, 1])
    assert (step.obs.dtype, step.obs.tolist()) == (np.int8, [[[1, 0, 0]] * 2] * 2)
    step = envs.step(np.asarray([[0, 1], [1, 0]]))
    assert step.state.tolist() == [[0, 1, 0], [0, 0, 1]]
    assert envs.spec.obs_low == (0.0, 0.0, 0.0)
    assert envs.spec.obs_high == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_the_vector_and_pettingzoo_agree_step_by_step(name: str, options: dict[str, Any]) -> None:
    direct = make_vector_env(text(name, options), 3)
    tail = "".join(f"&{key}={value}" for key, value in options.items())
    mine = make_vector_env(f"pettingzoo:rmix_kit.envs.didactic.parallel_env?name={name}{tail}", 3)
    bounds = direct.spec.state_low, direct.spec.state_high  # the adapter knows the state's space of every game
    assert replace(mine.spec, state_low=bounds[0], state_high=bounds[1]) == direct.spec
    assert bounds[0] in ((), mine.spec.state_low)
    rng = np.random.default_rng(0)
    for round_seed in (0, 10):
        seeds = [round_seed, round_seed + 1, 2**31]
        step = direct.reset(seeds)
        same(mine.reset(seeds), step)
        for _ in range(40):
            actions = (rng.random(step.avail_actions.shape) * step.avail_actions).argmax(-1)
            step = direct.step(actions)
            same(mine.step(actions), step)


@pytest.mark.parametrize(("name", "options"), VARIANTS)
# A predator that was removed sees nothing.
@pytest.mark.filterwarnings("ignore:Observation numpy array is all zeros:UserWarning")
def test_the_parallel_face_passes_pettingzoo(name: str, options: dict[str, Any]) -> None:
    parallel_api_test(parallel_env(name, **options), num_cycles=60)


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_seeds_repeat_in_pettingzoo_terms(name: str, options: dict[str, Any]) -> None:
    parallel_seed_test(lambda: parallel_env(name, **options), num_cycles=20)


@pytest.mark.parametrize("name", ["climbing?noise=full", "predator-prey", "car-following?agents=9"])
def test_a_copy_does_not_depend_on_its_neighbours(name: str) -> None:
    many, one = make_vector_env(f"didactic:{name}", 3), make_vector_env(f"didactic:{name}", 1)
    actions = np.random.default_rng(0).integers(3, size=(3, many.spec.n_agents))
    many.reset([5, 6, 7])
    one.reset([6])
    whole, alone = many.step(actions), one.step(actions[1:2])
    assert np.array_equal(whole.obs[1], alone.obs[0])
    assert whole.reward[1] == alone.reward[0]


def test_a_thousand_steps_repeat_exactly() -> None:
    def play() -> list[np.ndarray]:
        envs, rng = make_vector_env("didactic:predator-prey?punishment=-1", 2), np.random.default_rng(3)
        seen = []
        for episode in range(5):
            step = envs.reset([episode, episode + 100])
            for _ in range(200):
                step = envs.step((rng.random(step.avail_actions.shape) * step.avail_actions).argmax(-1))
                seen += [step.state, step.reward]
        return seen

    assert all(np.array_equal(left, right) for left, right in zip(play(), play(), strict=True))


def test_a_reset_without_a_seed_goes_on_with_the_stream() -> None:
    def coins() -> list[float]:
        env = parallel_env("climbing", noise="full")
        env.reset(seed=4)
        paid = []
        for _ in range(16):
            paid.append(env.step(dict.fromkeys(env.agents, 0))[1]["agent_0"])
            env.reset()
        return paid

    assert coins() == coins()
    assert set(coins()) == {10, 12}


def test_a_finished_copy_stands_still() -> None:
    envs = make_vector_env("didactic:qtran", 1)
    envs.reset([0])
    last = envs.step(np.zeros((1, 2), dtype=np.int64))
    again = envs.step(np.full((1, 2), 1))
    assert (last.reward[0], again.reward[0]) == (8, 0)
    assert (again.terminated[0], again.truncated[0], again.success[0]) == (True, False, True)


def test_infos_hold_masks_and_success_from_the_reset_to_the_end() -> None:
    env = parallel_env("two-step")
    _, first = env.reset(seed=0)
    *_, middle = env.step({"agent_0": 1, "agent_1": 1})
    *_, last = env.step({"agent_0": 1, "agent_1": 1})
    assert [set(info["agent_0"]) for info in (first, middle, last)] == [{"action_mask", "success"}] * 3
    assert [info["agent_0"]["success"] for info in (first, middle)] == [False, False]
    assert first["agent_0"]["action_mask"].dtype == np.int8
    assert last["agent_1"]["success"] is True
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})


@pytest.mark.parametrize("game", ["climbing", "mmdp", "predator-prey", "car-following"])
def test_the_keys_of_infos_never_change(game: str) -> None:
    env, rng = parallel_env(game), np.random.default_rng(0)
    _, infos = env.reset(seed=0)
    told = [infos]
    while env.agents:
        actions = {name: int(rng.choice(np.flatnonzero(infos[name]["action_mask"]))) for name in env.agents}
        *_, infos = env.step(actions)
        told.append(infos)
    assert {frozenset(info) for infos in told for info in infos.values()} == {frozenset({"action_mask", "success"})}
    assert not any(info["success"] for infos in told[:-1] for info in infos.values())


def test_no_actions_before_the_first_reset_are_refused() -> None:
    with pytest.raises(ActionError, match="call reset"):
        parallel_env("climbing").step({})


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ("didactic:climbin", "did you mean 'climbing'"),
        ("didactic:climbing?nois=full", "did you mean 'noise'"),
        ("didactic:climbing?noise=some", "noise is 'some'; it must be one of none, partial, full"),
        ("didactic:penalty?k=3", "k is 3; it must be a number, at most 0"),
        ("didactic:penalty?k=deep", "k is 'deep'"),
        ("didactic:qtran?k=3", "takes none"),
        ("didactic:predator-prey?punishment=nan", "punishment is 'nan'"),
        ("didactic:car-following?crash=1.5", r"crash is 1.5; it must be a number in \[0, 1\]"),
        ("didactic:car-following?crash=nan", "crash is 'nan'"),
        ("didactic:car-following?agents=1", r"agents is 1; it must be a whole number in 2\.\.64"),
        ("didactic:car-following?agents=2.5", "agents is 2.5"),
        ("didactic:car-following?agents=true", "agents is True"),
        ("didactic:car-following?accelerations=relased", "one of even, released.*did you mean 'released'"),
        ("didactic:car-following?crsh=0.4", "did you mean 'crash'"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(environment: str, words: str) -> None:
    with pytest.raises(EnvironmentTextError, match=words):
        make_vector_env(environment, 1)


def test_the_python_face_refuses_likewise() -> None:
    with pytest.raises(ConfigError, match="no option 'noise'"):
        parallel_env("penalty", noise="full")
    with pytest.raises(ConfigError, match="seed is -1"):
        parallel_env("qtran").reset(seed=-1)


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        ({"agent_0": 0}, "expected one of agent_0, agent_1 each"),
        ({"agent_0": 0, "agent_1": 3}, r"agent_1 is 3; it must be in 0\.\.2"),
        ({"agent_0": 0.5, "agent_1": 0}, "whole numbers"),
    ],
)
def test_actions_that_do_not_exist_are_refused(actions: dict[str, Any], words: str) -> None:
    env = parallel_env("qtran")
    with pytest.raises(ActionError, match=r"call reset\(\) first"):
        env.step(actions)
    env.reset(seed=0)
    with pytest.raises(ActionError, match=words):
        env.step(actions)


def test_every_table_game_is_sound() -> None:
    for name, make in GAMES.items():
        game = make()
        if isinstance(game, TableGame):
            assert game.name == name
            assert game.payoffs.shape == (len(game.successors), game.payoffs.shape[1], *game.action_counts)
            assert game.successors.max() < len(game.successors)
