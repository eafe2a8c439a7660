"""Other people's environments: what is read of them, and what is said of them in one line with its place."""

from __future__ import annotations

import re

import numpy as np
import pytest

from rmix_kit.envs.interface import VectorEnv, is_costly, is_reproducible, reports_success
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import EnvironmentContractError
from tests.envs import strangers
from tests.envs.strangers import played

HERE = "pettingzoo:tests.envs.strangers."


def test_a_gone_agent_sees_zeros_within_the_bounds_may_do_nothing_and_costs_the_team_its_share() -> None:
    envs = make_vector_env(f"{HERE}OneDies", 1)
    steps = played(envs)
    assert len(steps) == 5
    assert steps[3].obs[0, 1].tolist() == [0.0, 0.0]
    assert envs.spec.obs_low == (0.0, 0.0)
    assert envs.spec.obs_high == (2.0, 2.0)
    assert steps[3].avail_actions[0].tolist() == [[True] * 3, [True, False, False], [True] * 3]
    assert [float(step.reward[0]) for step in steps] == pytest.approx([0, 1, 1, 2 / 3, 2 / 3])
    assert (steps[-1].terminated[0], steps[-1].truncated[0]) == (True, False)


def test_an_agent_of_which_nothing_is_said_is_gone() -> None:
    steps = played(make_vector_env(f"{HERE}NothingIsSaidOfTheDead", 1))
    assert [float(step.reward[0]) for step in steps] == pytest.approx([0, 1, 2 / 3, 2 / 3, 2 / 3])
    assert steps[2].avail_actions[0, 1].tolist() == [True, False, False]


def test_a_gone_agent_is_asked_nothing() -> None:
    game = strangers.OneDies()
    from rmix_kit.envs.team_vector import TeamVector

    played(TeamVector([game], 9, "game"))
    assert [sorted(actions) for actions in game.taken[-2:]] == [["a", "c"], ["a", "c"]]


def test_the_stand_in_state_has_the_bounds_of_the_observations_and_is_rebuilt() -> None:
    envs = make_vector_env(f"{HERE}OneDies", 2)
    spec, step = envs.spec, played(envs)[-2]
    assert (spec.state_dtype, spec.state_low, spec.state_high) == ("float32", (0.0,) * 6, (2.0,) * 6)
    assert step.compact is not None
    obs, state, mask = envs.codec.rebuild(step.compact)  # type: ignore[attr-defined]
    assert np.array_equal(obs, step.obs)
    assert np.array_equal(state, step.state)
    assert state.dtype == np.float32
    assert np.array_equal(mask, step.avail_actions)


def _made(name: str, num_envs: int = 1) -> VectorEnv:
    return make_vector_env(f"{HERE}{name}", num_envs)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Quits", r"step 1: step\(\) failed with SystemExit$"),
        ("Speechless", r"step 0: step\(\) failed with RuntimeError: first line second line"),
        ("NeverSays", "step 1: nothing says whether a is terminated or truncated"),
        ("InfoInWords", "step 0: the info of b is 'fine'; expected a dict"),
        ("SucceedsInTwoNumbers", "success of a is .*expected true or false"),
        ("StateOutside", "step 2: state.* lies between 9 and 9, outside its state_space"),
        ("StateOfFractions", r"state\(\) holds fractions, and its state_space is of int8"),
        ("StateEmpty", r"state\(\) is empty"),
        ("StateSpaceFails", r"state_space\(\) failed with RuntimeError: no space"),
        ("NobodyYet", r"possible_agents\(\) failed with RuntimeError: reset first"),
        ("Sees?what=ragged", "a: list was observed, which is no array"),
        ("Sees?what=no array", r"a: NoArray was observed, which is no array \(use detach"),
        ("Sees?what=nan of two", "a: nan was observed; expected 1 whole number"),
        ("PaysWholeNumbers", "step 1: the reward of a is 10{79}[.]{3}, which float32 cannot hold"),
        ("Listless", "there is no attribute agents"),
        ("Narrow", r"observation_space\(\) failed with KeyError: 'a'"),
    ],
)
def test_every_fault_is_one_line_with_its_place(name: str, words: str) -> None:
    with pytest.raises(EnvironmentContractError, match=words) as caught:
        played(_made(name), seed=11)
    assert re.search(f"{re.escape(HERE + name)}', copy 0, episode seed [0-9]+, step [0-9]", str(caught.value))
    assert "\n" not in str(caught.value)


def test_a_state_of_floats_may_leave_its_space() -> None:
    assert [float(step.state[0, 0]) for step in played(_made("StateOfFloatsOutside"))] == [1, 1, 9, 1, 1]


def test_the_original_error_is_the_cause() -> None:
    with pytest.raises(EnvironmentContractError) as caught:
        played(_made("Speechless"))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_copies_that_cannot_be_used_are_closed() -> None:
    strangers.Narrow.closed.clear()
    with pytest.raises(EnvironmentContractError):
        _made("Narrow", 3)
    assert len(strangers.Narrow.closed) == 3


@pytest.mark.parametrize(
    ("what", "seen"),
    [
        ("float32 of a double bound", 0.1),
        ("double of a float32 bound", 0.7),
        ("double of a float16 bound", 0.7001953125),
        ("double in a float16 box", 0.3333),
    ],
)
def test_a_number_that_rounds_onto_its_bound_is_inside_and_no_more_is_rounded(what: str, seen: float) -> None:
    envs = _made(f"Sees?what={what}")
    obs = envs.reset([0]).obs
    assert obs[0, 0, 0] == np.float32(seen)
    assert (obs <= np.asarray(envs.spec.obs_high)).all()


def test_success_of_all_beside_the_agents_infos_is_the_teams() -> None:
    envs = _made("SucceedsTogether")
    assert played(envs)[-1].success[0]
    assert reports_success(envs)


def test_one_flag_for_all_ends_the_team() -> None:
    steps = played(_made("EndsForAll"))
    assert (len(steps), bool(steps[-1].terminated[0])) == (5, True)


def test_a_battle_won_is_a_success() -> None:
    envs = _made("Won")
    assert bool(played(envs)[-1].success[0])
    assert reports_success(envs)


@pytest.mark.parametrize(
    "name",
    ["max_cycles", "max_steps", "max_episode_steps", "horizon", "ep_length", "episode_length", "time_limit"],
)
def test_an_asked_limit_reaches_the_argument_by_any_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scope: dict[str, object] = {"Limited": strangers.Limited, "__name__": strangers.__name__}
    exec(f"def limited({name}=7):\n    return Limited(limit={name})", scope)
    monkeypatch.setattr(strangers, "limited", scope["limited"], raising=False)
    assert len(played(_made("limited?episode_limit=4"))) == 5
    assert _made("limited").spec.episode_limit == 7


def test_a_limit_that_the_environment_cuts_short_is_an_error() -> None:
    envs = _made("CutsAtThree?episode_limit=9")
    assert [len(played(envs, seed)) for seed in range(2)] == [4, 4]
    with pytest.raises(EnvironmentContractError, match="episode_limit is 9.*first 3 episodes at step 3"):
        played(envs)
    for limit in (2, 3, 4):  # one less is another way to count
        envs = _made(f"CutsAtThree?episode_limit={limit}")
        assert [len(played(envs, seed)) for seed in range(4)] == [min(limit, 3) + 1] * 4


def test_a_limit_of_minus_one_is_none() -> None:
    with pytest.raises(EnvironmentContractError, match="append it"):
        _made("Unlimited")
    assert _made("Unlimited?episode_limit=2").spec.episode_limit == 2


def test_an_episode_that_depends_on_other_copies_is_not_reproducible() -> None:
    assert is_reproducible(_made("SharesItsLuck", 1))
    assert not is_reproducible(_made("SharesItsLuck", 2))
    assert is_reproducible(_made("Plain", 2))


def test_a_reset_that_fails_in_a_second_copy_names_it() -> None:
    strangers.FailsOnce.holders.clear()
    envs = _made("FailsOnce", 2)
    with pytest.raises(EnvironmentContractError, match=r"copy 1.*Address already in use.*copies=1"):
        envs.reset([0, 1])
    strangers.FailsOnce.holders.clear()
    alone = _made("FailsOnce?copies=1", 3)
    assert (alone.num_envs, is_costly(alone)) == (1, True)  # so that it is evaluated in
    assert len(played(alone)) == 5
