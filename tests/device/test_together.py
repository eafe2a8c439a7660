"""Several seeds as one: every seed's play, batches and updates are those that it has alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms import Algorithm
from rmix_kit.algorithms.vdn import VDN
from rmix_kit.device.capture import Capture, eager
from rmix_kit.device.draws import stream_keys_of
from rmix_kit.device.replay import DeviceReplay
from rmix_kit.device.together import JointParts
from rmix_kit.device.updates import Planned
from rmix_kit.testing.device_watch import DeviceWatch
from tests.algorithms.cases import small
from tests.device.setup import CPU, MACN, SMAC, Parts, make_parts, play
from tests.device.test_capture import Outside
from tests.device.test_meta import META, Placing, watched
from tests.device.test_updates import OFF_POLICY, THIRDS, Counted, progress_of

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
                assert (
                    torch.allclose(found[name], expected, atol=limit) if close else torch.equal(found[name], expected)
                ), f"{name} after block {block}"
    assert all(int(parts.replay.held) > 3 for parts in beside) or env == SMAC


def test_draws_of_several_seeds_are_those_of_each(played: list[dict[str, Tensor]]) -> None:
    parts = filled(played, THIRDS)
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


OWED = (3, 1, 3)
"""Updates of each seed: with the third one, RMIX's quantile loss is due where `THIRDS` is learned."""


@pytest.fixture(scope="module")
def played() -> list[dict[str, Tensor]]:
    """What replays hold after some play, by seed; whoever learns from it, the game is the same."""
    parts = each(algorithm=OFF_POLICY["rmix-averse"])
    for one in parts:
        play(one, 12, epsilon=0.8)
    return [{name: getattr(one.replay, name) for name in DeviceReplay.TENSORS} for one in parts]


def filled(played: list[dict[str, Tensor]], algorithm: Algorithm[Any]) -> list[Parts]:
    parts = each(algorithm=algorithm)
    for one, tensors in zip(parts, played, strict=True):
        for name, tensor in tensors.items():
            getattr(one.replay, name).copy_(tensor)
    return parts


def update_both_ways(played: list[dict[str, Tensor]], algorithm: Algorithm[Any]) -> tuple[list[Parts], list[Parts]]:
    """Make each seed's updates alone, and all of them together."""
    alone, beside = filled(played, algorithm), filled(played, algorithm)
    together = joined(beside)
    numbers = torch.arange(1, 4) + torch.tensor([[0], [2], [7]])  # so that kinds differ between seeds
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
def test_updates_of_several_seeds_are_those_of_each_alone(name: str, played: list[dict[str, Tensor]]) -> None:
    alone, beside = update_both_ways(played, (OFF_POLICY | MORE)[name])
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


def test_a_seed_whose_loss_is_not_finite_stands_still_and_no_other(played: list[dict[str, Tensor]]) -> None:
    alone, beside = filled(played, THIRDS), filled(played, THIRDS)
    together = joined(beside)
    beside[1].learner.online.agent.head.bias.data[0] = torch.nan
    before = {name: value.clone() for name, value in learned(beside[1]).items()}
    numbers = torch.arange(1, 4).expand(3, 3)
    drawn = together.replay.draw(torch.tensor(keys()).unsqueeze(-1), numbers, 6)
    plan = [Planned(20, progress_of(number), 0.5) for number in (1, 2, 3)]
    together.updates.run(drawn, numbers, [plan] * 3)
    assert [float(parts.updates.is_bad) for parts in beside] == [0, 1, 0]
    for seed in (0, 2):
        for index, planned in enumerate(plan):
            alone[seed].updates.run(drawn[seed, index], *planned)
        found = learned(beside[seed])
        for name, value in learned(alone[seed]).items():
            torch.testing.assert_close(found[name], value, rtol=2e-4, atol=5e-6, msg=name)
    for name, value in before.items():
        assert torch.equal(learned(beside[1])[name].nan_to_num(7.0), value.nan_to_num(7.0)), name


def test_a_block_of_eight_seeds_starts_about_as_many_operations_as_that_of_one() -> None:
    """And reads nothing back; MACN's short episodes are the worst case, for what is done seed by seed is not long."""
    algorithm = THIRDS
    sizes: dict[str, Any] = {"algorithm": algorithm, "steps": 3, "device": META}
    playing, learning = watched(make_parts(**sizes))
    seeds = tuple(range(8))
    parts = each(seeds, **sizes)
    together = joined(parts, seeds)
    plans = [[Planned(16, progress_of(number), 0.5) for number in (4, 5, 6)]] * 8
    key, numbers = torch.zeros(8, 1, dtype=torch.int64, device=META), torch.zeros(8, 3, dtype=torch.int64, device=META)
    slots = torch.zeros(8, 3, 6, dtype=torch.int64, device=META)
    with DeviceWatch("meta"):
        together.updates.run(slots, numbers, plans)  # makes once what is made of the host's numbers
    with DeviceWatch("meta") as playing_together:
        together.rollout.run()
        drawn = together.replay.draw(key, numbers, 6)
        torch.cat([together.replay.longest(drawn).double().flatten(), *(each.updates.taken() for each in parts)])
    with DeviceWatch("meta") as learning_together:
        together.updates.run(drawn, numbers, plans)
    assert playing_together.complaints + learning_together.complaints == []
    assert playing_together.launches < 1.1 * playing.launches
    assert learning_together.launches < 1.3 * learning.launches


@pytest.mark.parametrize("name", ["rmix", "rmix-averse", "qtran", "cw-qmix", "qplex"])
def test_updates_of_several_seeds_never_ask_the_host(name: str) -> None:
    parts = each((0, 1), algorithm=OFF_POLICY[name], device=META)
    together = joined(parts, (0, 1))
    slots, numbers = (torch.zeros(shape, dtype=torch.int64, device=META) for shape in ((2, 2, 6), (2, 2)))
    plans = [[Planned(3, progress_of(number), 0.5) for number in (1, 2)][:owed] for owed in (2, 1)]
    with DeviceWatch("meta"):
        together.updates.run(slots, numbers, plans)
    with DeviceWatch("meta") as watch, Placing() as placing:
        together.updates.run(slots, numbers, plans)
    assert watch.complaints + placing.complaints == []


def test_nothing_is_allocated_or_read_between_updates_of_several_seeds(played: list[dict[str, Tensor]]) -> None:
    outside = Outside()
    together = joined(filled(played, THIRDS), capture=outside)
    numbers, drawn = torch.arange(1, 4).expand(3, 3), torch.zeros(3, 3, 6, dtype=torch.int64)
    plan = [Planned(9, progress_of(number), 1.0) for number in (1, 2, 3)]
    together.updates.run(drawn, numbers, [plan] * 3)
    with outside:
        together.updates.run(drawn, numbers, [plan, plan[:1], plan])
    assert outside.allocated == outside.read == []


def test_play_and_updates_of_several_seeds_are_captured_as_those_of_one(played: list[dict[str, Tensor]]) -> None:
    capture = Counted()
    beside = filled(played, THIRDS)
    together = joined(beside, capture=capture)
    together.rollout.run()
    numbers = torch.arange(1, 4) + torch.tensor([[0], [0], [1]])  # the third seed's quantile step comes one earlier
    drawn = torch.zeros(3, 3, 6, dtype=torch.int64)
    together.updates.run(drawn, numbers, [[Planned(9, progress_of(int(n)), 1.0) for n in row] for row in numbers])
    assert capture.runs == [1, 3, 2]  # of play, of updates without the quantile loss, and with it
