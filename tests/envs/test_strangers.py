"""Other people's environments: what is read of them, and what is said of them in one line with its place."""

from __future__ import annotations

import re

import numpy as np
import pytest

from rmix_kit.envs.interface import VectorEnv, is_reproducible, notes_of, reports_success
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import EnvironmentContractError, EnvironmentTextError
from rmix_kit.types import TimeStep
from tests.envs import strangers

HERE = "pettingzoo:tests.envs.strangers."
TEAM = "gymnasium:tests.envs.strangers:Strangers"


def _played(envs: VectorEnv, seed: int = 5) -> list[TimeStep]:
    """One episode of all copies by the first allowed actions."""
    steps = [envs.reset(range(seed, seed + envs.num_envs))]
    while not steps[-1].has_ended.all():
        steps.append(envs.step(steps[-1].avail_actions.argmax(-1)))
    return steps


def test_a_gone_agent_sees_zeros_within_the_bounds_may_do_nothing_and_costs_the_team_its_share() -> None:
    envs = make_vector_env(f"{HERE}OneDies", 1)
    steps = _played(envs)
    assert len(steps) == 5
    assert steps[3].obs[0, 1].tolist() == [0.0, 0.0]
    assert envs.spec.obs_low == (0.0, 0.0)
    assert envs.spec.obs_high == (2.0, 2.0)
    assert steps[3].avail_actions[0].tolist() == [[True] * 3, [True, False, False], [True] * 3]
    assert [float(step.reward[0]) for step in steps] == pytest.approx([0, 1, 1, 2 / 3, 2 / 3])
    assert (steps[-1].terminated[0], steps[-1].truncated[0]) == (True, False)


def test_an_agent_of_which_nothing_is_said_is_gone() -> None:
    steps = _played(make_vector_env(f"{HERE}NothingIsSaidOfTheDead", 1))
    assert [float(step.reward[0]) for step in steps] == pytest.approx([0, 1, 2 / 3, 2 / 3, 2 / 3])
    assert steps[2].avail_actions[0, 1].tolist() == [True, False, False]


def test_a_gone_agent_is_asked_nothing() -> None:
    game = strangers.OneDies()
    from rmix_kit.envs.team_vector import TeamVector

    _played(TeamVector([game], 9, "game"))
    assert [sorted(actions) for actions in game.taken[-2:]] == [["a", "c"], ["a", "c"]]


def test_the_stand_in_state_has_the_bounds_of_the_observations_and_is_rebuilt() -> None:
    envs = make_vector_env(f"{HERE}OneDies", 2)
    spec, step = envs.spec, _played(envs)[-2]
    assert (spec.state_dtype, spec.state_low, spec.state_high) == ("float32", (0.0,) * 6, (2.0,) * 6)
    assert step.compact is not None
    obs, state, mask = envs.codec.rebuild(step.compact)  # type: ignore[attr-defined]
    assert np.array_equal(obs, step.obs)
    assert np.array_equal(state, step.state)
    assert state.dtype == np.float32
    assert np.array_equal(mask, step.avail_actions)


@pytest.mark.parametrize("form", ["dict", "list"])
def test_masks_of_all_agents_beside_their_infos_are_read(form: str) -> None:
    step = make_vector_env(f"{HERE}TellsAll?form={form}", 1).reset([0])
    assert step.avail_actions[0].tolist() == [[False, True, False]] * 3


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("TellsAll?what=legal", "legal"),
        ("Hints?what=a_list_of_actions", "legal_actions"),
        ("Hints?what=a_mapping_of_actions", "legal_actions"),
        ("Hints?what=a_column", "valid_actions"),
    ],
)
def test_a_mask_under_an_unknown_name_or_of_another_form_is_noticed(name: str, key: str) -> None:
    with pytest.raises(EnvironmentContractError, match=f"a is given '{key}'.*append mask={key}"):
        make_vector_env(f"{HERE}{name}", 1)


@pytest.mark.parametrize("what", ["numbers", "additive"])
def test_a_mask_of_other_numbers_than_zero_and_one_is_refused(what: str) -> None:
    with pytest.raises(EnvironmentContractError, match="a's action_mask is .*expected one 0 or 1 per action"):
        make_vector_env(f"{HERE}Hints?what={what}", 1)


@pytest.mark.parametrize("text", ["Hints?what=a_count", "Hints?what=a_list", "Hints?what=a_list_of_actions&mask=none"])
def test_what_is_no_mask_stops_nobody(text: str) -> None:
    assert make_vector_env(f"{HERE}{text}", 1).reset([0]).avail_actions.all()


def test_a_mask_method_under_sb3s_name_is_read() -> None:
    step = make_vector_env(f"{HERE}MaskedByMethod", 1).reset([0])
    assert step.avail_actions[0].tolist() == [[True, False, True]] * 3


def test_a_mask_method_under_an_unknown_name_is_said_and_can_be_named() -> None:
    assert any("legal_moves() is not read as a mask" in note for note in notes_of(_made("MaskedUnheard")))
    named = _made("MaskedUnheard?mask=legal_moves")
    assert named.reset([0]).avail_actions[0].tolist() == [[False, True, True]] * 3
    assert len(notes_of(named)) == len(notes_of(_made("MaskedUnheard?mask=none"))) == 1


def _made(name: str, num_envs: int = 1) -> VectorEnv:
    return make_vector_env(f"{HERE}{name}", num_envs)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Quits", r"step 1: step\(\) failed with SystemExit"),
        ("Speechless", r"step 0: step\(\) failed with RuntimeError: first line second line"),
        ("NeverSays", "step 1: nothing says whether a is terminated or truncated"),
        ("InfoInWords", "step 0: the info of b is 'fine'; expected a dict"),
        ("SucceedsInTwoNumbers", "success of a is .*expected true or false"),
        ("StateOutside", "step 2: state.* lies between 9 and 9, outside its state_space"),
        ("Hints?what=text", r"a's action_mask has shape \(\)"),
        ("Listless", "there is no attribute agents"),
        ("Narrow", r"observation_space\(\) failed with KeyError: 'a'"),
    ],
)
def test_every_fault_is_one_line_with_its_place(name: str, words: str) -> None:
    with pytest.raises(EnvironmentContractError, match=words) as caught:
        _played(_made(name), seed=11)
    assert re.search(f"{re.escape(HERE + name)}', copy 0, episode seed [0-9]+, step [0-9]", str(caught.value))
    assert "\n" not in str(caught.value)


def test_the_original_error_is_the_cause() -> None:
    with pytest.raises(EnvironmentContractError) as caught:
        _played(_made("Speechless"))
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_copies_that_cannot_be_used_are_closed() -> None:
    strangers.Narrow.closed.clear()
    with pytest.raises(EnvironmentContractError):
        _made("Narrow", 3)
    assert len(strangers.Narrow.closed) == 3


def test_one_flag_for_all_ends_the_team() -> None:
    steps = _played(_made("EndsForAll"))
    assert (len(steps), bool(steps[-1].terminated[0])) == (5, True)


def test_a_battle_won_is_a_success() -> None:
    envs = _made("Won")
    assert bool(_played(envs)[-1].success[0])
    assert reports_success(envs)


@pytest.mark.parametrize(
    "name",
    ["max_cycles", "max_steps", "max_episode_steps", "horizon", "ep_length", "episode_length", "time_limit"],
)
def test_an_asked_limit_reaches_the_argument_by_any_name(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    scope: dict[str, object] = {"Limited": strangers.Limited}
    exec(f"def limited({name}=7):\n    return Limited(limit={name})", scope)
    monkeypatch.setattr(strangers, "limited", scope["limited"], raising=False)
    assert len(_played(_made("limited?episode_limit=4"))) == 5
    assert _made("limited").spec.episode_limit == 7


def test_a_limit_that_the_environment_cuts_short_is_an_error() -> None:
    envs = _made("CutsAtThree?episode_limit=9")
    assert [len(_played(envs, seed)) for seed in range(2)] == [4, 4]
    with pytest.raises(EnvironmentContractError, match="episode_limit is 9.*first 3 episodes at step 3"):
        _played(envs)
    for limit in (2, 3, 4):  # one less is another way to count
        envs = _made(f"CutsAtThree?episode_limit={limit}")
        assert [len(_played(envs, seed)) for seed in range(4)] == [min(limit, 3) + 1] * 4


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
    assert len(_played(_made("FailsOnce", 1))) == 5


def test_a_gymnasium_team_is_summed_and_says_so() -> None:
    envs = make_vector_env(f"{TEAM}Team-v0", 1)
    assert float(_played(envs)[1].reward[0]) == 3.0
    assert notes_of(envs)[0].startswith("team reward: the sum of the agents' rewards (reward=mean, sum or first")
    assert envs.spec.agent_ids == ("agent_0", "agent_1")


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("Team-v0", 5),
        ("Team-v0?episode_limit=3", 3),
        ("Team-v0?episode_limit=20", 20),
        ("Team-v0?max_steps=8", 8),
        ("Team-v0?max_steps=8&episode_limit=8", 8),
        ("Clocked-v0", 5),
        ("Clocked-v0?episode_limit=3", 3),
        ("Clocked-v0?episode_limit=20", 20),
        ("Clocked-v0?max_episode_steps=20", 20),
    ],
)
def test_a_limit_reaches_gymnasiums_clock_and_the_teams_own(text: str, length: int) -> None:
    envs = make_vector_env(f"{TEAM}{text}", 1)
    assert envs.spec.episode_limit == length
    assert len(_played(envs)) == length + 1


@pytest.mark.parametrize("text", ["Team-v0?max_steps=8&episode_limit=9", "Team-v0?max_episode_steps=8&episode_limit=9"])
def test_two_limits_that_differ_are_refused(text: str) -> None:
    with pytest.raises(EnvironmentTextError, match=f"{re.escape(text)}.*give one of them"):
        make_vector_env(f"{TEAM}{text}", 1)


@pytest.mark.parametrize(
    ("form", "first"),
    [
        ("matrix", [[0, 0, 1, 1, 0], [1, 0, 0, 0, 1]]),
        ("binaries", [[1, 0, 1], [0, 0, 1]]),
        ("codes", [[0, 0, 0, 1], [1, 0, 0, 0]]),
    ],
)
def test_observations_in_one_space_are_parted(form: str, first: list[list[int]]) -> None:
    envs = make_vector_env(f"{TEAM}Team-v0?form={form}", 1)
    assert envs.reset([0]).obs[0].tolist() == first
    assert len(_played(envs)) == 6


def test_a_reward_in_an_array_of_one_is_the_teams() -> None:
    assert float(_played(make_vector_env(f"{TEAM}Team-v0?form=one", 1))[1].reward[0]) == 1.5


def test_a_reward_too_many_is_refused_with_its_place() -> None:
    with pytest.raises(EnvironmentContractError, match="copy 0, episode seed 5, step 0: there are 3 entries of reward"):
        _played(make_vector_env(f"{TEAM}Team-v0?form=short", 1))


def test_success_of_each_in_one_array_is_parted() -> None:
    assert not _played(make_vector_env(f"{TEAM}Team-v0?form=success", 1))[-1].success[0]
    assert _played(make_vector_env(f"{TEAM}Team-v0?form=success&success=any", 1))[-1].success[0]
