from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar
from unittest import mock

import pytest
import torch
from torch import Tensor, nn

from rmix_kit.algorithms import Algorithm, Networks, OptimizerSettings
from rmix_kit.algorithms.rdn import RDN
from rmix_kit.errors import NonFiniteError
from rmix_kit.testing.episodes import CPU, float_spec, make_spec
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import EnvSpec, EpisodeBatch, Losses, Progress
from tests.algorithms.cases import CASES, PROGRESS, batch_for, make_learner, weights
from tests.fixtures.blocks import random_block


def same(first: list[Tensor], second: list[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def spoilt_batch() -> EpisodeBatch:
    batch = batch_for(CASES["rmix"])
    reward = batch.reward.clone()
    reward[0, 0] = torch.nan
    return replace(batch, reward=reward)


def test_a_loss_that_is_not_finite_changes_no_weight() -> None:
    learner = make_learner(CASES["rmix"])
    before = weights(learner.online) + weights(learner.target)
    with pytest.raises(NonFiniteError):
        learner.update(spoilt_batch(), PROGRESS)
    assert same(before, weights(learner.online) + weights(learner.target))


def test_a_loss_that_is_not_finite_is_named() -> None:
    with pytest.raises(NonFiniteError, match="loss td is nan.*no weight was changed"):
        make_learner(CASES["rmix"]).update(spoilt_batch(), PROGRESS)


def test_training_goes_on_after_a_refused_update() -> None:
    spoilt, clean = make_learner(CASES["rmix"]), make_learner(CASES["rmix"])
    with pytest.raises(NonFiniteError):
        spoilt.update(spoilt_batch(), PROGRESS)
    for learner in (spoilt, clean):
        learner.update(batch_for(CASES["rmix"]), PROGRESS)
    assert same(weights(spoilt.online), weights(clean.online))


def test_targets_are_copied_every_so_many_episodes() -> None:
    learner = make_learner(CASES["rmix"], interval_episodes=10)
    copied = []
    for episodes in (4, 9, 10, 19, 20):
        learner.update(batch_for(CASES["rmix"]), replace(PROGRESS, episodes=episodes))
        copied.append(same(weights(learner.target), weights(learner.online)))
    assert copied == [False, False, True, False, True]


def test_targets_follow_by_a_rate() -> None:
    learner = make_learner(CASES["rmix"], interval_episodes=0, rate=0.25)
    before = weights(learner.target)
    learner.update(batch_for(CASES["rmix"]), PROGRESS)
    expected = [old + 0.25 * (new - old) for old, new in zip(before, weights(learner.online), strict=True)]
    torch.testing.assert_close(weights(learner.target), expected)


def test_online_and_target_start_equal() -> None:
    learner = make_learner(CASES["rmix"])
    assert same(weights(learner.target), weights(learner.online))


def test_the_initial_weights_depend_on_the_seed() -> None:
    first, second = (make_learner(CASES["rmix"], seed=seed) for seed in (0, 1))
    assert not same(weights(first.online), weights(second.online))


def test_building_a_learner_leaves_the_global_stream_alone() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        expected = torch.rand(3)
        torch.manual_seed(5)
        make_learner(CASES["rmix"])
        assert torch.equal(torch.rand(3), expected)


def test_the_learning_rate_factor_scales_the_step() -> None:
    still = make_learner(CASES["rmix"])
    before = weights(still.online)
    still.update(batch_for(CASES["rmix"]), PROGRESS, learning_rate_factor=0.0)
    assert same(before, weights(still.online))


class Weight(nn.Module):
    """One number, and the values it had whenever it was read."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Parameter(torch.tensor(1.0))


@dataclass(frozen=True, kw_only=True)
class TwoGroups(Algorithm):
    """Two groups that share one weight; the second loss's gradient depends on the weight."""

    name: ClassVar[str] = "two groups"
    learning_rate: float = 1.0

    def build(self, spec: EnvSpec) -> Networks:
        """Make the weight."""
        del spec
        return Networks(Weight())

    def optimizers(self) -> dict[str, OptimizerSettings]:
        """Name both groups."""
        settings = OptimizerSettings(kind="rmsprop", learning_rate=self.learning_rate, eps=1e30)
        return {"first": settings, "second": settings}

    def losses(self, online: Networks, target: Networks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Return 3 w and w^2."""
        weight = online.agent.value
        assert isinstance(weight, Tensor)
        return Losses({"first": 3 * weight, "second": weight.square()}, {})

    def joint_values(self, online: Networks, batch: EpisodeBatch) -> Tensor:
        """Return nothing of use."""
        del online
        return torch.zeros_like(batch.reward)


def test_all_gradients_are_taken_before_any_optimiser_steps() -> None:
    # rmsprop with a huge eps steps by lr * gradient / eps: with lr = eps / 10 the first step moves w to 0.7. A gradient
    # of w^2 taken after it would be 1.4 instead of 2.
    algorithm = TwoGroups(learning_rate=1e29)
    learner = Learner(algorithm, make_spec(), TargetSettings(), seed=0, device=CPU)
    learner.update(batch_for(CASES["rmix"]), PROGRESS)
    weight = learner.online.agent.value
    assert isinstance(weight, Tensor)
    assert weight.item() == pytest.approx(1.0 - 0.3 - 0.2)


def test_gradients_are_clipped_to_their_global_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    learner = make_learner(RDN(hidden_size=8, n_quantiles=4, grad_clip=1e-3, learning_rate=1e-3, optimizer="rmsprop"))
    optimizer = learner._optimizers["td"]
    step = mock.Mock(wraps=optimizer.step)
    monkeypatch.setattr(optimizer, "step", step)
    metrics = learner.update(batch_for(CASES["rmix"]), Progress())
    assert metrics["gradient_norm_td"] > 1e-3
    ((gradients, *_),) = [call.args for call in step.call_args_list]
    assert float(nn.utils.get_total_norm(gradients.values())) == pytest.approx(1e-3, rel=1e-2)


def test_targets_are_copied_every_so_many_steps_of_the_first_optimiser() -> None:
    learner = make_learner(CASES["qmix"], interval_episodes=0, interval_steps=3)
    copied = []
    for seed in range(7):
        learner.update(batch_for(CASES["qmix"], seed), PROGRESS)
        copied.append(same(weights(learner.online), weights(learner.target)))
    assert copied == [False, False, True, False, False, True, False]
    assert learner.steps_since_copy == 1


@pytest.mark.parametrize("name", ["rmix", "qtran", "coma"])
def test_no_weight_of_the_target_networks_asks_for_a_gradient(name: str) -> None:
    learner = make_learner(CASES[name], interval_episodes=1)
    for _ in range(2):  # as built, and after an update that ends with a copy
        assert [name for name, weight in learner.target.named_parameters() if weight.requires_grad] == []
        assert all(weight.requires_grad for weight in learner.online.parameters())
        learner.update(batch_for(CASES[name]), PROGRESS)


@dataclass(frozen=True, kw_only=True)
class Apart(TwoGroups):
    """Both groups hold both weights, and each loss reaches one of them."""

    name: ClassVar[str] = "apart"

    def build(self, spec: EnvSpec) -> Networks:
        """Make the two weights."""
        del spec
        agent = Weight()
        agent.register_parameter("other", nn.Parameter(torch.tensor(1.0)))
        return Networks(agent)

    def losses(self, online: Networks, target: Networks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Give 3 w and 2 v."""
        first, second = online.agent.value, online.agent.other
        assert isinstance(first, Tensor)
        assert isinstance(second, Tensor)
        return Losses({"first": 3 * first, "second": 2 * second}, {})


def test_an_optimiser_steps_only_what_its_own_loss_reaches() -> None:
    # As above, one step moves a weight by a tenth of its gradient, and twice by 0.3 and 0.2; a gradient that the other
    # group left behind would be stepped once more.
    learner = Learner(Apart(learning_rate=1e29), make_spec(), TargetSettings(), seed=0, device=CPU)
    for _ in range(2):
        learner.update(batch_for(CASES["rmix"]), PROGRESS)
    found = {name: weight.item() for name, weight in learner.online.named_parameters()}
    assert found == {"agent.value": pytest.approx(1.0 - 2 * 0.3), "agent.other": pytest.approx(1.0 - 2 * 0.2)}


def test_both_copies_of_the_networks_code_by_the_same_statistics() -> None:
    spec = float_spec()
    learner = make_learner(CASES["rmix"], spec=spec)
    before = {name: value.clone() for name, value in learner.target.named_buffers()}
    learner.observe(random_block([3, 5], spec=spec))
    online, target = (dict(networks.named_buffers()) for networks in (learner.online, learner.target))
    assert any(not torch.equal(value, before[name]) for name, value in online.items())
    assert [name for name, value in target.items() if not torch.equal(value, online[name])] == []
