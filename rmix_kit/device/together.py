"""Blocks of several seeds as one: one start of play, one look, one start of each update for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

import torch
from torch import Tensor

from rmix_kit.device.capture import Capture
from rmix_kit.device.draws import stream_keys_of
from rmix_kit.device.joint_networks import acting_together, weights_together
from rmix_kit.device.joint_updates import JointUpdates
from rmix_kit.device.loop import DeviceLoop
from rmix_kit.device.parts import Parts
from rmix_kit.device.replay import DeviceReplay
from rmix_kit.device.rollout import Rollout


class JointParts:
    """Play and updates of several seeds, put together; what each seed keeps for itself is part of what is here.

    Attributes:
        rollout: Of all.
        replay: Of all, ``[seed, ...]``.
        updates: Of all.
    """

    def __init__(self, parts: Sequence[Parts], seeds: Sequence[int], batch_size: int, capture: Capture) -> None:
        """Lay the seeds' tensors together.

        Args:
            parts: Of each seed: the same game, algorithm and sizes.
            seeds: The runs'.
            batch_size: Episodes of an update.
            capture: How blocks and updates are started.
        """
        first = parts[0]
        learners, updates = [each.learner for each in parts], [each.updates for each in parts]
        weights = weights_together(learners)
        self.replay = DeviceReplay.together([each.replay for each in parts])
        act = acting_together(first.learner.online.agent, weights)
        self.rollout = Rollout.together([each.rollout for each in parts], act, self.replay, capture)
        batches = replace(first.batches, replay=self.replay, seed=tuple(seeds))
        self.updates = JointUpdates(learners, updates, batches, weights=weights, batch_size=batch_size, capture=capture)


class BlocksTogether:
    """Does for several loops what each would do alone between the beginning of a block and what it says of it."""

    def __init__(self, loops: Sequence[DeviceLoop], seeds: Sequence[int], batch_size: int, capture: Capture) -> None:
        """Take over play and updates of loops that have begun a block.

        Args:
            loops: One for each seed, of one configuration otherwise.
            seeds: The runs'.
            batch_size: Episodes of an update.
            capture: How blocks and updates are started.
        """
        self._loops, self._batch_size = loops, batch_size
        self._parts = JointParts([loop.parts for loop in loops], seeds, batch_size, capture)
        device = self._parts.replay.device
        self._draw_keys = stream_keys_of(seeds, "replay", device).unsqueeze(-1)  # [seed, 1]
        self._first = torch.zeros(len(loops), 1, dtype=torch.int64, device=device)
        self._numbers = self._drawn = self._first

    def play(self) -> None:
        """Play the block that every loop has begun, and let each see its part of the one look."""
        with ExitStack() as stack:
            for loop in self._loops:
                stack.enter_context(loop.timed("collecting"))
            replay, rollout = self._parts.replay, self._parts.rollout
            rollout.run()
            dues = [loop.due for loop in self._loops]
            for place, due in zip(self._first, dues, strict=True):
                place.fill_(due.first)
            most = max(due.updates for due in dues)
            self._numbers = self._first + torch.arange(most, device=replay.device)  # [seed, update]
            self._drawn = replay.draw(self._draw_keys, self._numbers, self._batch_size)  # [seed, update, batch]
            longest = replay.longest(self._drawn).double()  # [seed, update]
            taken: list[Tensor] = []
            for seed, (loop, due) in enumerate(zip(self._loops, dues, strict=True)):
                taken += [rollout.now.totals[seed], longest[seed, : due.updates], loop.parts.updates.taken()]
            values = torch.cat(taken).tolist()  # the block's one look at the device
        sizes = map(len, taken)
        start = 0
        for loop in self._loops:
            end = start + sum(next(sizes) for _ in range(3))
            loop.see(values[start:end])
            start = end

    def learn(self) -> None:
        """Make the updates that every loop has planned."""
        with ExitStack() as stack:
            for loop in self._loops:
                stack.enter_context(loop.timed("learning"))
            plans = [loop.plans for loop in self._loops]
            if any(plans):
                self._parts.updates.run(self._drawn, self._numbers, plans)
