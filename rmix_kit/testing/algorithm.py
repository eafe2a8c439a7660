"""The bar that every algorithm passes, on random episodes and without training: shapes, gradients, purity, devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from rmix_kit.algorithms import Algorithm, Networks
from rmix_kit.errors import AlgorithmContractError
from rmix_kit.spelling import shortened
from rmix_kit.testing.device_watch import DeviceWatch, on_device
from rmix_kit.testing.episodes import CPU, make_spec, random_batch
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.training.run_config import RunConfig
from rmix_kit.types import EnvSpec, EpisodeBatch, Losses, Progress

SPEC = make_spec()
SMALL: Mapping[str, int] = MappingProxyType(
    {
        "hidden_size": 8,
        "n_quantiles": 6,
        "n_risk_levels": 3,
        "mixer_embed_size": 4,
        "hypernet_size": 8,
        "joint_embed_size": 8,
        "central_embed_size": 8,
        "n_kernels": 2,
        "quantile_start_steps": 0,
        "quantile_interval": 1,
        "quantile_every_updates": 0,
    }
)
"""Fields of this package's algorithms that make networks small and all losses due."""
PROGRESS = Progress(env_steps=1000, previous_env_steps=900, episodes=20, updates=20, best_success_rate=1.0)
META = torch.device("meta")
LENGTHS = (8, 6, 5, 3, 2)
"""Steps of the episodes of a batch: there is padding to look at."""
_PER_EPISODE = (
    *("obs", "state", "avail_actions", "actions", "reward", "terminated", "mask"),
    *("is_explored", "risk_level", "tau", "is_newest"),
)
AnyAlgorithm = Algorithm[Any]
Check = Callable[[AnyAlgorithm, Sequence[str]], str]
"""From an algorithm, and the beginnings of parameter names that get no gradient, to what is wrong; empty if nothing."""


def check_algorithm(algorithm: type[AnyAlgorithm] | AnyAlgorithm, *, untrained: Sequence[str] = ()) -> None:
    """Hold an algorithm to what all algorithms of this package are held to.

    Args:
        algorithm: The class, made with the values of `SMALL` that it knows; or one with values of your own, small ones
            and such that every loss is due.
        untrained: Beginnings of the names of parameters that get no gradient by definition.

    Raises:
        AlgorithmContractError: With every check that failed.
    """
    chosen = made_small(algorithm) if isinstance(algorithm, type) else algorithm
    failed = []
    for name, check in CHECKS.items():
        try:
            wrong = check(chosen, untrained)
        except Exception as error:  # noqa: BLE001 - a user's code may raise anything
            wrong = f"{type(error).__name__}: {error}"
        if wrong:
            failed.append(f"{name} ({wrong})")
    if failed:
        raise AlgorithmContractError(f"{chosen.name}: {len(failed)} of {len(CHECKS)} checks fail: {'; '.join(failed)}")


def made_small(kind: type[AnyAlgorithm], **changes: Any) -> AnyAlgorithm:  # noqa: ANN401 - values of its fields
    """Make an algorithm with small networks and all its losses due, whatever fields it has.

    Args:
        kind: Its class.
        changes: Values of its fields, laid over them.
    """
    known = {field.name for field in fields(kind)}
    values: dict[str, Any] = {name: value for name, value in SMALL.items() if name in known}
    return kind(**(values | changes))


def batch_for(algorithm: AnyAlgorithm, seed: int = 0, lengths: Sequence[int] = LENGTHS) -> EpisodeBatch:
    """Return a batch as the trainer would draw it for the algorithm.

    Args:
        seed: Of its numbers.
        lengths: Steps of its episodes.
    """
    return random_batch(SPEC, lengths, seed, risk_levels=algorithm.risk_level_draws, tau_draws=algorithm.tau_draws)


def build(algorithm: AnyAlgorithm, seed: int = 0, spec: EnvSpec = SPEC) -> tuple[Networks[Any], Networks[Any]]:
    """Make online and target networks with different weights.

    Args:
        seed: Of the weights.
        spec: Of the environment.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return algorithm.build(spec), algorithm.build(spec).requires_grad_(False)


def compute(algorithm: AnyAlgorithm, *, seed: int = 0) -> tuple[Networks[Any], Networks[Any], Losses]:
    """Build and evaluate once.

    Args:
        seed: Of weights and batch.
    """
    online, target = build(algorithm, seed)
    return online, target, algorithm.losses(online, target, batch_for(algorithm, seed), PROGRESS)


def weights(networks: torch.nn.Module) -> list[Tensor]:
    """Copy all weights."""
    return [parameter.detach().clone() for parameter in networks.parameters()]


def _losses_are_finite_scalars(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    groups = compute(algorithm)[2].groups
    wrong = [f"{name} is {shortened(loss)}" for name, loss in groups.items() if loss.dim() or not loss.isfinite()]
    return ", ".join(wrong)


def _groups_have_optimisers(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    groups, known = set(compute(algorithm)[2].groups), set(algorithm.optimizers())
    return "" if groups == known else f"losses are of {sorted(groups)}, optimisers of {sorted(known)}"


def _metrics_are_detached_finite_scalars(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    metrics = compute(algorithm)[2].metrics
    return ", ".join(
        f"{name} is {shortened(value)}"
        for name, value in metrics.items()
        if value.dim() or not value.isfinite() or value.requires_grad
    )


def _every_parameter_has_a_gradient(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    online, _, losses = compute(algorithm)
    reached: set[str] = set()
    for group, loss in losses.groups.items():
        named = algorithm.parameters_of(group, online)
        found: tuple[Tensor | None, ...] = torch.autograd.grad(
            loss, list(named.values()), allow_unused=True, retain_graph=True
        )
        reached |= {key for key, slope in zip(named, found, strict=True) if slope is not None and slope.abs().sum() > 0}
    beginnings = tuple(untrained)
    expected = {key for key, _ in online.named_parameters() if not (beginnings and key.startswith(beginnings))}
    told = (("none reaches", expected - reached), ("one reaches", reached - expected))
    return ", ".join(f"{words} {', '.join(sorted(names))}" for words, names in told if names)


def _target_networks_get_no_gradient(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    online, target = build(algorithm)
    target.requires_grad_(True)  # as if someone had forgotten to freeze them
    losses = algorithm.losses(online, target, batch_for(algorithm), PROGRESS)
    total = torch.stack(list(losses.groups.values())).sum()
    named = dict(target.named_parameters())
    found: tuple[Tensor | None, ...] = torch.autograd.grad(total, list(named.values()), allow_unused=True)
    return ", ".join(name for name, slope in zip(named, found, strict=True) if slope is not None)


def _updates_leave_the_target_networks(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    learner = Learner(algorithm, SPEC, TargetSettings(interval_episodes=0), seed=0, device=CPU)
    before = weights(learner.target)
    learner.update(batch_for(algorithm), PROGRESS)
    return _changed(before, weights(learner.target))


def _losses_change_no_weight(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    online, target = build(algorithm)
    before = weights(online) + weights(target)
    algorithm.losses(online, target, batch_for(algorithm), PROGRESS)
    return _changed(before, weights(online) + weights(target))


def _updated(algorithm: AnyAlgorithm) -> list[Tensor]:
    learner = Learner(algorithm, SPEC, TargetSettings(), seed=3, device=CPU)
    for seed in range(3):
        learner.update(batch_for(algorithm, seed), replace(PROGRESS, updates=seed))
    return weights(learner.online)


def _a_seed_gives_the_same_weights(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    return _changed(_updated(algorithm), _updated(algorithm))


def _changed(before: Sequence[Tensor], after: Sequence[Tensor]) -> str:
    count = sum(not torch.equal(old, new) for old, new in zip(before, after, strict=True))
    return f"{count} of {len(before)} tensors differ" if count else ""


def _one_step_is_enough(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    online, target = build(algorithm)
    losses = algorithm.losses(online, target, batch_for(algorithm, lengths=(1,)), PROGRESS)
    return ", ".join(f"{name} is {shortened(loss)}" for name, loss in losses.groups.items() if not loss.isfinite())


def _padding_changes_no_loss(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    batch = batch_for(algorithm)
    padding = torch.nn.functional.pad(~batch.mask, (1, 0))  # [batch, time + 1]
    spoilt = replace(
        batch,
        obs=torch.where(padding[..., None, None], torch.full_like(batch.obs, 3), batch.obs),
        state=torch.where(padding[..., None], torch.full_like(batch.state, 50.0), batch.state),
        actions=torch.where(batch.mask[..., None], batch.actions, torch.full_like(batch.actions, 2)),
        reward=torch.where(batch.mask, batch.reward, torch.full_like(batch.reward, 1000.0)),
    )
    return _differing(algorithm, batch, spoilt, rtol=1e-6)


def _order_of_episodes_changes_no_loss(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    batch = batch_for(algorithm, lengths=(4, 4, 4))
    order = torch.tensor([2, 0, 1])
    shuffled = replace(batch, **{key: getattr(batch, key)[order] for key in _PER_EPISODE})
    return _differing(algorithm, batch, shuffled, rtol=1e-5)


def _differing(algorithm: AnyAlgorithm, one: EpisodeBatch, other: EpisodeBatch, *, rtol: float) -> str:
    online, target = build(algorithm)
    first = algorithm.losses(online, target, one, PROGRESS).groups
    second = algorithm.losses(online, target, other, PROGRESS).groups
    return ", ".join(
        f"{name} is {float(second[name])} and not {float(loss)}"
        for name, loss in first.items()
        if not torch.allclose(second[name], loss, rtol=rtol, atol=1e-6)
    )


def _an_update_stays_on_its_device(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    learner = Learner(algorithm, SPEC, TargetSettings(rate=0.01), seed=0, device=META)
    batch = on_device(batch_for(algorithm), META)
    with DeviceWatch("meta") as watch:
        losses = algorithm.losses(learner.online, learner.target, batch, PROGRESS)
        gradients, norms = learner.gradients(losses)
    with DeviceWatch("meta", has_host_counters=True) as step_watch:
        learner.step(gradients, learner.kept_shares(norms), 1.0)
        learner.follow(PROGRESS, 1)
    return ", ".join(watch.complaints + step_watch.complaints)


def _every_tensor_moves_to_the_device(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    networks = build(algorithm)[0].to(META)
    kept = dict(networks.named_parameters()) | dict(networks.named_buffers())
    kept |= {
        f"{name}.{key}": value
        for name, module in networks.named_modules()
        for key, value in vars(module).items()
        if isinstance(value, Tensor)
    }
    return ", ".join(name for name, value in kept.items() if value.device.type != META.type)


def _its_configuration_reads_back(algorithm: AnyAlgorithm, untrained: Sequence[str]) -> str:
    config = RunConfig(algorithm=algorithm, preset=algorithm.name, env="macn:4x7", steps=1)
    kind = type(algorithm)
    read = RunConfig.from_dict(config.to_dict(), find=lambda text: kind)
    return "" if read == config else f"{shortened(read.algorithm)} came back"


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "losses are finite scalars": _losses_are_finite_scalars,
        "losses are of the groups that have optimisers": _groups_have_optimisers,
        "metrics are detached finite scalars": _metrics_are_detached_finite_scalars,
        "every parameter has a gradient": _every_parameter_has_a_gradient,
        "target networks get no gradient": _target_networks_get_no_gradient,
        "updates leave the target networks alone": _updates_leave_the_target_networks,
        "losses change no weight": _losses_change_no_weight,
        "a seed gives the same weights": _a_seed_gives_the_same_weights,
        "an episode of one step is enough": _one_step_is_enough,
        "padding changes no loss": _padding_changes_no_loss,
        "the order of episodes changes no loss": _order_of_episodes_changes_no_loss,
        "an update stays on its device and reads nothing back": _an_update_stays_on_its_device,
        "every tensor moves to the device": _every_tensor_moves_to_the_device,
        "its configuration reads back": _its_configuration_reads_back,
    }
)
