from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rmix_kit.collect import Collector, Round
from rmix_kit.collect.exploration import explore
from rmix_kit.errors import EnvironmentContractError
from rmix_kit.networks import QuantileAgent
from rmix_kit.policy import TeamPolicy
from rmix_kit.testing.episodes import CPU, allowed_actions, float_spec, make_spec, random_mask
from rmix_kit.types import EnvSpec, TimeStep
from tests.fixtures.blocks import differing
from tests.fixtures.scripted_env import ScriptedEnv

SPEC = make_spec()
COPIES = 4


def make_collector(spec: EnvSpec = SPEC) -> tuple[ScriptedEnv, Collector]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = QuantileAgent(spec, hidden_size=8, n_quantiles=4, level_source="predicted", n_levels=5)
    envs = ScriptedEnv(spec, COPIES)
    return envs, Collector(envs, TeamPolicy(agent, spec, CPU))


def collect(seed: int = 0, *, epsilon: float = 0.5) -> tuple[ScriptedEnv, Round]:
    envs, collector = make_collector()
    seeds = [COPIES * seed + i for i in range(COPIES)]
    return envs, collector.collect(seeds, epsilon=epsilon, rng=np.random.default_rng(seed))


@given(st.integers(0, 10_000), st.floats(0.0, 1.0))
def test_no_action_that_a_mask_forbids_is_ever_taken(seed: int, epsilon: float) -> None:
    envs, _ = collect(seed, epsilon=epsilon)
    assert envs.forbidden == 0


@given(st.integers(0, 10_000), st.floats(0.0, 1.0))
def test_exploration_draws_available_actions_only(seed: int, epsilon: float) -> None:
    rng = np.random.default_rng(seed)
    mask = random_mask((16, 2, 5), rng)
    actions = explore(allowed_actions(mask, rng), mask, epsilon, rng).actions
    assert np.take_along_axis(mask, actions[..., None], -1).all()


def test_exploration_at_one_draws_every_available_action_equally_often() -> None:
    mask = np.broadcast_to(np.array([True, False, True, True]), (30_000, 1, 4))
    greedy = np.zeros((30_000, 1), dtype=np.int64)
    actions = explore(greedy, mask, 1.0, np.random.default_rng(0)).actions
    shares = np.bincount(actions[:, 0], minlength=4) / 30_000
    np.testing.assert_allclose(shares, [1 / 3, 0, 1 / 3, 1 / 3], atol=0.01)  # three standard errors are 0.008


def test_exploration_at_zero_is_greedy() -> None:
    rng = np.random.default_rng(0)
    mask = random_mask((50, 2, 5), rng)
    greedy = allowed_actions(mask, rng)
    actions, is_explored = explore(greedy, mask, 0.0, rng)
    np.testing.assert_array_equal(actions, greedy)
    assert not is_explored.any()


def test_an_action_is_explored_where_a_random_draw_differs_from_the_own_one() -> None:
    mask = np.ones((4_000, 1, 4), dtype=np.bool_)
    greedy = np.full((4_000, 1), 2)
    actions, is_explored = explore(greedy, mask, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(is_explored, actions != greedy)
    drawn = explore(greedy, mask, 0.0, np.random.default_rng(0), np.full((4_000, 1, 4), 0.25, dtype=np.float32))
    assert (drawn.actions != greedy).any()
    assert not drawn.is_explored.any()  # a stochastic policy's own draw is no exploration


def test_the_exploration_stream_advances_equally_whatever_epsilon_is() -> None:
    streams = [np.random.default_rng(0), np.random.default_rng(0)]
    for rng, epsilon in zip(streams, (0.0, 1.0), strict=True):
        collector = make_collector()[1]
        collector.collect([0, 1, 2, 3], epsilon=epsilon, rng=rng)
    assert streams[0].random() == streams[1].random()


def test_the_block_holds_the_actions_that_were_executed() -> None:
    envs, found = collect()
    for env, length in enumerate(found.block.length):
        np.testing.assert_array_equal(found.block.actions[env, :length], np.array(envs.taken)[:length, env])


def test_returns_count_real_steps_only() -> None:
    found = collect()[1]
    lengths = found.block.length
    np.testing.assert_allclose(found.episode_return, lengths * (lengths + 1) / 2)  # rewards 1, 2, 3, ...


def test_a_truncated_copy_is_not_marked_as_terminated() -> None:
    assert collect()[1].block.terminated.tolist() == [True, False, True, False]


def test_nothing_lies_behind_an_episodes_end() -> None:
    block = collect(1)[1].block
    behind = np.arange(block.reward.shape[1]) >= block.length[:, None]
    assert not block.reward[behind].any()


def test_the_real_final_observation_is_kept() -> None:
    envs, found = collect()
    last = found.block.observed["obs"][np.arange(COPIES), found.block.length]
    np.testing.assert_array_equal(last, envs._current.obs)


def test_the_same_seeds_give_the_same_round() -> None:
    first, second = collect(5)[1], collect(5)[1]
    assert differing(first.block, second.block) == []


def test_steps_are_counted_over_all_copies() -> None:
    found = collect()[1]
    assert found.env_steps == found.block.length.sum()


def spoil_obs(step: TimeStep) -> TimeStep:
    obs = step.obs.copy()
    obs[1, 1, 0, 0] = np.nan
    return replace(step, obs=obs)


def test_a_nan_observation_stops_and_names_the_agent() -> None:
    envs, collector = make_collector(float_spec())
    envs.corrupt = spoil_obs
    with pytest.raises(EnvironmentContractError, match="agent 1 in copy 1 at step 0"):
        collector.collect([0, 1, 2, 3], epsilon=1.0, rng=np.random.default_rng(0))


def spoil_mask(step: TimeStep) -> TimeStep:
    mask = step.avail_actions.copy()
    mask[2, 0] = False
    return replace(step, avail_actions=mask)


def test_an_empty_mask_stops_and_names_the_agent() -> None:
    envs, collector = make_collector()
    envs.corrupt = spoil_mask
    with pytest.raises(EnvironmentContractError, match="agent 0 in copy 2 has no allowed action at step 0"):
        collector.collect([0, 1, 2, 3], epsilon=1.0, rng=np.random.default_rng(0))


def test_a_reward_that_is_not_finite_stops() -> None:
    envs, collector = make_collector()
    envs.corrupt = lambda step: replace(step, reward=np.full_like(step.reward, np.inf))
    with pytest.raises(EnvironmentContractError, match="reward of copy 0 at step 0"):
        collector.collect([0, 1, 2, 3], epsilon=1.0, rng=np.random.default_rng(0))


def test_an_episode_longer_than_the_limit_stops() -> None:
    envs, collector = make_collector()
    never = np.zeros(COPIES, dtype=np.bool_)
    envs.corrupt = lambda step: replace(step, terminated=never, truncated=never)
    with pytest.raises(EnvironmentContractError, match="longer than the limit"):
        collector.collect([0, 1, 2, 3], epsilon=1.0, rng=np.random.default_rng(0))


def break_copies(*copies: int) -> Callable[[TimeStep], TimeStep]:
    """From a copy's first step on it is damaged, and its flags say nothing."""

    def broken(step: TimeStep) -> TimeStep:
        damaged = np.zeros(COPIES, dtype=np.bool_)
        damaged[list(copies)] = step.reward.max() > 0
        return replace(
            step, damaged=damaged, terminated=step.terminated & ~damaged, truncated=step.truncated & ~damaged
        )

    return broken


def collect_broken(*copies: int) -> Round:
    envs, collector = make_collector()
    envs.corrupt = break_copies(*copies)
    return collector.collect([0, 1, 2, 3], epsilon=0.5, rng=np.random.default_rng(0))


def test_damaged_episodes_are_left_out_and_the_others_are_what_they_would_have_been() -> None:
    found, expected = collect_broken(1, 2), collect()[1]
    assert (found.episodes, found.damaged) == (2, 2)
    sound = [0, 3]
    for name, array in expected.block.of_episodes(np.array(sound)).rows().items():
        np.testing.assert_array_equal(found.block.rows()[name], array, err_msg=name)
    assert found.block.reward.shape[1] == expected.block.length[sound].max()
    for name in ("episode_return", "success", "fell", "risk_level"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name)[sound], err_msg=name)


def test_a_round_in_which_every_episode_breaks_is_empty() -> None:
    found = collect_broken(0, 1, 2, 3)
    assert (found.episodes, found.damaged, found.env_steps) == (0, 4, 0)
    assert found.block.reward.shape == (0, 0)


def test_an_environment_that_never_breaks_has_no_damaged_episodes() -> None:
    assert collect()[1].damaged == 0


LEVELS = np.array([0.2, 0.4, 0.6, 1.0], dtype=np.float32)


def collect_at(levels: np.ndarray, *broken: int) -> Round:
    envs, collector = make_collector()
    if broken:
        envs.corrupt = break_copies(*broken)
    return collector.collect([0, 1, 2, 3], epsilon=0.5, rng=np.random.default_rng(0), risk_level=levels)


def test_the_level_asked_for_lies_in_the_block_and_is_the_one_that_the_agents_used() -> None:
    found = collect_at(LEVELS)
    assert found.block.risk_level.dtype == np.float32
    np.testing.assert_array_equal(found.block.risk_level, LEVELS)
    np.testing.assert_allclose(found.risk_level, np.stack([LEVELS, LEVELS], axis=-1), rtol=1e-6)  # a mean of float32


def test_levels_stay_with_their_episodes_where_others_broke() -> None:
    assert collect_at(LEVELS, 0, 2).block.risk_level.tolist() == LEVELS[[1, 3]].tolist()


def test_where_the_agents_choose_the_block_holds_zero_and_the_round_what_they_chose() -> None:
    found = collect_at(np.array([0.0, 0.6, 0.0, 0.0], dtype=np.float32))
    assert found.block.risk_level.tolist() == pytest.approx([0.0, 0.6, 0.0, 0.0])
    assert found.risk_level[1].tolist() == pytest.approx([0.6, 0.6])
    own = found.risk_level[[0, 2, 3]]
    assert ((own >= 0.2 - 1e-6) & (own <= 1.0)).all()  # a mean of fifths
    assert collect()[1].block.risk_level.tolist() == [0.0] * COPIES
