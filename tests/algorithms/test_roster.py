from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from rmix_kit.algorithms import ALGORITHMS, Algorithm
from rmix_kit.training.learner import Learner, TargetSettings
from tests.algorithms.cases import (
    CASES,
    PROGRESS,
    SPEC,
    UNTRAINED,
    batch_for,
    build,
    compute,
    make_learner,
    weights,
)
from tests.fixtures.device_watch import DeviceWatch, on_device

META = torch.device("meta")
each_case = pytest.mark.parametrize("name", CASES)


def test_names_are_unique() -> None:
    names = [kind.name for kind in ALGORITHMS]
    assert len(names) == len(set(names))


@each_case
def test_every_loss_is_a_finite_scalar(name: str) -> None:
    groups = compute(CASES[name])[2].groups
    assert all(loss.shape == () and loss.isfinite() for loss in groups.values())


@each_case
def test_groups_are_those_with_an_optimiser(name: str) -> None:
    assert set(compute(CASES[name])[2].groups) == set(CASES[name].optimizers())


@each_case
def test_metrics_are_detached_finite_scalars(name: str) -> None:
    metrics = compute(CASES[name])[2].metrics
    assert all(value.shape == () and value.isfinite() and not value.requires_grad for value in metrics.values())


@each_case
def test_every_parameter_has_a_gradient_except_where_the_definition_says_not(name: str) -> None:
    algorithm = CASES[name]
    online, _, losses = compute(algorithm)
    reached: set[str] = set()
    for group, loss in losses.groups.items():
        named = algorithm.parameters_of(group, online)
        found: tuple[Tensor | None, ...] = torch.autograd.grad(
            loss, list(named.values()), allow_unused=True, retain_graph=True
        )
        reached |= {key for key, slope in zip(named, found, strict=True) if slope is not None and slope.abs().sum() > 0}
    untrained = UNTRAINED.get(name, ())
    expected = {key for key, _ in online.named_parameters() if not (untrained and key.startswith(untrained))}
    assert reached == expected


@each_case
def test_losses_never_reach_the_target_networks(name: str) -> None:
    algorithm = CASES[name]
    online, target = build(algorithm)
    target.requires_grad_(True)  # as if someone had forgotten to freeze them
    losses = algorithm.losses(online, target, batch_for(algorithm), PROGRESS)
    total = torch.stack(list(losses.groups.values())).sum()
    found = torch.autograd.grad(total, list(target.parameters()), allow_unused=True)
    assert all(slope is None for slope in found)


@each_case
def test_an_update_leaves_the_target_networks_alone(name: str) -> None:
    learner = make_learner(CASES[name], interval_episodes=0)
    before = weights(learner.target)
    learner.update(batch_for(CASES[name]), PROGRESS)
    assert all(torch.equal(old, new) for old, new in zip(before, weights(learner.target), strict=True))


@each_case
def test_losses_change_no_weight(name: str) -> None:
    algorithm = CASES[name]
    online, target = build(algorithm)
    before = weights(online) + weights(target)
    algorithm.losses(online, target, batch_for(algorithm), PROGRESS)
    assert all(torch.equal(old, new) for old, new in zip(before, weights(online) + weights(target), strict=True))


def updated(algorithm: Algorithm) -> list[Tensor]:
    learner = make_learner(algorithm, seed=3)
    for seed in range(3):
        learner.update(batch_for(algorithm, seed), replace(PROGRESS, updates=seed))
    return weights(learner.online)


@each_case
def test_the_same_seed_gives_the_same_weights(name: str) -> None:
    assert all(torch.equal(a, b) for a, b in zip(updated(CASES[name]), updated(CASES[name]), strict=True))


@each_case
def test_a_batch_of_one_episode_of_one_step_is_enough(name: str) -> None:
    algorithm = CASES[name]
    online, target = build(algorithm)
    losses = algorithm.losses(online, target, batch_for(algorithm, lengths=(1,)), PROGRESS)
    assert all(loss.isfinite() for loss in losses.groups.values())


@each_case
def test_padding_never_changes_a_loss(name: str) -> None:
    algorithm = CASES[name]
    online, target = build(algorithm)
    batch = batch_for(algorithm)
    padding = torch.nn.functional.pad(~batch.mask, (1, 0))  # [batch, time + 1]
    spoilt = replace(
        batch,
        obs=torch.where(padding[..., None, None], torch.full_like(batch.obs, 3), batch.obs),
        state=torch.where(padding[..., None], torch.full_like(batch.state, 50.0), batch.state),
        actions=torch.where(batch.mask[..., None], batch.actions, torch.full_like(batch.actions, 2)),
        reward=torch.where(batch.mask, batch.reward, torch.full_like(batch.reward, 1000.0)),
    )
    clean = algorithm.losses(online, target, batch, PROGRESS).groups
    dirty = algorithm.losses(online, target, spoilt, PROGRESS).groups
    torch.testing.assert_close(dirty, clean, rtol=1e-6, atol=1e-6)


@each_case
def test_the_value_of_a_loss_does_not_depend_on_the_order_of_episodes(name: str) -> None:
    algorithm = CASES[name]
    online, target = build(algorithm)
    batch = batch_for(algorithm, lengths=(4, 4, 4))
    order = torch.tensor([2, 0, 1])
    per_episode = ["obs", "state", "avail_actions", "actions", "reward", "terminated", "mask"]
    per_episode += ["is_explored", "risk_level", "tau", "is_newest"]
    shuffled = replace(batch, **{key: getattr(batch, key)[order] for key in per_episode})
    first = algorithm.losses(online, target, batch, PROGRESS).groups
    second = algorithm.losses(online, target, shuffled, PROGRESS).groups
    torch.testing.assert_close(second, first, rtol=1e-5, atol=1e-6)


@each_case
def test_the_whole_update_stays_on_its_device_and_reads_nothing_back(name: str) -> None:
    algorithm = CASES[name]
    learner = Learner(algorithm, SPEC, TargetSettings(rate=0.01), seed=0, device=META)
    batch = on_device(batch_for(algorithm), META)
    with DeviceWatch("meta") as watch:
        losses = algorithm.losses(learner.online, learner.target, batch, PROGRESS)
        gradients, norms = learner.gradients(losses)
    with DeviceWatch("meta", has_host_counters=True) as step_watch:
        learner.step(gradients, learner.kept_shares(norms), 1.0)
        learner.follow(PROGRESS, 1)
    assert watch.complaints + step_watch.complaints == []


@each_case
def test_every_tensor_of_the_networks_moves_to_the_device(name: str) -> None:
    networks = build(CASES[name])[0].to(META)
    assert {tensor.device.type for tensor in (*networks.buffers(), *networks.parameters())} == {"meta"}
    assert [where for where, value in loose_tensors(networks) if value.device.type != "meta"] == []


def loose_tensors(networks: torch.nn.Module) -> list[tuple[str, Tensor]]:
    """Find tensors kept as plain attributes, which ``to`` would leave behind."""
    return [
        (f"{name}.{key}", value)
        for name, module in networks.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, Tensor)
    ]


def test_the_watch_sees_a_constant_on_the_host() -> None:
    with DeviceWatch("meta") as watch:
        torch.ones(3, device=META) * torch.tensor(2.0)
    assert any("mul" in complaint for complaint in watch.complaints)


def test_the_watch_sees_an_index_on_the_host() -> None:
    with DeviceWatch("meta") as watch:
        torch.ones(3, device=META)[torch.tensor([0, 2])]
    assert any("index" in complaint for complaint in watch.complaints)


def test_the_watch_sees_a_value_read_back() -> None:
    with DeviceWatch("meta") as watch, contextlib.suppress(RuntimeError, NotImplementedError):
        torch.ones((), device=META).item()
    assert any("reads the device" in complaint for complaint in watch.complaints)


def test_the_spec_of_these_tests_has_padding_to_look_at() -> None:
    assert not batch_for(CASES["rmix"]).mask.all()
