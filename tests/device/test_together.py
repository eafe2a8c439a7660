"""Several seeds as one: every seed's play, batches and updates are those that it has alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms import Algorithm
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.algorithms.vdn import VDN
from rmix_kit.device.capture import Capture, eager
from rmix_kit.device.draws import stream_keys_of
from rmix_kit.device.replay import DeviceReplay
from rmix_kit.device.together import JointParts
from rmix_kit.device.updates import Planned
from tests.algorithms.cases import small
from tests.device.setup import CPU, MACN, SMAC, Parts, make_parts, play
from tests.device.test_updates import OFF_POLICY, THIRDS, progress_of

SEEDS = (5, 0, 9)


def joined(parts: list[Parts], seeds: tuple[int, ...] = SEEDS, capture: Capture = eager) -> JointParts:
    return JointParts(parts, seeds, 6, capture)


def each(seeds: tuple[int, ...] = SEEDS, **changes: Any) -> list[Parts]:
    return [make_parts(seed=seed, **changes) for seed in seeds]


def standing(parts: Parts) -> dict[str, Tensor]:
    """Everything of play and replay."""
    kept = {name: getattr(parts.replay, name) for name in DeviceReplay.TENSORS}
    return parts.rollout.now.tensors() | kept


@pytest.mark.parametrize(("env", "tolerance"), [(MACN, 0.0), (SMAC, 1e-4)])
def test_copies_of_several_seeds_play_as_those_of_each_alone(env: str, tolerance: float) -> None:
    alone, beside = each(env=env), each(env=env)
    together = joined(beside)
    for block in range(6 if env == MACN else 3):
        for index, (one, other) in enumerate(zip(alone, beside, strict=True)):
            one.rollout.run(0.2 + 0.3 * index)
            other.rollout.epsilon.fill_(0.2 + 0.3 * index)
        together.rollout.run()
        for one, other in zip(alone, beside, strict=True):
            found = standing(other)
            for name, expected in standing(one).items():
                # Memory is a sum of products in another order; in battles it decides positions, too, through rounding.
                limit = max(tolerance, 1e-5 if name.startswith("carry/") else 0.0)
                close = expected.dtype.is_floating_point and limit
                assert torch.allclose(found[name], expected, atol=limit) if close else torch.equal(
                    found[name], expected
                ), f"{name} after block {block}"
    assert all(int(parts.replay.held) > 3 for parts in beside) or env == SMAC


def test_draws_of_several_seeds_are_those_of_each() -> None:
    parts = each()
    for one in parts:
        play(one, 12)
    expected = [one.replay.draw(key, torch.arange(7, 10), 6) for one, key in zip(parts, keys(), strict=True)]
    together = joined(parts)
    numbers = torch.arange(7, 10).expand(3, 3)
    drawn = together.replay.draw(torch.tensor(keys()).unsqueeze(-1), numbers, 6)
    assert torch.equal(drawn, torch.stack(expected))
    longest = [one.replay.longest(own) for one, own in zip(parts, expected, strict=True)]
    assert torch.equal(together.replay.longest(drawn), torch.stack(longest))


def keys() -> list[int]:
    return [int(key) for key in stream_keys_of(SEEDS, "replay", CPU)]


def learned(parts: Parts) -> dict[str, Tensor]:
    """Everything that an update may move."""
    tensors = parts.learner.state_tensors()
    return {f"{file}/{name}": value for file, named in tensors.items() for name, value in named.items()}


OWED = (5, 2, 4)
"""Updates of each seed: with the third one, RMIX's quantile loss is due where `THIRDS` is learned."""


def update_both_ways(algorithm: Algorithm[Any]) -> tuple[list[Parts], list[Parts]]:
    """Make each seed's updates alone, and all of them together."""
    alone, beside = each(algorithm=algorithm), each(algorithm=algorithm)
    for one, other in zip(alone, beside, strict=True):
        play(one, 12, epsilon=0.8)
        play(other, 12, epsilon=0.8)
    together = joined(beside)
    numbers = torch.arange(1, 6) + torch.tensor([[0], [2], [7]])  # so that kinds differ between seeds
    drawn = together.replay.draw(torch.tensor(keys()).unsqueeze(-1), numbers, 6)
    longest = together.replay.longest(drawn)
    plans = [
        [Planned(int(longest[s, k]), progress_of(int(numbers[s, k])), 0.5) for k in range(owed)]
        for s, owed in enumerate(OWED)
    ]
    for seed, plan in enumerate(plans):
        for index, planned in enumerate(plan):
            alone[seed].updates.run(drawn[seed, index], *planned)
    together.updates.run(drawn, numbers, plans)
    return alone, beside


MORE = {"rmix, in turns": THIRDS, "vdn, rmsprop": small(VDN, optimizer="rmsprop")}


@pytest.mark.parametrize("name", [*OFF_POLICY, *MORE])
def test_updates_of_several_seeds_are_those_of_each_alone(name: str) -> None:
    alone, beside = update_both_ways((OFF_POLICY | MORE)[name])
    for one, other in zip(alone, beside, strict=True):
        expected, found = learned(one), learned(other)
        assert found.keys() == expected.keys()
        for tensor, value in expected.items():
            if tensor.endswith("/step"):
                assert torch.equal(found[tensor], value), tensor
            else:  # products over seeds add up in another order, and Adam's first steps follow a gradient's sign
                torch.testing.assert_close(found[tensor], value, rtol=2e-4, atol=5e-6, msg=tensor)
        (ours, theirs) = (parts.updates.told(parts.updates.taken().tolist()) for parts in (other, one))
        sums: dict[str, tuple[float, int]] = theirs
        assert ours.keys() == sums.keys()
        for metric, (total, count) in sums.items():
            assert ours[metric][1] == count
            assert ours[metric][0] == pytest.approx(total, rel=1e-3, abs=1e-5), metric
