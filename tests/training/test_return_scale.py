from __future__ import annotations

import numpy as np
import pytest

from rmix_kit.replay.episode import EpisodeBlock, empty_block
from rmix_kit.testing.episodes import make_spec
from rmix_kit.training.return_scale import SIZE, ReturnScale


def block_of(rewards: list[list[float]]) -> EpisodeBlock:
    block = empty_block(make_spec(), len(rewards), 8)
    for episode, numbers in enumerate(rewards):
        block.reward[episode, : len(numbers)] = numbers
        block.length[episode] = len(numbers)
    return block


def test_returns_are_seen_at_one_size() -> None:
    scale = ReturnScale()
    scale.add(block_of([[1.0, 2.0]]), gamma=0.5)  # returns-to-go 2 and 2
    assert scale.factor == pytest.approx(SIZE / 2)


def test_steps_from_which_nothing_is_paid_do_not_count() -> None:
    rare, often = ReturnScale(), ReturnScale()
    rare.add(block_of([[0.0] * 5] * 9 + [[0.0, 0.0, 1.0, 0.0]]), gamma=1.0)
    often.add(block_of([[0.0, 0.0, 1.0, 0.0]] * 10), gamma=1.0)
    assert rare.factor == often.factor == SIZE


@pytest.mark.parametrize("size", [1e-30, 1e-3, 1.0, 1e6, 1e37])
def test_the_factor_follows_the_size_of_rewards(size: float) -> None:
    scale = ReturnScale()
    scale.add(block_of([[size, -size, size]]), gamma=0.9)
    one = ReturnScale()
    one.add(block_of([[1.0, -1.0, 1.0]]), gamma=0.9)
    assert scale.factor * size == pytest.approx(one.factor)


def test_without_rewards_the_factor_is_one() -> None:
    scale = ReturnScale()
    scale.add(block_of([[0.0, 0.0]]), gamma=0.9)
    assert scale.factor == 1.0


def test_it_reads_back_exactly_and_does_not_depend_on_rounds() -> None:
    rng = np.random.default_rng(0)
    rewards = [rng.normal(size=4).tolist() for _ in range(6)]
    whole, parts = ReturnScale(), ReturnScale()
    whole.add(block_of(rewards), gamma=0.9)
    parts.add(block_of(rewards[:2]), gamma=0.9)
    parts = ReturnScale(**parts.to_json())
    parts.add(block_of(rewards[2:]), gamma=0.9)
    assert parts.count == whole.count
    assert parts.squares == pytest.approx(whole.squares)
