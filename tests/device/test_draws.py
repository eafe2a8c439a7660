from __future__ import annotations

import numpy as np
import torch

from macn.counter_hash import mix, stream_keys
from rmix_kit.collect.exploration import explore as explore_on_host
from rmix_kit.device.draws import (
    STREAMS,
    UNIFORM_BITS,
    WHOLE_BITS,
    episode_seeds,
    explore,
    numbered_draws,
    open_uniform,
    stream_key,
    uniform,
    whole,
)
from rmix_kit.testing.episodes import allowed_actions, random_mask


class Given(np.random.Generator):
    """Gives two arrays in place of its first two draws."""

    def __init__(self, *arrays: np.ndarray) -> None:
        super().__init__(np.random.PCG64(0))
        self._arrays = list(arrays)

    def random(self, *_: object, **__: object) -> np.ndarray:  # type: ignore[override]
        return self._arrays.pop(0)


def some_draws(*shape: int) -> torch.Tensor:
    return numbered_draws(stream_key(3, "exploration"), torch.arange(shape[0]), shape[1])


def test_exploration_chooses_what_the_host_chooses_from_the_same_numbers() -> None:
    rng = np.random.default_rng(0)
    mask = random_mask((500, 3, 7), rng)
    greedy = allowed_actions(mask, rng)
    draws = some_draws(500, 3)
    parts = (draws.numpy() >> UNIFORM_BITS) & (2**WHOLE_BITS - 1)
    given = Given(uniform(draws).numpy(), parts / 2**WHOLE_BITS)
    expected = explore_on_host(greedy, mask, 0.25, given)
    actions, is_explored = explore(torch.from_numpy(greedy), torch.from_numpy(mask), torch.tensor(0.25), draws)
    np.testing.assert_array_equal(actions, expected.actions)
    np.testing.assert_array_equal(is_explored, expected.is_explored)
    assert 0 < is_explored.float().mean() < 0.25


def test_exploration_never_takes_what_is_not_allowed() -> None:
    mask = torch.from_numpy(random_mask((400, 3, 5), np.random.default_rng(1)))
    actions, _ = explore(mask.int().argmax(-1), mask, torch.tensor(1.0), some_draws(400, 3))
    assert mask.gather(-1, actions.unsqueeze(-1)).all()


def test_numbers_are_spread_evenly() -> None:
    draws = some_draws(4000, 5)
    assert abs(float(uniform(draws).mean()) - 0.5) < 0.01
    counts = whole(draws, 7).flatten().bincount(minlength=7)
    assert len(counts) == 7
    assert counts.min() > 0.9 * draws.numel() / 7
    assert open_uniform(draws).min() > 0
    assert open_uniform(draws).max() < 1


def test_episode_seeds_are_the_same_on_the_host() -> None:
    copy, episode = np.arange(6), np.array([0, 1, 2, 0, 7, 9])
    key = np.full(6, stream_key(11, "train"))
    found = episode_seeds(*(torch.from_numpy(array) for array in (key, copy, episode)))
    np.testing.assert_array_equal(found, stream_keys(key, copy, episode) & (2**31 - 1))
    assert len(set(found.tolist())) == 6


def test_every_run_and_stream_has_a_key_of_its_own() -> None:
    keys = [stream_key(seed, stream) for seed in (0, 1, 2**120) for stream in STREAMS]
    assert len(set(keys)) == len(keys)
    assert all(0 <= key < 2**63 for key in keys)


def test_the_finaliser_wraps_alike_on_numpy_and_torch() -> None:
    values = np.array([0, 1, -1, 2**62, -(2**63)], dtype=np.int64)
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(mix(torch.from_numpy(values)), mix(values))
