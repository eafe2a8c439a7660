"""The networks of several seeds as one: weights ``[seed, ...]``, products batched over seeds, the same algorithm files."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

from rmix_kit.algorithms.algorithm import Algorithm, Networks
from rmix_kit.device.capture import Capture, Program
from rmix_kit.device.rollout import Acting
from rmix_kit.device.updates import NORM, BatchMaker, Planned, Updates, padded_lengths
from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.carry import Carry, StepOutput
from rmix_kit.stacked import laid_together
from rmix_kit.training.learner import Learner
from rmix_kit.types import EpisodeBatch, Losses, Packing, Progress

AGENT = "agent."
"""What the names of the acting network's weights begin with."""


class Weights(NamedTuple):
    """Of all seeds' networks, ``[seed, ...]`` by name; each learner's own are parts of them.

    Attributes:
        online: What gradients are asked for.
        target: What none are asked for.
    """

    online: dict[str, Tensor]
    target: dict[str, Tensor]


def weights_together(learners: Sequence[Learner]) -> Weights:
    """Lay the weights of several seeds' networks together.

    Args:
        learners: Of one algorithm and environment.
    """

    def stacks(networks: Sequence[Networks[Any]]) -> dict[str, Tensor]:
        named = [dict(each.named_parameters()) for each in networks]
        return {name: laid_together([weights[name] for weights in named]) for name in named[0]}

    online = {name: stack.requires_grad_() for name, stack in stacks([each.online for each in learners]).items()}
    return Weights(online, stacks([each.target for each in learners]))


class _Acts(nn.Module):
    """An agent whose call is a step."""

    def __init__(self, agent: AgentNetwork) -> None:
        super().__init__()
        self.agent = agent

    def forward(self, obs: Tensor, agent: Tensor, risk_level: Tensor, carry: Carry) -> StepOutput:
        return self.agent.step(obs, agent, risk_level, carry)


def acting_together(agent: AgentNetwork, weights: Weights) -> Acting:
    """Return the step of all seeds' agents, whose rows lie one seed after the other.

    Args:
        agent: Of any of the seeds; its buffers are those of all.
        weights: Of all.
    """
    module = _Acts(agent)
    named = {name: stack for name, stack in weights.online.items() if name.startswith(AGENT)}
    n_seeds = len(next(iter(named.values())))

    def one(weights: Mapping[str, Tensor], *rows: Tensor | Carry) -> StepOutput:
        output: StepOutput = functional_call(module, dict(weights), rows)
        return output

    def act(obs: Tensor, agent: Tensor, risk_level: Tensor, carry: Carry) -> StepOutput:
        def apart(rows: Tensor) -> Tensor:
            return torch.unflatten(rows, 0, (n_seeds, -1))  # [seed, row, ...]

        parted = {name: apart(value) for name, value in carry.items()}
        output = torch.vmap(one)(named, apart(obs), apart(agent), apart(risk_level), parted)
        after = {name: value.flatten(0, 1) for name, value in output.carry.items()}
        return StepOutput(output.action_values.flatten(0, 1), output.risk_level.flatten(0, 1), after)

    return act


class _Loses(nn.Module):
    """Networks whose call is the losses of a batch."""

    def __init__(self, algorithm: Algorithm[Any], online: Networks[Any], target: Networks[Any]) -> None:
        super().__init__()
        self.algorithm, self.online, self.target = algorithm, online, target

    def forward(self, batch: EpisodeBatch, progress: Progress) -> Losses:
        return self.algorithm.losses(self.online, self.target, self.online.coded(batch), progress)


class JointLosses:
    """The losses of all seeds' networks, each on a batch of its own, and their gradients."""

    def __init__(self, learner: Learner, weights: Weights) -> None:
        """Prepare the call.

        Args:
            learner: Of any of the seeds.
            weights: Of all.
        """
        self._module = _Loses(learner.algorithm, learner.online, learner.target)
        self._weights = {f"online.{name}": stack for name, stack in weights.online.items()}
        self._weights |= {f"target.{name}": stack for name, stack in weights.target.items()}
        self._stepped = {
            group: [weights.online[name] for name in learner.algorithm.parameters_of(group, learner.online)]
            for group in learner.algorithm.optimizers()
        }

    def __call__(self, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Return losses and metrics, ``[seed]`` each.

        Args:
            batch: Its tensors are ``[seed, ...]``, its packing that of every seed.
            progress: Of any seed of which `Algorithm.loss_variant` says the same.
        """
        named = {entry.name: getattr(batch, entry.name) for entry in fields(batch) if entry.name != "packing"}

        def one(weights: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> Losses:
            own = EpisodeBatch(**tensors, packing=batch.packing)
            losses: Losses = functional_call(self._module, dict(weights), (own, progress))
            return losses

        return torch.vmap(one)(self._weights, named)

    def gradients(self, losses: Losses) -> tuple[dict[str, list[Tensor | None]], dict[str, Tensor]]:
        """Do what `Learner.gradients` does for every seed: no seed's loss knows of another's weights.

        Returns:
            Gradients ``[seed, ...]`` by group in parameter order, and their global norms ``[seed]``.
        """
        gradients: dict[str, list[Tensor | None]] = {}
        norms: dict[str, Tensor] = {}
        for group, loss in losses.groups.items():
            is_last = len(gradients) + 1 == len(losses.groups)
            found: tuple[Tensor | None, ...] = torch.autograd.grad(
                loss.sum(), self._stepped[group], allow_unused=True, retain_graph=not is_last
            )
            gradients[group] = list(found)
            flat = torch.cat([gradient.flatten(1) for gradient in found if gradient is not None], 1)
            norms[group] = torch.linalg.vector_norm(flat, dim=1)
        return gradients, norms


@dataclass(kw_only=True)
class _Variant:
    """One kind of update; see `rmix_kit.device.updates`.

    Attributes:
        progress: Of some seed whose update is of this kind.
        names: Of its scalars; empty before the first run.
        sums: float64 ``[seed, scalar]``.
        parts: Each seed's part of them, which its own updates read.
    """

    program: Program
    progress: Progress
    names: tuple[str, ...] = ()
    sums: Tensor = field(default_factory=lambda: torch.zeros(0))
    parts: tuple[Tensor, ...] = ()


class _Start(NamedTuple):
    """One start of a program: the number of its updates in the block, and whose they are."""

    index: int
    steps: int
    kind: Hashable
    due: dict[int, Planned]


class JointUpdates:
    """Makes one update of every seed's networks at once; a seed that is not due is skipped, and nothing of it moves."""

    def __init__(
        self,
        learners: Sequence[Learner],
        updates: Sequence[Updates],
        batches: BatchMaker,
        *,
        weights: Weights,
        batch_size: int,
        capture: Capture,
    ) -> None:
        """Make room for what changes from update to update.

        Args:
            learners: Of the seeds.
            updates: Of the seeds; they count their own, and make those that are no repetitions of one another.
            batches: Makes batches of all seeds.
            weights: Of all seeds.
            batch_size: Episodes of an update.
            capture: How updates are started.
        """
        self._learners, self._updates, self._batches, self._capture = learners, updates, batches, capture
        self._losses, self._device = JointLosses(learners[0], weights), learners[0].device
        self._lengths = padded_lengths(learners[0].spec.episode_limit)
        n_seeds = len(learners)
        self._slots = torch.zeros(n_seeds, batch_size, dtype=torch.int64, device=self._device)
        self._number = torch.zeros(n_seeds, dtype=torch.int64, device=self._device)
        self._plan = torch.zeros(2, n_seeds, device=self._device)  # factor of the learning rate, 1 where skipped
        self._is_bad = laid_together([each.is_bad for each in updates])  # [seed]
        self._variants: dict[tuple[int, Hashable], _Variant] = {}

    def run(self, drawn: Tensor, numbers: Tensor, plans: Sequence[Sequence[Planned]]) -> None:
        """Make the updates of a block: the first of every seed, then the second, and so on.

        Args:
            drawn: Slots of their batches, int64 ``[seed, update, batch]``.
            numbers: Theirs, int64 ``[seed, update]``.
            plans: What is due of each seed, at most as many as were drawn.
        """
        for index in range(max(map(len, plans))):
            due = {seed: plan[index] for seed, plan in enumerate(plans) if index < len(plan)}
            for start in self._starts(index, due):
                if start.kind is None:  # its numbers follow the progress: no two seeds' updates are the same
                    for seed, planned in start.due.items():
                        self._updates[seed].run(drawn[seed, index], *planned)
                    continue
                self._slots.copy_(drawn[:, index])
                self._number.copy_(numbers[:, index])
                self._start(start)

    def _starts(self, index: int, due: Mapping[int, Planned]) -> list[_Start]:
        """Sort updates by what they compute; all of them are as long as the longest needs."""
        longest = max(planned.longest for planned in due.values())
        steps = next(length for length in self._lengths if length >= longest)
        by_kind: dict[Hashable, dict[int, Planned]] = {}
        for seed, planned in due.items():
            kind = self._learners[seed].algorithm.loss_variant(planned.progress)
            by_kind.setdefault(kind, {})[seed] = planned
        return [_Start(index, steps, kind, by_kind[kind]) for kind in sorted(by_kind, key=str)]

    def _start(self, start: _Start) -> None:
        for seed, (factor, skipped) in enumerate(zip(*self._plan.unbind(), strict=True)):
            planned = start.due.get(seed)
            skipped.fill_(planned is None)
            factor.fill_(planned.learning_rate_factor if planned else 0.0)
        variant = self._variant(start)
        variant.progress = next(iter(start.due.values())).progress
        variant.program()
        for seed, planned in start.due.items():
            self._updates[seed].count(start.steps, start.kind, variant.names, variant.parts[seed])
            learner = self._learners[seed]
            learner.follow(planned.progress, learner.counts(name.removeprefix(NORM) for name in variant.names))

    def _variant(self, start: _Start) -> _Variant:
        key = (start.steps, start.kind)
        if key not in self._variants:
            self.packing(start.steps)  # made on the host, which no capture may see
            variant = _Variant(
                program=self._capture(lambda: self._update(start.steps, variant)),
                progress=next(iter(start.due.values())).progress,
            )
            self._variants[key] = variant
        return self._variants[key]

    def packing(self, steps: int) -> Packing:
        """Return the packing of every seed's batch of a length."""
        return self._batches.packing(self._slots.shape[-1], steps)

    def _update(self, steps: int, variant: _Variant) -> None:
        losses = self._losses(self._batches(self._slots, self._number, steps), variant.progress)
        gradients, norms = self._losses.gradients(losses)
        factors, skipped = self._plan.unbind()  # [seed] each
        checked = torch.stack([*losses.groups.values(), *norms.values()], -1).detach()  # [seed, value]
        is_bad = (~checked.isfinite().all(-1)).float().minimum(1.0 - skipped)
        self._is_bad.copy_(torch.maximum(self._is_bad, is_bad))
        found_inf = torch.maximum(self._is_bad, skipped)
        by_seed = {
            group: [None if gradient is None else gradient.unbind() for gradient in found]
            for group, found in gradients.items()
        }
        for seed, learner in enumerate(self._learners):
            own = {group: [None if each is None else each[seed] for each in found] for group, found in by_seed.items()}
            own_norms = {group: norm[seed] for group, norm in norms.items()}
            learner.step(own, own_norms, factors[seed], found_inf=found_inf[seed])
        metrics = losses.metrics | {NORM + group: norm for group, norm in norms.items()}
        if not variant.names:
            variant.names = tuple(metrics)
            variant.sums = torch.zeros(len(skipped), len(metrics), dtype=torch.float64, device=self._device)
            variant.parts = variant.sums.unbind()
        found = torch.stack([value.detach() for value in metrics.values()], -1)  # [seed, scalar]
        variant.sums.add_(found.masked_fill(skipped.unsqueeze(-1) == 1, 0.0))
