"""What the device plays is what the environment plays, episode by episode."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from macn.counter_hash import counter_draws, stream_keys
from rmix_kit.algorithms.rmix_averse import RMIXAverse
from rmix_kit.collect.exploration import explore as explore_on_host
from rmix_kit.device.draws import UNIFORM_BITS, WHOLE_BITS, episode_seeds, stream_key, uniform
from rmix_kit.envs.interface import codec_of
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import CheckpointError
from rmix_kit.policy import TeamPolicy
from rmix_kit.replay.episode import EpisodeBlock, observed_of
from tests.algorithms.cases import small
from tests.device.setup import CPU, MACN, SEED, SMAC, Parts, make_parts, play
from tests.device.test_draws import Given

EPSILON, BLOCKS, STEPS = 0.4, 12, 8
STEP_FIELDS = ("actions", "is_explored", "reward")


@dataclass
class Episode:
    """An episode played on the host."""

    observed: dict[str, list[np.ndarray]]
    actions: list[np.ndarray] = field(default_factory=list)
    is_explored: list[np.ndarray] = field(default_factory=list)
    reward: list[np.float32] = field(default_factory=list)
    terminated: bool = False
    ended_at: tuple[int, int] = (0, 0)


def played_on_host(env: str, parts: Parts, copy: int) -> list[Episode]:
    """Play what one copy plays, with a vector environment and its NumPy collector's own functions."""
    envs = make_vector_env(env, 1)
    policy = TeamPolicy(parts.learner.online.agent, envs.spec, CPU)
    exploring = stream_keys(np.array([stream_key(SEED, "exploration")]), np.array([copy]), np.array([0]))
    found: list[Episode] = []
    clock = number = 0
    while clock < BLOCKS * STEPS:
        key = torch.tensor([stream_key(SEED, "train")])
        step = envs.reset(episode_seeds(key, torch.tensor([copy]), torch.tensor([number])).tolist())
        carry, number = policy.initial_carry(1), number + 1
        episode = Episode({name: [value[0]] for name, value in observed_of(step, codec_of(envs)).items()})
        while not step.has_ended[0] and clock < BLOCKS * STEPS:
            choice, carry = policy.act(step.obs, step.avail_actions, np.zeros(1, dtype=np.float32), carry)
            draws = counter_draws(exploring, np.array([clock]), np.arange(envs.spec.n_agents))
            shares = ((draws >> UNIFORM_BITS) & (2**WHOLE_BITS - 1)) / 2**WHOLE_BITS
            given = Given(uniform(torch.from_numpy(draws)).numpy(), shares)
            actions, is_explored = explore_on_host(
                choice.actions, step.avail_actions, float(np.float32(EPSILON)), given
            )
            carry, step, clock = policy.executed(carry, actions), envs.step(actions), clock + 1
            for name, value in observed_of(step, codec_of(envs)).items():
                episode.observed[name].append(value[0])
            episode.actions.append(actions[0])
            episode.is_explored.append(is_explored[0])
            episode.reward.append(step.reward[0])
        if step.has_ended[0]:
            episode.terminated, episode.ended_at = bool(step.terminated[0]), (clock, copy)
            found.append(episode)
    return found


def assert_is(block: EpisodeBlock, index: int, episode: Episode, **tolerance: Any) -> None:
    length = len(episode.reward)
    assert block.length[index] == length
    assert block.terminated[index] == episode.terminated
    for name in STEP_FIELDS:
        values = np.array(getattr(episode, name))
        np.testing.assert_allclose(getattr(block, name)[index, :length], values, **tolerance, err_msg=name)
        assert not getattr(block, name)[index, length:].any()
    for name, array in block.observed.items():
        np.testing.assert_allclose(
            array[index, : length + 1], np.array(episode.observed[name]), **tolerance, err_msg=name
        )
        assert not array[index, length + 1 :].any()


# Battles agree to 1e-4 (tests/smac/test_combat.py): torch adds damage and pushes up in another order than NumPy.
@pytest.mark.parametrize(("env", "tolerance"), [(MACN, {"rtol": 0}), (SMAC, {"rtol": 1e-4, "atol": 1e-4})])
def test_every_episode_is_the_one_that_the_host_plays(env: str, tolerance: dict[str, float]) -> None:
    parts = make_parts(env)
    play(parts, BLOCKS, EPSILON)
    expected = sorted(
        (episode for copy in range(4) for episode in played_on_host(env, parts, copy)), key=lambda e: e.ended_at
    )
    assert parts.replay.added == len(expected) > 6
    block = parts.replay.last(len(parts.replay))
    for index, episode in enumerate(expected[-len(parts.replay) :]):
        assert_is(block, index, episode, **tolerance)


def test_a_copy_that_ends_begins_anew_with_an_empty_memory() -> None:
    parts = make_parts(steps=1)
    ends = 0
    for _ in range(60):
        parts.rollout.run(1.0)
        elapsed = parts.rollout.now.copies["elapsed"]
        for name, value in parts.rollout.now.carry.items():
            rows = value.unflatten(0, (4, -1)).flatten(1)  # [env, ...]
            assert not rows[elapsed == 0].any(), name
        ends += int((elapsed == 0).sum())
        assert (parts.rollout.now.paid[elapsed == 0] == 0).all()
    assert ends > 4


def test_totals_of_a_block_are_those_of_its_episodes() -> None:
    parts = make_parts(capacity=200)
    sums = torch.zeros(5, dtype=torch.float64)
    for _ in range(BLOCKS):
        play(parts, 1)
        sums += parts.rollout.now.totals
    block = parts.replay.last(parts.replay.added)
    is_fall = (block.reward == -100).any(1)
    expected = [len(block.length), block.reward.sum(dtype=np.float64), 0, is_fall.sum(), block.length.sum()]
    assert sums[2] <= sums[0]
    np.testing.assert_array_equal(sums[[0, 1, 3, 4]], np.array(expected)[[0, 1, 3, 4]])


def test_levels_are_drawn_once_an_episode() -> None:
    parts = make_parts(algorithm=small(RMIXAverse))
    play(parts, BLOCKS)
    levels = parts.replay.last(len(parts.replay)).risk_level
    assert set(np.round(levels * 3).tolist()) == {1.0, 2.0, 3.0}


def test_blocks_of_any_length_play_the_same() -> None:
    one, other = make_parts(steps=3), make_parts(steps=8)
    play(one, 16)
    play(other, 6)
    assert one.replay.added == other.replay.added
    ours, theirs = (parts.replay.last(len(parts.replay)).rows() for parts in (one, other))
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name])
    for name, tensor in one.rollout.state_tensors().items():
        if name != "totals":
            assert torch.equal(tensor, other.rollout.state_tensors()[name]), name


def test_play_goes_on_from_a_recorded_state() -> None:
    whole, early, late = make_parts(), make_parts(), make_parts()
    play(whole, BLOCKS)
    play(early, 5)
    late.replay.add(early.replay.last(len(early.replay)))
    late.rollout.load_state({name: value.clone() for name, value in early.rollout.state_tensors().items()})
    play(late, BLOCKS - 5)
    count = min(len(late.replay), len(whole.replay))
    ours, theirs = whole.replay.last(count).rows(), late.replay.last(count).rows()
    for name, value in ours.items():
        np.testing.assert_array_equal(value, theirs[name])
    for name, tensor in whole.rollout.state_tensors().items():
        assert torch.equal(tensor, late.rollout.state_tensors()[name]), name


def test_the_state_of_other_copies_is_refused() -> None:
    with pytest.raises(CheckpointError, match="the copies in play belong to another run: carry/hidden_state is"):
        make_parts().rollout.load_state(make_parts(num_envs=3).rollout.state_tensors())
