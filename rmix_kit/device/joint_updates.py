"""Updates of several seeds' networks, each of which is started once for all of them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import torch
from torch import Tensor

from rmix_kit.device.capture import Capture, Program
from rmix_kit.device.joint_networks import JointLosses, Weights
from rmix_kit.device.updates import NORM, BatchMaker, Planned, Updates, padded_lengths
from rmix_kit.stacked import laid_together
from rmix_kit.training.learner import Learner
from rmix_kit.types import Packing, Progress


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
    """One start of a program, and whose updates it makes."""

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
            for start in self._starts(due):
                if start.kind is None:  # its numbers follow the progress: no two seeds' updates are the same
                    for seed, planned in start.due.items():
                        self._updates[seed].run(drawn[seed, index], *planned)
                    continue
                self._slots.copy_(drawn[:, index])
                self._number.copy_(numbers[:, index])
                self._start(start)

    def _starts(self, due: Mapping[int, Planned]) -> list[_Start]:
        """Sort updates by what they compute; all of them are as long as the longest needs."""
        longest = max(planned.longest for planned in due.values())
        steps = next(length for length in self._lengths if length >= longest)
        by_kind: dict[Hashable, dict[int, Planned]] = {}
        for seed, planned in due.items():
            kind = self._learners[seed].algorithm.loss_variant(planned.progress)
            by_kind.setdefault(kind, {})[seed] = planned
        return [_Start(steps, kind, by_kind[kind]) for kind in sorted(by_kind, key=str)]

    def _start(self, start: _Start) -> None:
        factors = {seed: planned.learning_rate_factor for seed, planned in start.due.items()}
        seeds = range(len(self._learners))
        _fill(self._plan[0], [factors.get(seed, max(factors.values())) for seed in seeds])
        _fill(self._plan[1], [float(seed not in factors) for seed in seeds])
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
        shares = self._learners[0].kept_shares(norms)  # [seed] each
        # As parameters lie, once for all seeds: optimisers insist on it.
        laid = {group: [g if g is None else g.contiguous() for g in found] for group, found in gradients.items()}
        for seed, learner in enumerate(self._learners):
            own = {group: [g if g is None else g[seed] for g in found] for group, found in laid.items()}
            own_shares = {group: share[seed] for group, share in shares.items()}
            learner.step(own, own_shares, factors[seed], found_inf=found_inf[seed])
        metrics = losses.metrics | {NORM + group: norm for group, norm in norms.items()}
        if not variant.names:
            variant.names = tuple(metrics)
            variant.sums = torch.zeros(len(skipped), len(metrics), dtype=torch.float64, device=self._device)
            variant.parts = variant.sums.unbind()
        found = torch.stack([value.detach() for value in metrics.values()], -1)  # [seed, scalar]
        variant.sums.add_(found.masked_fill(skipped.unsqueeze(-1) == 1, 0.0))


def _fill(row: Tensor, values: Sequence[float]) -> None:
    """Write numbers of the host, ``[seed]``; mostly all are one, and one operation is enough."""
    if len(set(values)) == 1:
        row.fill_(values[0])
        return
    for place, value in zip(row.unbind(), values, strict=True):
        place.fill_(value)
