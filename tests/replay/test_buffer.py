from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from rmix_kit.replay import EpisodeBlock, ReplayBuffer
from rmix_kit.testing.episodes import CPU, make_spec
from tests.fixtures.blocks import differing, random_block

SPEC = make_spec()


def marked_block(first: int, count: int) -> EpisodeBlock:
    """Episodes of one step whose reward is their number."""
    block = random_block([1] * count)
    return replace(block, reward=np.arange(first, first + count, dtype=np.float32)[:, None])


def rewards_of(block: EpisodeBlock) -> list[float]:
    return [float(value) for value in block.reward[:, 0]]


def test_the_newest_episodes_come_back_without_loss() -> None:
    buffer, block = ReplayBuffer(SPEC, 10, CPU), random_block([3, 8, 1, 5])
    buffer.add(block)
    assert differing(buffer.last(4), block) == []


def test_the_newest_episodes_are_trimmed_to_their_longest() -> None:
    buffer = ReplayBuffer(SPEC, 10, CPU)
    buffer.add(random_block([8, 2, 3]))
    assert buffer.last(2).reward.shape == (2, 3)


def test_dtypes_stay_compact() -> None:
    buffer = ReplayBuffer(SPEC, 4, CPU)
    buffer.add(random_block([2]))
    assert {name: str(array.dtype) for name, array in buffer.last(1).rows().items()} == {
        "observed.obs": "int8",
        "observed.state": "float32",
        "observed.avail_actions": "bool",
        "actions": "uint8",
        "is_explored": "bool",
        "reward": "float32",
        "terminated": "bool",
        "length": "int64",
        "risk_level": "float32",
    }


def test_the_oldest_episodes_give_way() -> None:
    buffer = ReplayBuffer(SPEC, 5, CPU)
    for first in (0, 3, 6):
        buffer.add(marked_block(first, 3))
    assert rewards_of(buffer.last(5)) == [4.0, 5.0, 6.0, 7.0, 8.0]


def test_the_length_counts_what_is_held() -> None:
    buffer = ReplayBuffer(SPEC, 5, CPU)
    buffer.add(marked_block(0, 4))
    buffer.add(marked_block(4, 4))
    assert len(buffer) == 5


def test_a_short_episode_in_a_used_slot_shows_nothing_of_the_old_one() -> None:
    buffer = ReplayBuffer(SPEC, 1, CPU)
    buffer.add(random_block([8], seed=1))
    short = random_block([2], seed=2)
    buffer.add(short)
    assert differing(buffer.last(1), short) == []


def filled_buffer() -> ReplayBuffer:
    buffer = ReplayBuffer(SPEC, 10, CPU)
    buffer.add(random_block([3, 5, 1, 4]))
    return buffer


def test_a_sample_is_ordered_longest_first_and_trimmed() -> None:
    batch = filled_buffer().sample(6, np.random.default_rng(0), reward_scale=1.0)
    lengths = batch.mask.sum(1).tolist()
    assert lengths == sorted(lengths, reverse=True)
    assert batch.mask.shape[1] == lengths[0]


def test_a_sample_allows_every_action_on_padding() -> None:
    batch = filled_buffer().sample(6, np.random.default_rng(0), reward_scale=1.0)
    padding = torch.nn.functional.pad(~batch.mask, (1, 0))
    assert batch.avail_actions[padding].all()


def test_a_sample_has_no_reward_on_padding() -> None:
    buffer = ReplayBuffer(SPEC, 2, CPU)
    buffer.add(random_block([8, 8], seed=1))
    buffer.add(random_block([2, 5], seed=2))  # the old episodes' rewards still lie behind these
    batch = buffer.sample(6, np.random.default_rng(0), reward_scale=1.0)
    assert (batch.reward[~batch.mask] == 0).all()


def test_a_sample_scales_rewards_and_their_range() -> None:
    one = filled_buffer().sample(6, np.random.default_rng(0), reward_scale=1.0)
    ten = filled_buffer().sample(6, np.random.default_rng(0), reward_scale=10.0)
    torch.testing.assert_close((ten.reward, ten.reward_range), (10 * one.reward, 10 * one.reward_range))


def test_the_reward_range_ignores_padding() -> None:
    buffer = ReplayBuffer(SPEC, 10, CPU)
    rewards = np.array([[5.0, 99.0], [6.0, -99.0]], dtype=np.float32)
    buffer.add(replace(random_block([2, 2]), reward=rewards, length=np.array([1, 1])))
    batch = buffer.sample(1, np.random.default_rng(0), reward_scale=1.0)
    assert batch.reward_range.tolist() == [5.0, 6.0]


def test_the_reward_range_remembers_episodes_that_gave_way() -> None:
    buffer = ReplayBuffer(SPEC, 1, CPU)
    for reward in (7.0, -3.0, 2.0):
        buffer.add(replace(random_block([1]), reward=np.full((1, 1), reward, dtype=np.float32)))
    assert buffer.sample(1, np.random.default_rng(0), reward_scale=1.0).reward_range.tolist() == [-3.0, 7.0]


def test_termination_lies_on_the_last_real_step_alone() -> None:
    buffer = ReplayBuffer(SPEC, 10, CPU)
    buffer.add(random_block([3]))  # row 0 terminates
    batch = buffer.sample(1, np.random.default_rng(0), reward_scale=1.0)
    assert batch.terminated.tolist() == [[False, False, True]]


def test_a_truncated_episode_has_no_terminal_step() -> None:
    buffer = ReplayBuffer(SPEC, 10, CPU)
    buffer.add(replace(random_block([3]), terminated=np.array([False])))
    batch = buffer.sample(1, np.random.default_rng(0), reward_scale=1.0)
    assert not batch.terminated.any()


def test_levels_are_drawn_from_the_grid_when_asked_for() -> None:
    batch = filled_buffer().sample(200, np.random.default_rng(0), reward_scale=1.0, level_draws=4)
    assert set(batch.risk_level.tolist()) == {0.25, 0.5, 0.75, 1.0}


def test_levels_are_zero_when_not_drawn() -> None:
    batch = filled_buffer().sample(3, np.random.default_rng(0), reward_scale=1.0)
    assert batch.risk_level.tolist() == [0.0, 0.0, 0.0]


def test_the_same_stream_draws_the_same_batch() -> None:
    first, second = (filled_buffer().sample(4, np.random.default_rng(3), reward_scale=1.0) for _ in range(2))
    assert torch.equal(first.obs, second.obs)


def test_a_share_of_the_episodes_keeps_the_level_of_its_play() -> None:
    buffer = ReplayBuffer(SPEC, 4, CPU)
    buffer.add(random_block([2, 2, 2, 2]))

    def levels(share: float) -> set[float]:
        batch = buffer.sample(300, np.random.default_rng(0), reward_scale=1.0, level_draws=1, level_redraw_share=share)
        return {round(float(level), 4) for level in batch.risk_level}

    assert levels(1.0) == {1.0}
    assert levels(0.0) == {0.1, 0.2, 0.3, 0.4}
    assert levels(0.5) == {0.1, 0.2, 0.3, 0.4, 1.0}


def test_a_batch_holds_the_newest_episodes_once_each_and_marks_them() -> None:
    buffer = ReplayBuffer(SPEC, 4, CPU)
    buffer.add(random_block([3, 1, 2, 1], seed=1))
    buffer.add(random_block([2, 5], seed=2))  # in the place of the two oldest
    batch = buffer.sample(8, np.random.default_rng(0), reward_scale=1.0, newest=2, epsilon=0.25)
    fresh = batch.reward[batch.is_newest]  # [episode, time], longest first
    expected = torch.from_numpy(random_block([2, 5], seed=2).reward).flip(0)
    assert batch.is_newest.sum() == 2
    torch.testing.assert_close(fresh, expected)
    assert batch.epsilon == 0.25


def test_an_on_policy_batch_holds_nothing_else() -> None:
    buffer = ReplayBuffer(SPEC, 4, CPU)
    buffer.add(random_block([3, 1, 2, 1], seed=1))
    batch = buffer.sample(0, np.random.default_rng(0), reward_scale=1.0, newest=3)
    assert batch.is_newest.tolist() == [True] * 3
    assert batch.mask.sum(1).tolist() == [2, 1, 1]


META = torch.device("meta")


def test_a_sample_lives_on_its_device() -> None:
    buffer = ReplayBuffer(SPEC, 4, META)
    buffer.add(random_block([3, 1, 2, 1]))
    batch = buffer.sample(3, np.random.default_rng(0), reward_scale=1.0)
    tensors = {name: value for name, value in vars(batch).items() if isinstance(value, Tensor)}
    assert {name for name, value in tensors.items() if value.device != META} == set()


def test_a_round_without_episodes_changes_nothing() -> None:
    buffer = filled_buffer()
    before = buffer.last(4)
    buffer.add(random_block([2, 1]).of_episodes(np.array([False, False])))
    assert (len(buffer), differing(buffer.last(4), before)) == (4, [])
