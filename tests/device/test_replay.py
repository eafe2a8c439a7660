from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
import torch
from torch import Tensor

from rmix_kit.device.draws import stream_key
from rmix_kit.device.updates import BatchMaker, padded_lengths
from rmix_kit.replay import ReplayBuffer
from rmix_kit.types import EpisodeBatch, IntArray
from tests.device.setup import CPU, MACN, SEED, SMAC, Parts, make_parts, play


class Chosen(np.random.Generator):
    """Draws the places that it is given."""

    def __init__(self, places: IntArray) -> None:
        super().__init__(np.random.PCG64(0))
        self._places = places

    def integers(self, *_: object, **__: object) -> IntArray:  # type: ignore[override]
        return self._places


def on_host(parts: Parts) -> ReplayBuffer:
    """The same episodes in the host's replay."""
    buffer = ReplayBuffer(parts.game.spec, parts.replay.capacity, CPU, codec=parts.game.codec)
    buffer.added = parts.replay.added - len(parts.replay)
    buffer.add(parts.replay.last(len(parts.replay)))
    low, high = parts.replay.reward_range.tolist()
    buffer.reward_low, buffer.reward_high = low, high
    return buffer


def batch_maker(parts: Parts) -> BatchMaker:
    return BatchMaker(
        game=parts.game, replay=parts.replay, algorithm=parts.learner.algorithm, seed=SEED, reward_scale=0.05
    )


@pytest.mark.parametrize("env", [MACN, SMAC])
def test_a_batch_is_the_one_of_the_hosts_replay(env: str) -> None:
    parts = make_parts(env)
    play(parts, 20)
    places = np.array([3, 0, 7, 3])
    expected = on_host(parts).sample(4, Chosen(places), reward_scale=0.05)
    order = np.argsort(-on_host(parts).lengths[places], kind="stable")
    slots = parts.replay._ring[torch.from_numpy(places[order])]
    batch = batch_maker(parts)(slots, torch.tensor(1), expected.mask.shape[1])
    for entry in fields(EpisodeBatch):
        ours, theirs = getattr(batch, entry.name), getattr(expected, entry.name)
        if isinstance(theirs, Tensor):
            assert ours.dtype == theirs.dtype, entry.name
            assert torch.equal(ours, theirs), entry.name


def test_a_longer_batch_adds_padding_alone() -> None:
    parts = make_parts()
    play(parts, 20)
    slots = parts.replay._ring[:6]
    longest = int(parts.replay.lengths[slots].max())
    short, long = (batch_maker(parts)(slots, torch.tensor(1), steps) for steps in (longest, 20))
    assert torch.equal(long.mask[:, :longest], short.mask)
    assert not long.mask[:, longest:].any()
    assert torch.equal(long.obs[:, : longest + 1], short.obs)
    assert not long.obs[:, longest + 1 :].any()
    assert not long.state[:, longest + 1 :].any()
    assert long.avail_actions[:, longest + 1 :].all()


def test_every_episode_held_is_drawn_about_as_often() -> None:
    parts = make_parts(capacity=5)
    play(parts, 20)
    drawn = parts.replay.draw(stream_key(SEED, "replay"), torch.arange(400), 6)
    counts = torch.bincount(drawn.flatten(), minlength=9)
    assert sorted(set(drawn.flatten().tolist())) == sorted(parts.replay._ring[:5].tolist())
    assert counts[counts > 0].min() > 0.85 * drawn.numel() / 5


def test_draws_belong_to_an_updates_number() -> None:
    parts = make_parts()
    play(parts, 20)
    key = stream_key(SEED, "replay")
    together = parts.replay.draw(key, torch.arange(7, 10), 6)
    assert torch.equal(together[2], parts.replay.draw(key, torch.tensor([9]), 6)[0])


def test_slots_of_the_ring_and_of_the_copies_stay_apart() -> None:
    parts = make_parts(capacity=4)
    for _ in range(40):
        play(parts, 1)
        slots = [*parts.replay._ring[:4].tolist(), *parts.replay.slot.tolist()]
        assert sorted(slots) == list(range(8))
    assert parts.replay.added > 20


def test_padded_lengths_grow_to_the_limit() -> None:
    assert padded_lengths(70) == (16, 32, 48, 70)
    assert padded_lengths(180) == (16, 32, 48, 72, 108, 162, 180)
    assert padded_lengths(20) == (16, 20)
    assert padded_lengths(8) == (8,)
