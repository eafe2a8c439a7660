"""Updates whose shapes are few and fixed, so that each can be started as a whole and none is waited for."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from rmix_kit.algorithms.algorithm import Algorithm
from rmix_kit.device.capture import Capture, Program, eager
from rmix_kit.device.draws import numbered_draws, open_uniform, risk_levels, stream_key, stream_keys_of, uniform
from rmix_kit.device.games import Game
from rmix_kit.device.replay import DeviceReplay
from rmix_kit.errors import ConfigError
from rmix_kit.replay.buffer import make_packing
from rmix_kit.replay.episode import OBSERVED
from rmix_kit.training.learner import Learner
from rmix_kit.types import EpisodeBatch, Packing, Progress

FIRST_LENGTHS = (16, 32, 48)
GROWTH = 1.5


def padded_lengths(limit: int) -> tuple[int, ...]:
    """Return the lengths that batches are padded to, ascending up to the limit: 16, 32, 48, 72, 108, ...

    Args:
        limit: Most steps of an episode.
    """
    lengths = [length for length in FIRST_LENGTHS if length < limit]
    while lengths and int(lengths[-1] * GROWTH) < limit and len(lengths) >= len(FIRST_LENGTHS):
        lengths.append(int(lengths[-1] * GROWTH))
    return (*lengths, limit)


class Planned(NamedTuple):
    """An update that is due.

    Attributes:
        longest: Steps of its longest episode.
        progress: As it sees it.
        learning_rate_factor: Factor on every group's learning rate.
    """

    longest: int
    progress: Progress
    learning_rate_factor: float


@dataclass(kw_only=True)
class _Variant:
    """One kind of update.

    Attributes:
        program: What makes it.
        names: Of its scalars; empty before the first run.
        sums: float64 ``[scalar]``, over the runs since they were taken.
        runs: How many those were.
    """

    program: Program
    names: tuple[str, ...] = ()
    sums: Tensor | None = None
    runs: int = 0


@dataclass(kw_only=True)
class BatchMaker:
    """Makes batches of a fixed length from slots of the replay.

    It works on the last axes and any leading ones: where the replay is that of several seeds, all is ``[seed, ...]``.

    Attributes:
        game: Rebuilds what agents saw.
        algorithm: Says what is drawn with a batch.
        seed: The run's; those of all, where the replay is that of several.
        reward_scale: Factor on every reward.
    """

    game: Game
    replay: DeviceReplay
    algorithm: Algorithm[Any]
    seed: int | tuple[int, ...]
    reward_scale: float
    _packings: dict[tuple[int, int], Packing] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make keys, which are asked for in programs."""
        self._keys = {stream: self._key(stream) for stream in ("tau", "level_redraw")}

    def _key(self, stream: str) -> int | Tensor:
        if isinstance(self.seed, int):
            return stream_key(self.seed, stream)
        return stream_keys_of(self.seed, stream, self.replay.device)

    def __call__(self, slots: Tensor, number: Tensor, steps: int) -> EpisodeBatch:
        """Return a batch.

        Args:
            slots: int64 ``[..., batch]``.
            number: int64 ``[...]``, of the update.
            steps: Its length, at least that of the longest episode.

        Returns:
            Episodes in the order of the slots, all of them ``steps`` long to the networks; the mask says what is real.
        """
        replay = self.replay
        fields, is_real = replay.gather(slots, steps)  # [..., batch, time + 1, *field], [..., batch, time + 1]
        kept = {name: fields[OBSERVED + name] for name in replay.template}
        obs, state, avail_actions = self.game.rebuild(kept)
        if replay.codec is not None:
            obs = obs.masked_fill(~is_real.reshape(*is_real.shape, *(1,) * (obs.ndim - is_real.ndim)), 0)
            state = state.masked_fill(~is_real.unsqueeze(-1), 0)
        mask = is_real[..., 1:]  # [..., batch, time]
        length = replay.lengths.gather(-1, slots).unsqueeze(-1)  # [..., batch, 1]
        is_last = torch.arange(1, steps + 1, device=slots.device) == length  # [..., batch, time]
        return EpisodeBatch(
            obs=obs,
            state=state,
            avail_actions=avail_actions | ~is_real[..., None, None],
            actions=fields["actions"][..., :steps, :].long(),
            reward=fields["reward"][..., :steps] * self.reward_scale,
            terminated=is_last & replay.ends.gather(-1, slots).unsqueeze(-1),
            mask=mask,
            reward_range=replay.reward_range * self.reward_scale,
            is_explored=fields["is_explored"][..., :steps, :],
            risk_level=self._levels(slots, number),
            tau=self._tau(slots, number, steps),
            is_newest=torch.zeros_like(mask[..., 0]),
            epsilon=torch.zeros(slots.shape[:-1], device=slots.device),
            packing=self.packing(slots.shape[-1], steps),
        )

    def packing(self, batch_size: int, steps: int) -> Packing:
        """Return the packing of episodes that are all ``steps`` long; made once."""
        key = (batch_size, steps)
        if key not in self._packings:
            lengths = np.full(batch_size, steps, dtype=np.int64)
            self._packings[key] = make_packing(lengths, self.game.spec.n_agents, self.replay.device)
        return self._packings[key]

    def _levels(self, slots: Tensor, number: Tensor) -> Tensor:
        draws = self.algorithm.risk_level_draws
        if not draws:
            return torch.zeros(slots.shape, device=slots.device)
        drawn = numbered_draws(self._keys["level_redraw"], number, slots.shape[-1])  # [..., batch]
        is_redrawn = uniform(drawn) < self.algorithm.level_redraw_share
        return torch.where(is_redrawn, risk_levels(drawn, draws), self.replay.levels.gather(-1, slots))

    def _tau(self, slots: Tensor, number: Tensor, steps: int) -> Tensor:
        count = self.algorithm.tau_draws
        if not count:
            return torch.zeros(*slots.shape, steps + 1, 0, device=slots.device)
        draws = numbered_draws(self._keys["tau"], number, slots.shape[-1] * (steps + 1) * count)
        return open_uniform(draws).reshape(*slots.shape, steps + 1, count)


class Updates:
    """Makes updates of a learner's networks; nobody waits for one.

    Attributes:
        is_bad: float32 scalar: 1 as soon as a loss or gradient was not finite; no weight moves from then on.
    """

    def __init__(self, learner: Learner, batches: BatchMaker, batch_size: int, capture: Capture) -> None:
        """Make room for what changes from update to update.

        Args:
            batches: Makes its batches, on the learner's device.
            batch_size: Episodes of an update.
            capture: How updates are started.

        Raises:
            ConfigError: The algorithm does not learn from the replay alone.
        """
        check_algorithm(learner.algorithm)
        self._learner, self._batches, self._capture = learner, batches, capture
        device = learner.device
        self._lengths = padded_lengths(learner.spec.episode_limit)
        self._slots = torch.zeros(batch_size, dtype=torch.int64, device=device)
        self._number = torch.zeros((), dtype=torch.int64, device=device)
        self._learning_rate = torch.ones((), device=device)
        self.is_bad = torch.zeros((), device=device)
        self._progress = Progress()
        self._variants: dict[tuple[int, Hashable], _Variant] = {}

    def run(self, slots: Tensor, longest: int, progress: Progress, learning_rate_factor: float) -> None:
        """Make one update.

        Args:
            slots: int64 ``[batch]``.
            longest: Steps of its longest episode.
            progress: As it sees it.
            learning_rate_factor: Factor on every group's learning rate.
        """
        self._progress = progress
        steps = next(length for length in self._lengths if length >= longest)
        variant = self._variant(steps, self._learner.algorithm.loss_variant(progress))
        self._slots.copy_(slots)
        self._number.fill_(progress.updates)
        self._learning_rate.fill_(learning_rate_factor)
        variant.program()
        variant.runs += 1
        self._learner.follow(progress, self._learner.counts(name.removeprefix(NORM) for name in variant.names))

    def count(self, steps: int, kind: Hashable, names: tuple[str, ...], sums: Tensor) -> None:
        """Count an update that was made together with those of other seeds.

        Args:
            steps: Length of its batch.
            kind: `Algorithm.loss_variant` of it.
            names: Of its scalars.
            sums: float64 ``[scalar]``, where it and later ones of its kind add them up; the same object each time.
        """
        variant = self._variant(steps, kind)
        if variant.sums is not sums:
            if variant.sums is not None:
                sums.add_(variant.sums)
            variant.names, variant.sums = names, sums
        variant.runs += 1

    def taken(self) -> Tensor:
        """Return what `told` reads: `is_bad`, then the sums of all kinds' scalars, float64 ``[number]``."""
        return torch.cat(
            [self.is_bad.double()[None], *(variant.sums for variant in self._run() if variant.sums is not None)]
        )

    def told(self, values: Sequence[float]) -> dict[str, tuple[float, int]]:
        """Take the sums of what has been run since the last time, by name, with their counts, and begin anew.

        Args:
            values: `taken`, read back.
        """
        left = iter(values[1:])
        found: dict[str, tuple[float, int]] = {}
        for variant in self._run():
            for name in variant.names:
                total, count = found.get(name, (0.0, 0))
                found[name] = (total + next(left), count + variant.runs)
            variant.runs = 0
            if variant.sums is not None:
                variant.sums.zero_()
        return found

    def _run(self) -> list[_Variant]:
        # In an order that does not tell which kind this process met first: a resumed run adds up the same numbers.
        ordered = sorted(self._variants.items(), key=lambda entry: (entry[0][0], str(entry[0][1])))
        return [variant for _, variant in ordered if variant.runs]

    def _variant(self, steps: int, kind: Hashable | None) -> _Variant:
        key = (steps, kind)
        if key not in self._variants:
            self._batches.packing(len(self._slots), steps)  # made on the host, which no capture may see
            capture = eager if kind is None else self._capture
            self._variants[key] = _Variant(program=capture(lambda: self._update(steps, self._variants[key])))
        return self._variants[key]

    def _update(self, steps: int, variant: _Variant) -> None:
        learner = self._learner
        batch = learner.online.coded(self._batches(self._slots, self._number, steps))
        losses = learner.algorithm.losses(learner.online, learner.target, batch, self._progress)
        gradients, norms = learner.gradients(losses)
        checked = torch.stack([*losses.groups.values(), *norms.values()]).detach()
        self.is_bad.copy_(torch.maximum(self.is_bad, (~checked.isfinite().all()).float()))
        learner.step(gradients, learner.kept_shares(norms), self._learning_rate, found_inf=self.is_bad)
        metrics = losses.metrics | {NORM + group: norm for group, norm in norms.items()}
        if variant.sums is None:
            variant.names = tuple(metrics)
            variant.sums = torch.zeros(len(metrics), dtype=torch.float64, device=learner.device)
        variant.sums.add_(torch.stack([value.detach() for value in metrics.values()]))


NORM = "gradient_norm_"
"""What the names of gradients' norms begin with."""


def check_algorithm(algorithm: Algorithm[Any]) -> None:
    """Refuse an algorithm that does not learn from the replay alone.

    Raises:
        ConfigError: With what to do.
    """
    if algorithm.data != "replay":
        raise ConfigError(
            f"training.rollout is 'device', and {algorithm.name} learns from the newest episodes, which only rounds on "
            "the host give: give --set training.rollout=host"
        )
