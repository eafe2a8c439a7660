"""Users' parallel environments become arrays, or are refused by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete, Space

from rmix_kit.envs.make import make_vector_env
from rmix_kit.envs.spaces import observation_coding
from rmix_kit.envs.team_vector import TeamVector
from rmix_kit.errors import EnvironmentContractError, EnvironmentTextError
from rmix_kit.types import TimeStep
from tests.envs.games import Counting

GAMES = "pettingzoo:tests.envs.games."


def test_spec_pads_what_is_unequal() -> None:
    spec = make_vector_env(f"{GAMES}Counting", 1).spec
    assert spec.agent_ids == ("a", "b")
    assert (spec.n_actions, spec.obs_shape, spec.obs_dtype) == (3, (2,), "float32")
    assert spec.obs_low == (-1.0, -1.0)
    assert spec.obs_high == (2.0, 1.0)
    assert (spec.state_size, spec.episode_limit) == (4, 6)
    assert spec.action_meanings == ("action_0", "action_1", "action_2")
    assert spec.obs_meanings == ()


@pytest.mark.parametrize(
    ("words", "taken"), [(["speed", "fuel"], True), (["speed"], False), ("ab", False), ([1, 2], False)]
)
def test_a_team_may_say_what_its_observations_elements_are(words: Any, taken: bool) -> None:
    env = Counting()
    env.obs_meanings = words
    assert TeamVector([env], 6, "counting").spec.obs_meanings == (tuple(words) if taken else ())


def test_observations_masks_and_state_are_padded_arrays() -> None:
    step = make_vector_env(f"{GAMES}Counting", 2).reset([1, 1])
    assert step.obs.dtype == np.float32
    assert step.obs[0, 1].tolist() == [0.0, 0.0]
    assert step.avail_actions[0].tolist() == [[True, False, True], [True, True, False]]
    assert step.state.tolist() == step.obs.reshape(2, 4).tolist()


def test_the_team_reward_is_the_mean_and_the_end_comes_once() -> None:
    envs = make_vector_env(f"{GAMES}Counting?length=3", 1)
    step, rewards = envs.reset([0]), []
    for _ in range(5):
        step = envs.step(np.zeros((1, 2), dtype=np.int64))
        rewards.append(step.reward[0])
    assert rewards == [2.0, 2.0, 2.0, 0.0, 0.0]
    assert (step.terminated[0], step.truncated[0], step.success[0]) == (True, False, True)


def test_actions_start_where_the_space_starts() -> None:
    game = Counting()
    envs = TeamVector([game], 6, "game")
    envs.reset([0])
    envs.step(np.asarray([[2, 1]]))
    assert game.seen == [{"a": 7, "b": 1}]


def test_falls_are_told_per_agent() -> None:
    envs = make_vector_env(f"{GAMES}Counting", 1)
    envs.reset([0])
    envs.step(np.zeros((1, 2), dtype=np.int64))
    assert envs.step(np.zeros((1, 2), dtype=np.int64)).fell.tolist() == [[False, True]]


def test_the_clock_truncates() -> None:
    envs = make_vector_env(f"{GAMES}Counting?length=99&episode_limit=2", 1)
    envs.reset([0])
    envs.step(np.zeros((1, 2), dtype=np.int64))
    step = envs.step(np.zeros((1, 2), dtype=np.int64))
    assert (step.terminated[0], step.truncated[0], step.success[0]) == (False, True, False)


def test_state_is_asked_for_where_there_is_one() -> None:
    assert make_vector_env(f"{GAMES}WithState", 1).reset([0]).state.tolist() == [[0.0, 7.0]]


def test_dict_and_discrete_observations_are_read() -> None:
    step = make_vector_env(f"{GAMES}Sighted", 1).reset([0])
    assert step.obs.tolist() == [[[0.25, 0.5, 0.0], [0.0, 0.0, 1.0]]]
    assert step.avail_actions[0, 0].tolist() == [False, False, True]


def _same(one: TimeStep, other: TimeStep, *, but: tuple[str, ...] = ()) -> None:
    for name in set(TimeStep.__dataclass_fields__) - {"compact"}:  # made of what is compared
        left, right = np.asarray(getattr(one, name)), np.asarray(getattr(other, name))
        assert left.dtype == right.dtype, name
        assert name in but or np.array_equal(left, right), name


def test_macn_is_the_same_through_pettingzoo() -> None:
    mine = make_vector_env("pettingzoo:macn.parallel_env?layout=4x7&slip=0.2&max_steps=20", 3)
    direct = make_vector_env("macn:4x7?slip=0.2&max_steps=20", 3)
    seeds, rng = [5, 6, 7], np.random.default_rng(0)
    _same(mine.reset(seeds), direct.reset(seeds))
    for _ in range(25):
        actions = rng.integers(4, size=(3, 2))
        _same(mine.step(actions), direct.step(actions))
    assert mine.spec.episode_limit == direct.spec.episode_limit == 20


def test_the_same_seed_gives_the_same_episode() -> None:
    envs = make_vector_env(f"{GAMES}Counting", 2)
    first = envs.reset([4, 5])
    envs.step(np.zeros((2, 2), dtype=np.int64))
    _same(first, envs.reset([4, 5]))
    assert first.obs[0, 0, 0] != first.obs[1, 0, 0]


def test_a_module_stands_for_its_parallel_env() -> None:
    assert make_vector_env("pettingzoo:macn?layout=4x7&max_steps=5", 1).spec.episode_limit == 5


def test_the_current_directory_is_importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_game_of_my_own.py").write_text("from tests.envs.games import Counting as Game\n")
    monkeypatch.chdir(tmp_path)
    assert make_vector_env("pettingzoo:a_game_of_my_own.Game", 1).spec.n_agents == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pettingzoo:no_such_module.env", "no module 'no_such_module'"),
        (f"{GAMES}Countign", "did you mean 'Counting'"),
        (f"{GAMES}Counting?lenght=3", "did you mean 'length'"),
        (f"{GAMES}Counting?episode_limit=0", "at least 1"),
        (f"{GAMES}Counting?episode_limit={10**30}", "at most"),
        (f"{GAMES}Counting?episode_limit=1.5", "a whole number"),
        (f"{GAMES}Broken", "RuntimeError: no such file"),
        ("pettingzoo:not a name", "dotted name"),
        ("pettingzoo:sys.version", "sys is a part of Python"),
        ("pettingzoo:os.system?command=true", "os is a part of Python"),
        ("pettingzoo:rmix_kit.envs.importing.os.system?command=true", "os is a part of Python"),
        ("pettingzoo:tests.envs.strangers.partial_popen", "subprocess is a part of Python"),
        ("pettingzoo:numpy.array", "written in C"),
        ("pettingzoo:numpy.ndarray", "no reset and step"),
        ("pettingzoo:numpy.__version__", "expected a function or class"),
    ],
)
def test_texts_that_name_nothing_are_refused(text: str, words: str) -> None:
    with pytest.raises(EnvironmentTextError, match=words):
        make_vector_env(text, 1)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("pettingzoo:numpy.geterr", "lacks possible_agents"),
        (f"{GAMES}Endless", r"append it: .*Endless\?episode_limit=100"),
        (f"{GAMES}Continuous", "action space of a is Box.*expected Discrete"),
        (f"{GAMES}Uneven", "equally many axes"),
        (f"{GAMES}Wordy", "expected observation and perhaps action_mask"),
        (f"{GAMES}Outside", "outside its observation space"),
        (f"{GAMES}NotANumber", "not finite"),
        (f"{GAMES}Stuck", "a has no allowed action"),
        (f"{GAMES}Blind", "no observation of b"),
    ],
)
def test_environments_that_cannot_be_trained_on_are_refused(text: str, words: str) -> None:
    with pytest.raises(EnvironmentContractError, match=words):
        make_vector_env(text, 1).reset([0])


def test_the_team_stays_when_an_agent_leaves() -> None:
    envs = make_vector_env(f"{GAMES}LeavesEarly", 1)
    envs.reset([0])
    step = envs.step(np.zeros((1, 2), dtype=np.int64))
    assert not step.has_ended[0]
    assert step.obs[0, 1].tolist() == [0.0, 0.0]
    assert step.avail_actions[0, 1].tolist() == [True, False, False]


@pytest.mark.parametrize("space", [Discrete(10**10), MultiDiscrete([10**9, 10**9])])
def test_numbers_that_no_code_can_hold_are_refused_by_their_number(space: Space[Any]) -> None:
    with pytest.raises(EnvironmentContractError, match="cannot be coded one-hot"):
        observation_coding({"a": space}, "game", ())


def test_more_actions_than_networks_can_value_are_refused() -> None:
    game = Counting()
    game.action_space = lambda agent: Discrete(10**10)  # type: ignore[method-assign]
    with pytest.raises(EnvironmentContractError, match="at most 1,000,000 actions"):
        TeamVector([game], 6, "game")
