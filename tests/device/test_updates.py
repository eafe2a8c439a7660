"""Updates on the device: the host's losses, gradients and weights, of batches whose shapes are few."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms import ALGORITHMS, Algorithm
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.algorithms.vdn import VDN
from rmix_kit.replay.buffer import make_packing
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import EpisodeBatch, Progress
from tests.algorithms.cases import CASES, PROGRESS, batch_for, build, small
from tests.device.setup import CPU, Parts, make_parts, play

OFF_POLICY = {name: case for name, case in CASES.items() if case.data == "replay"}
each_case = pytest.mark.parametrize("name", OFF_POLICY)


def padded(batch: EpisodeBatch, steps: int) -> EpisodeBatch:
    """The same episodes with more padding, none of which is left out of the networks."""
    more = steps - batch.mask.shape[1]
    changed: dict[str, Any] = {}
    for name, value in vars(batch).items():
        if isinstance(value, Tensor) and value.ndim > 1:
            zeros = value.new_zeros(value.shape[0], more, *value.shape[2:])
            changed[name] = torch.cat([value, zeros | True if name == "avail_actions" else zeros], 1)
        else:
            changed[name] = value
    size, _, n_agents = batch.actions.shape
    changed["packing"] = make_packing(torch.full((size,), steps).numpy(), n_agents, CPU)
    return EpisodeBatch(**changed)


@each_case
def test_losses_and_gradients_do_not_see_padding(name: str) -> None:
    algorithm, batch = OFF_POLICY[name], batch_for(OFF_POLICY[name])
    found = []
    for given in (batch, padded(batch, 12)):
        online, target = build(algorithm)
        losses = algorithm.losses(online, target, given, PROGRESS)
        named = {
            group: torch.autograd.grad(
                loss,
                list(algorithm.parameters_of(group, online).values()),
                allow_unused=True,
                retain_graph=True,
                materialize_grads=True,
            )
            for group, loss in losses.groups.items()
        }
        found.append((losses, named))
    (ours, our_gradients), (theirs, their_gradients) = found
    # Sums over rows are added up in another order: float32's 6e-8 a term, over some hundred terms.
    for group, loss in ours.groups.items():
        torch.testing.assert_close(loss, theirs.groups[group], rtol=1e-5, atol=1e-6)
        for one, other in zip(our_gradients[group], their_gradients[group], strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=2e-6)
    assert ours.metrics.keys() == theirs.metrics.keys()
    for metric, value in ours.metrics.items():
        torch.testing.assert_close(value, theirs.metrics[metric], rtol=1e-5, atol=1e-6)


def progress_of(number: int) -> Progress:
    """RMIX's quantile step is due in every third update."""
    return Progress(
        env_steps=100 * number,
        previous_env_steps=100 * (number - 1),
        episodes=number,
        updates=number,
        best_success_rate=1.0,
    )


def filled(**changes: Any) -> Parts:
    parts = make_parts(**changes)
    play(parts, 24, epsilon=0.8)
    return parts


def run(parts: Parts, number: int, longest: int | None = None) -> EpisodeBatch:
    """Make one update of six episodes, and give the batch that it was of."""
    slots = parts.replay._ring[:6].roll(number)
    length = int(parts.replay.lengths[slots].max())
    batch = parts.updates._batches(slots, torch.tensor(number), length)
    parts.updates.run(slots, longest or length, progress_of(number), 0.5)
    return batch


THIRDS = small(RMIX, quantile_every_updates=3)


@pytest.mark.parametrize("algorithm", [THIRDS, small(VDN, optimizer="rmsprop")], ids=["adam", "rmsprop"])
def test_weights_move_as_the_learner_of_the_host_moves_them(algorithm: Algorithm[Any]) -> None:
    parts = filled(algorithm=algorithm)
    host = Learner(algorithm, parts.game.spec, TargetSettings(interval_episodes=4), seed=5, device=CPU)
    parts.learner._target_settings = TargetSettings(interval_episodes=4)
    for number in range(1, 8):
        batch = run(parts, number)
        metrics = host.update(batch, progress_of(number), learning_rate_factor=0.5)
        values = parts.updates.taken().tolist()
        assert values[0] == 0
        told = parts.updates.told(values)
        assert told.keys() == metrics.keys()
        for name, (total, count) in told.items():
            assert count == 1
            assert total == pytest.approx(float(metrics[name]), rel=1e-4, abs=1e-6)
    # The learning rate reaches the device as a float32, and padding changes the order of sums.
    for network in ("online", "target"):
        ours, theirs = (getattr(learner, network).state_dict() for learner in (parts.learner, host))
        for name, value in ours.items():
            torch.testing.assert_close(value, theirs[name], rtol=1e-4, atol=2e-6)
    assert parts.learner.last_copy_episodes == host.last_copy_episodes
    assert parts.learner.stepped_parameters == host.stepped_parameters


def test_nothing_moves_once_a_gradient_was_not_finite() -> None:
    parts = filled()
    run(parts, 1)
    parts.learner.online.agent.head.bias.data[0] = torch.nan
    before = {name: value.clone() for name, value in parts.learner.online.state_dict().items()}
    run(parts, 2)
    parts.learner.online.agent.head.bias.data[0] = before["agent.head.bias"][0] = 0.0
    run(parts, 4)
    assert float(parts.updates.is_bad) == 1
    for name, value in parts.learner.online.state_dict().items():
        assert torch.equal(value, before[name]), name


EARLY = Progress(env_steps=1000, previous_env_steps=900, episodes=20, updates=20, best_success_rate=1.0, share=0.1)
LATE = Progress(env_steps=90000, previous_env_steps=89000, episodes=900, updates=80, best_success_rate=1.0, share=0.9)


@each_case
def test_losses_of_one_variant_are_the_same_at_any_time(name: str) -> None:
    """What `Algorithm.loss_variant` promises, and why LH-IQN promises nothing."""
    algorithm, batch = OFF_POLICY[name], batch_for(OFF_POLICY[name])
    online, target = build(algorithm)
    early, late = (algorithm.losses(online, target, batch, progress).groups for progress in (EARLY, LATE))
    is_same = early.keys() == late.keys() and all(torch.equal(loss, late[group]) for group, loss in early.items())
    assert algorithm.loss_variant(EARLY) == algorithm.loss_variant(LATE)
    assert is_same == (algorithm.loss_variant(EARLY) is not None)


class Counted:
    """A capture that counts: how many programs there are, and how often each was run."""

    def __init__(self) -> None:
        self.runs: list[int] = []

    def __call__(self, program: Any) -> Any:
        index = len(self.runs)
        self.runs.append(0)

        def counted() -> None:
            self.runs[index] += 1
            program()

        return counted


def test_there_is_one_program_for_each_length_and_set_of_groups() -> None:
    capture = Counted()
    parts = filled(algorithm=THIRDS, capture=capture)
    for number, longest in ((1, 5), (2, 16), (3, 9), (4, 17), (6, 12), (7, 3)):
        run(parts, number, longest)
    assert capture.runs[1:] == [3, 2, 1]  # of 16 steps without and with the quantile loss, of 20 steps without


def test_sums_are_told_in_an_order_that_is_not_that_of_the_runs() -> None:
    parts = filled(algorithm=THIRDS)
    run(parts, 1, 17)
    longer = parts.updates.taken()
    run(parts, 2, 5)
    assert torch.equal(parts.updates.taken()[-len(longer) + 1 :], longer[1:])
    assert len(parts.updates.taken()) == 2 * len(longer) - 1


def test_numbers_that_follow_the_progress_are_never_captured() -> None:
    capture = Counted()
    parts = filled(algorithm=small(next(kind for kind in ALGORITHMS if kind.name == "lh-iqn")), capture=capture)
    run(parts, 1)
    run(parts, 2)
    assert len(capture.runs) == 1  # of the rollout
