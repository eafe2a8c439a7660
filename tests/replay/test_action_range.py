"""Every action of every number of actions comes back as itself, wherever it is stored."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmix_kit.networks.value import ValueAgent
from rmix_kit.policy import TeamPolicy
from rmix_kit.replay import ReplayBuffer
from rmix_kit.replay.episode import EpisodeBlock, block_of_rows, empty_block
from rmix_kit.replay.records import pack, record_dtype, unpack
from rmix_kit.testing.episodes import make_spec
from rmix_kit.training.manifest import spec_from_dict, spec_to_dict
from rmix_kit.training.replay_files import read_segment, write_segment

CPU = torch.device("cpu")
SIZES = (1, 2, 255, 256, 257, 32_767, 32_768, 32_769, 65_536, 65_537)


def block_with(n_actions: int, actions: list[int]) -> EpisodeBlock:
    """Return one episode in which both agents do these actions."""
    spec = make_spec(n_actions=n_actions, episode_limit=len(actions))
    block = empty_block(spec, 1, len(actions))
    block.actions[0] = np.array(actions)[:, None]
    block.length[0] = len(actions)
    return block


@pytest.mark.parametrize("n_actions", SIZES)
def test_the_dtype_holds_the_last_action(n_actions: int) -> None:
    spec = make_spec(n_actions=n_actions)
    assert np.iinfo(spec.action_dtype).max >= n_actions - 1
    assert spec_from_dict(spec_to_dict(spec)).action_dtype == spec.action_dtype
    torch.from_numpy(np.zeros(1, dtype=spec.action_dtype))  # torch knows it


@settings(deadline=None, max_examples=40)
@given(data=st.data(), n_actions=st.sampled_from(SIZES))
def test_actions_survive_rows_records_and_batches(data: st.DataObject, n_actions: int) -> None:
    drawn = data.draw(st.lists(st.integers(0, n_actions - 1), min_size=1, max_size=4))
    actions = [*drawn, n_actions - 1]
    block = block_with(n_actions, actions)
    expected = np.repeat(np.array(actions)[:, None], 2, axis=1)
    assert np.array_equal(block.actions[0], expected)
    assert np.array_equal(block_of_rows(block.rows()).actions[0], expected)
    spec = make_spec(n_actions=n_actions, episode_limit=len(actions))
    dtype = record_dtype(spec, None)
    assert np.array_equal(unpack(pack(block, dtype), dtype)["actions"][:-1], expected)
    buffer = ReplayBuffer(spec, 2, CPU)
    buffer.add(block)
    assert np.array_equal(buffer.last(1).actions[0], expected)
    batch = buffer.sample(1, np.random.default_rng(0), reward_scale=1.0)
    assert batch.actions.dtype == torch.int64
    assert np.array_equal(batch.actions[0], expected)


@pytest.mark.parametrize("n_actions", SIZES)
def test_actions_survive_a_segment(tmp_path: Path, n_actions: int) -> None:
    block = block_with(n_actions, [0, n_actions - 1])
    buffer = ReplayBuffer(make_spec(n_actions=n_actions, episode_limit=2), 1, CPU)
    buffer.add(block)
    kept = read_segment(tmp_path, write_segment(tmp_path, buffer, 0), "step_0")
    assert kept.actions.dtype == block.actions.dtype
    assert np.array_equal(kept.actions, block.actions)


@pytest.mark.parametrize("n_actions", SIZES)
def test_the_carry_holds_the_action_that_was_taken(n_actions: int) -> None:
    spec = make_spec(n_actions=n_actions)
    policy = TeamPolicy(ValueAgent(spec, hidden_size=2), spec, CPU)
    last = policy.executed({}, np.array([[0, n_actions - 1]]))["last_action"]
    assert last.sum(-1).tolist() == [1.0, 1.0]
    assert last.argmax(-1).tolist() == [0, n_actions - 1]
