"""The last episodes in fixed slots of one device: written step by step, drawn and given out, never waited for."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
import torch
from torch import Tensor

from rmix_kit.device.draws import numbered_draws, whole
from rmix_kit.device.games import Game
from rmix_kit.replay.episode import EpisodeBlock, observed_template
from rmix_kit.replay.records import block_of_records, episode_bytes, pack, record_dtype, torch_dtype, unpack
from rmix_kit.stacked import laid_together

WORD = torch.int32
"""What records are moved in: a quarter of the work of bytes."""


class DeviceReplay:
    """The last ``capacity`` episodes, and the ones that copies are playing.

    A slot has room for an episode of the limit. Copies write into slots of their own; where an episode ends, its slot
    takes the next place of the ring, and the copy goes on in the slot of the episode that gives way. Episodes are
    numbered in the order of their ends, those of one step by copy; number n has place n modulo the capacity.

    What is done in play and for a batch works on the last axes and any leading ones: the replays of several seeds
    (`DeviceReplay.together`) are one whose tensors are ``[seed, ...]``.

    Attributes:
        held: int64 ``[...]`` on the device, episodes that can be drawn.
        slot: int64 ``[..., env]``, where each copy writes.
        lengths: int64 ``[..., slot]``.
        ends: bool ``[..., slot]``, the task ended, not the clock.
        levels: float32 ``[..., slot]``, the level that was asked for.
        reward_range: float32 ``[..., 2]``, lowest and highest reward ever seen.
    """

    TENSORS = ("_records", "_counter", "held", "_ring", "slot", "lengths", "ends", "levels", "reward_range")

    def __init__(self, game: Game, capacity: int, num_envs: int, device: torch.device) -> None:
        """Take all memory at once.

        Args:
            capacity: Most episodes that can be drawn, at least ``num_envs``.
            num_envs: Copies that play.
        """
        spec, self.device = game.spec, device
        self.capacity, self.added, self.codec = capacity, 0, game.codec
        self.template = observed_template(spec, game.codec)
        self.episode_limit = spec.episode_limit
        self.episode_bytes = episode_bytes(spec, game.codec)
        self._dtype, self._num_envs = record_dtype(spec, game.codec), num_envs
        slots, self._rows = capacity + num_envs, spec.episode_limit + 1
        words = self._dtype.itemsize // WORD.itemsize  # exactly: a reward is a word, and records are aligned
        self._records = torch.zeros(slots * self._rows, words, dtype=WORD, device=device)
        self._offset: Tensor | None = None
        self._counter = torch.zeros((), dtype=torch.int64, device=device)
        self.held = torch.zeros((), dtype=torch.int64, device=device)
        self._places = torch.arange(capacity, slots, device=device)  # behind the ring: where copies that go on write
        self._ring = (torch.arange(slots, device=device) + num_envs) % slots
        self.slot = torch.arange(num_envs, device=device)
        self.lengths = torch.zeros(slots, dtype=torch.int64, device=device)
        self.ends = torch.zeros(slots, dtype=torch.bool, device=device)
        self.levels = torch.zeros(slots, device=device)
        self.reward_range = torch.tensor([torch.inf, -torch.inf]).to(device)

    @staticmethod
    def together(replays: Sequence[DeviceReplay]) -> DeviceReplay:
        """Return the replays of several seeds as one, ``[seed, ...]``; each goes on as a part of it.

        Args:
            replays: Of the same game and sizes.
        """
        joint = copy(replays[0])
        for name in DeviceReplay.TENSORS:
            setattr(joint, name, laid_together([getattr(replay, name) for replay in replays]))
        rows = joint._records.shape[1]
        joint._offset = (torch.arange(len(replays), device=joint.device) * rows).unsqueeze(-1)  # [seed, 1]
        return joint

    @property
    def _episodes(self) -> Tensor:
        """All records of one seed, int32 ``[slot, time + 1, word]``, the same memory."""
        return torch.unflatten(self._records, 0, (-1, self._rows))

    def __len__(self) -> int:
        """Return the number of episodes held, as of the last time that somebody asked the device."""
        return min(self.added, self.capacity)

    @property
    def worst_case_bytes(self) -> int:
        """Memory that the steps take, from the start."""
        return (self.capacity + self._num_envs) * self.episode_bytes

    @property
    def bytes_held(self) -> int:
        """Size of the slots of the episodes held."""
        return len(self) * self.episode_bytes

    @property
    def reward_low(self) -> float:
        """Lowest reward ever seen; it is read back."""
        return float(self.reward_range[0])

    @reward_low.setter
    def reward_low(self, value: float) -> None:
        self.reward_range[0] = value

    @property
    def reward_high(self) -> float:
        """Highest reward ever seen; it is read back."""
        return float(self.reward_range[1])

    @reward_high.setter
    def reward_high(self, value: float) -> None:
        self.reward_range[1] = value

    def record(self, fields: dict[str, Tensor]) -> Tensor:
        """Return records of one step, int32 ``[..., env, word]``.

        Args:
            fields: ``[env, *field]`` by the names of `record_dtype`, copies of all seeds; what is missing is zero.
        """
        parts = []
        at = 0
        for name, (field, offset, *_) in sorted((self._dtype.fields or {}).items(), key=lambda entry: entry[1][1]):
            assert offset == at, "fields go from the widest elements to the narrowest, without gaps"
            at = offset + field.itemsize
            if name in fields:
                flat = fields[name].reshape(*self.slot.shape, -1).to(torch_dtype(field.base)).contiguous()
                parts.append(flat.view(torch.uint8))
            else:
                parts.append(self._nothing(field.itemsize))
        if at < self._dtype.itemsize:
            parts.append(self._nothing(self._dtype.itemsize - at))
        return torch.cat(parts, -1).view(WORD)

    def _first_rows(self, slots: Tensor) -> Tensor:
        """Return where slots int64 ``[..., slot]`` begin among the records of all seeds."""
        rows = slots * self._rows
        return rows if self._offset is None else rows + self._offset

    def _nothing(self, size: int) -> Tensor:
        return torch.zeros(*self.slot.shape, size, dtype=torch.uint8, device=self.device)

    def write(self, step: Tensor, records: Tensor, following: Tensor) -> None:
        """Write a step of every copy, and what it shows after it.

        Args:
            step: int64 ``[..., env]``, the number of the step in its episode, from 0.
            records: Of the step, int32 ``[..., env, word]``.
            following: Of the observation after it, which the next step of the episode overwrites.
        """
        row = self._first_rows(self.slot) + step  # [..., env]
        rows, words = torch.cat([row, row + 1], -1), torch.cat([records, following], -2)  # [..., 2 * env, word]
        self._records.flatten(0, -2).index_copy_(0, rows.flatten(), words.flatten(0, -2))

    def close(self, ended: Tensor, length: Tensor, *, terminated: Tensor, level: Tensor) -> None:
        """Let the episodes that have ended be drawn.

        Args:
            ended: bool ``[..., env]``.
            length: int64 ``[..., env]``, steps so far.
            terminated: bool ``[..., env]``.
            level: float32 ``[..., env]``, the risk level that was asked for.
        """
        for table, values in ((self.lengths, length), (self.ends, terminated), (self.levels, level)):
            table.scatter_(-1, self.slot, values)
        number = self._counter.unsqueeze(-1) + ended.cumsum(-1) - 1  # [..., env]
        place = torch.where(ended, number % self.capacity, self._places)  # [..., env], none of them twice
        given_up = self._ring.gather(-1, place)
        self._ring.scatter_(-1, place, self.slot)
        self.slot.copy_(torch.where(ended, given_up, self.slot))
        self._counter.add_(ended.sum(-1))
        self.held.copy_(self._counter.clamp(max=self.capacity))

    def note_rewards(self, reward: Tensor) -> None:
        """Widen the range of rewards seen to those of a step, float32 ``[..., env]``."""
        lowest, highest = self.reward_range.unbind(-1)
        widened = [lowest.minimum(reward.amin(-1)), highest.maximum(reward.amax(-1))]
        self.reward_range.copy_(torch.stack(widened, -1))

    def draw(self, key: int | Tensor, numbers: Tensor, batch_size: int) -> Tensor:
        """Draw episodes uniformly with replacement.

        Args:
            key: Of the run's stream "replay"; int64 ``[..., 1]`` of several.
            numbers: int64 ``[..., update]``, each update's number.
            batch_size: Episodes of an update.

        Returns:
            Their slots, int64 ``[..., update, batch]``.
        """
        places = whole(numbered_draws(key, numbers, batch_size), self.held[..., None, None])  # [..., update, batch]
        return self._ring.gather(-1, places.flatten(-2)).reshape(places.shape)

    def longest(self, slots: Tensor) -> Tensor:
        """Return the steps of each update's longest episode: int64 ``[..., update, batch]`` -> ``[..., update]``."""
        return self.lengths.gather(-1, slots.flatten(-2)).reshape(slots.shape).amax(-1)

    def gather(self, slots: Tensor, steps: int) -> tuple[dict[str, Tensor], Tensor]:
        """Give episodes out, padded with zeros or cut to a length.

        Args:
            slots: int64 ``[..., batch]``.
            steps: Length of the batch, at most the limit.

        Returns:
            Fields ``[..., batch, time + 1, *field]`` by the names of `record_dtype`, and which observations are real,
            bool ``[..., batch, time + 1]``.
        """
        time = torch.arange(steps + 1, device=self.device)
        rows = self._first_rows(slots).unsqueeze(-1) + time  # [..., batch, time + 1]
        is_real = time <= self.lengths.gather(-1, slots).unsqueeze(-1)  # [..., batch, time + 1]
        records = self._records.flatten(0, -2).index_select(0, rows.flatten())
        records = torch.unflatten(records, 0, rows.shape)  # [..., batch, time + 1, word]
        return unpack((records * is_real.unsqueeze(-1)).view(torch.uint8), self._dtype), is_real

    def add(self, block: EpisodeBlock) -> None:
        """Append episodes of the host.

        Args:
            block: At most ``capacity`` episodes.
        """
        count = len(block.length)
        places = torch.from_numpy((self.added + np.arange(count)) % self.capacity).to(self.device)
        slots = self._ring[places]  # [episode]
        length = torch.from_numpy(block.length).to(self.device)
        first = torch.repeat_interleave(slots * self._rows, length + 1)  # [row]
        step = np.concatenate([np.arange(steps + 1) for steps in block.length])
        self._records[first + torch.from_numpy(step).to(self.device)] = (
            pack(block, self._dtype).view(WORD).to(self.device)
        )
        self.lengths[slots] = length
        self.ends[slots] = torch.from_numpy(block.terminated).to(self.device)
        self.levels[slots] = torch.from_numpy(block.risk_level).to(self.device)
        self.added += count
        self._counter.fill_(self.added)
        self.held.fill_(len(self))

    def last(self, count: int) -> EpisodeBlock:
        """Return the newest episodes, oldest of them first, padded to their longest.

        Args:
            count: How many, at most ``len(self)``.

        Returns:
            A block on the host.
        """
        places = (self.added - count + np.arange(count)) % self.capacity
        slots = self._ring[torch.from_numpy(places).to(self.device)]
        lengths = self.lengths[slots].cpu().numpy()
        fields, _ = self.gather(slots, int(lengths.max()))
        return block_of_records(
            {name: field.cpu() for name, field in fields.items()},
            self.template,
            terminated=self.ends[slots].cpu().numpy(),
            length=lengths,
            risk_level=self.levels[slots].cpu().numpy(),
        )

    def unfinished(self, step: Tensor) -> Tensor:
        """Return the records of the episodes that are being played, int32 ``[env, time + 1, word]``.

        Args:
            step: int64 ``[env]``, steps done in each; what lies behind it is zero.
        """
        records = self._episodes[self.slot]  # [env, time + 1, word]
        return records * (torch.arange(self._rows, device=self.device) <= step[:, None]).unsqueeze(-1)

    def take_up(self, records: Tensor) -> None:
        """Go on with episodes that `unfinished` gave; of a replay that has only been added to."""
        self._episodes[self.slot] = records.to(self.device)
