from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rmix_kit.replay import EpisodeBlock, ReplayBuffer, worst_case_bytes
from rmix_kit.replay.episode import block_of_rows, empty_block
from rmix_kit.replay.records import CHUNKS, chunk_episodes, episode_bytes, pack, record_dtype, unpack
from rmix_kit.testing.episodes import CPU, float_spec, make_spec
from tests.fixtures.blocks import differing, random_block

SPEC = make_spec()
ROUNDS = st.lists(st.lists(st.integers(1, SPEC.episode_limit), min_size=1, max_size=3), min_size=1, max_size=40)

# agents, actions, length of an observation, of the state, episode limit, and gigabytes of the paper's Table 3
SMAC_MAPS = {
    "5m_vs_6m": (5, 12, 55, 98, 70, 3.0),
    "8m_vs_9m": (8, 15, 85, 179, 120, 4.9),
    "10m_vs_11m": (10, 17, 105, 243, 150, 7.1),
    "1c3s5z": (9, 15, 162, 270, 180, 8.6),
    "MMM2": (10, 18, 176, 322, 180, 10.8),
    "corridor": (6, 30, 156, 282, 400, 14.4),
}


@pytest.mark.parametrize("name", SMAC_MAPS)
def test_five_thousand_full_episodes_as_received_take_four_fifths_of_the_papers_table_at_most(name: str) -> None:
    n_agents, n_actions, obs_size, state_size, limit, paper = SMAC_MAPS[name]
    spec = make_spec(n_agents=n_agents, n_actions=n_actions, state_size=state_size, episode_limit=limit)
    spec = replace(spec, obs_shape=(obs_size,), obs_dtype="float32")
    assert worst_case_bytes(spec, None, 5000) <= 0.8 * paper * 1e9


def test_the_bytes_of_a_record_are_those_of_its_fields() -> None:
    # state 5 * 4, reward 4, obs 2 * 2 * 1, masks 2 * 3, actions and their origin 2 * 2: 38, and 2 for alignment
    assert record_dtype(SPEC, None).itemsize == 40
    assert episode_bytes(SPEC, None) == 40 * (SPEC.episode_limit + 1)


def test_records_hold_true_lengths_only() -> None:
    assert len(pack(random_block([3, 8, 1]), record_dtype(SPEC, None))) == 4 + 9 + 2


@pytest.mark.parametrize("rows", [1, 5])
@pytest.mark.parametrize("obs_dtype", ["int8", "float32", "float64", "bool", "uint8"])
def test_what_is_packed_is_unpacked(obs_dtype: str, rows: int) -> None:
    spec = replace(float_spec(), obs_dtype=obs_dtype, n_agents=3)
    block, dtype = random_block([rows], spec=spec), record_dtype(spec, None)
    fields = unpack(pack(block, dtype), dtype)
    for name in ("obs", "state", "avail_actions"):
        np.testing.assert_array_equal(fields["observed." + name].numpy(), block.observed[name][0])
    np.testing.assert_array_equal(fields["reward"].numpy(), np.append(block.reward[0], 0))


def test_rows_give_the_block_back() -> None:
    block = random_block([3, 8, 1])
    assert differing(block_of_rows(block.rows()), block) == []


def test_rows_that_contradict_the_lengths_are_refused() -> None:
    rows = random_block([3, 8, 1]).rows()
    with pytest.raises(ValueError, match="the lengths say 12"):
        block_of_rows(rows | {"reward": rows["reward"][1:]})


def episodes_of(block: EpisodeBlock) -> list[EpisodeBlock]:
    """The episodes of a block, each a block of its own."""
    lengths = enumerate(block.length.tolist())
    return [block.of_episodes(np.array([row])).trimmed(length) for row, length in lengths]


@given(ROUNDS, st.integers(3, 9), st.integers(0, 100))
def test_the_replay_is_a_list_of_the_last_episodes(rounds: list[list[int]], capacity: int, seed: int) -> None:
    buffer = ReplayBuffer(SPEC, capacity, CPU)
    model: deque[EpisodeBlock] = deque(maxlen=capacity)
    for index, lengths in enumerate(rounds):
        block = random_block(lengths, seed + index)
        buffer.add(block)
        model.extend(episodes_of(block))
        kept = episodes_of(buffer.last(len(buffer)))
        assert len(kept) == len(model)
        assert [name for ours, theirs in zip(kept, model, strict=True) for name in differing(ours, theirs)] == []
        assert buffer.bytes_held == sum(int(e.length[0]) + 1 for e in model) * record_dtype(SPEC, None).itemsize


@given(ROUNDS, st.integers(3, 9), st.integers(0, 100))
def test_a_sample_holds_the_episodes_that_its_stream_draws(rounds: list[list[int]], capacity: int, seed: int) -> None:
    buffer = ReplayBuffer(SPEC, capacity, CPU)
    model: list[EpisodeBlock] = []
    for index, lengths in enumerate(rounds):
        block = random_block(lengths, seed + index)
        buffer.add(block)
        model.extend(episodes_of(block))
    slots = np.random.default_rng(seed).integers(0, len(buffer), size=6)
    newest_of_slot = [max(n for n in range(len(model)) if n % capacity == slot) for slot in slots]
    drawn = sorted((model[n] for n in newest_of_slot), key=lambda episode: -int(episode.length[0]))
    batch = buffer.sample(6, np.random.default_rng(seed), reward_scale=1.0)
    for row, episode in enumerate(drawn):
        length = int(episode.length[0])
        np.testing.assert_array_equal(batch.obs[row, : length + 1], episode.observed["obs"][0])
        np.testing.assert_array_equal(batch.state[row, : length + 1], episode.observed["state"][0])
        np.testing.assert_array_equal(batch.avail_actions[row, : length + 1], episode.observed["avail_actions"][0])
        np.testing.assert_array_equal(batch.reward[row, :length], episode.reward[0])
        np.testing.assert_array_equal(batch.actions[row, :length], episode.actions[0])
        np.testing.assert_array_equal(batch.is_explored[row, :length], episode.is_explored[0])
        assert batch.terminated[row].tolist() == [False] * (length - 1) + [bool(episode.terminated[0])] + [False] * (
            batch.mask.shape[1] - length
        )
        padding = [batch.obs[row, length + 1 :], batch.state[row, length + 1 :], batch.reward[row, length:]]
        assert all(not values.any() for values in padding)


@given(st.integers(1, 700), st.sampled_from(["full", "short", "mixed", "runs"]), st.integers(0, 100))
def test_memory_never_exceeds_the_worst_case(capacity: int, kind: str, seed: int) -> None:
    rng, limit = np.random.default_rng(seed), SPEC.episode_limit
    count = 3 * capacity
    lengths = {
        "full": np.full(count, limit),
        "short": np.ones(count, dtype=np.int64),
        "mixed": rng.integers(1, limit + 1, size=count),
        "runs": np.where(np.arange(count) // max(capacity // 3, 1) % 2, limit, 1),
    }[kind]
    buffer = ReplayBuffer(SPEC, capacity, torch.device("meta"))
    for first in range(0, count, capacity):
        part = lengths[first : first + capacity]
        buffer.add(replace(empty_block(SPEC, len(part), limit), length=part))
    assert buffer.bytes_held <= buffer.store.bytes_taken <= buffer.worst_case_bytes


def test_the_worst_case_is_close_to_full_episodes_alone() -> None:
    assert worst_case_bytes(SPEC, None, 5000) <= 1.01 * 5000 * episode_bytes(SPEC, None)
    assert [worst_case_bytes(SPEC, None, n) // episode_bytes(SPEC, None) for n in (1, 2, 60, CHUNKS)] == [
        1,
        2,
        60,
        CHUNKS,
    ]


def test_memory_follows_the_fill() -> None:
    buffer = ReplayBuffer(SPEC, 1280, CPU)
    slack = 2 * chunk_episodes(1280, episode_bytes(SPEC, None)) * episode_bytes(SPEC, None)
    assert buffer.store.bytes_taken == 0
    for index in range(40):  # more than three times its capacity
        buffer.add(random_block([2] * 100, index))
        assert buffer.store.bytes_taken <= 1.5 * buffer.bytes_held + slack
