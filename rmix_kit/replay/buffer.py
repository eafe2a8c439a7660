"""A ring of whole episodes in preallocated tensors on the training device."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmix_kit.replay.episode import EpisodeBlock, empty_block
from rmix_kit.replay.packing import make_packing
from rmix_kit.types import EnvSpec, EpisodeBatch, FloatArray, IntArray

BYTES_PER_MIB = 2**20


class ReplayBuffer:
    """The last ``capacity`` episodes. Lengths and levels stay on the host: sampling never waits for the device."""

    def __init__(self, spec: EnvSpec, capacity: int, device: torch.device) -> None:
        """Allocate everything at once.

        Args:
            spec: The environment's spec.
            capacity: Most episodes held, at least 1.
            device: Where the tensors live.
        """
        self.capacity = capacity
        self.device = device
        self.lengths: IntArray = np.zeros(capacity, dtype=np.int64)
        self.levels: FloatArray = np.zeros(capacity, dtype=np.float32)
        self.added = 0
        self.reward_low, self.reward_high = np.inf, -np.inf
        template = empty_block(spec, 1, spec.episode_limit).arrays()
        self._tensors: dict[str, Tensor] = {
            name: torch.zeros((capacity, *array.shape[1:]), dtype=torch.from_numpy(array).dtype, device=device)
            for name, array in template.items()
            if name not in ("length", "risk_level")
        }

    def __len__(self) -> int:
        """Give the number of episodes held."""
        return min(self.added, self.capacity)

    @property
    def mebibytes(self) -> float:
        """Size of the preallocated tensors in MiB."""
        return sum(t.numel() * t.element_size() for t in self._tensors.values()) / BYTES_PER_MIB

    def add(self, block: EpisodeBlock) -> None:
        """Append episodes, the oldest ones giving way.

        Args:
            block: At most ``capacity`` episodes.
        """
        count = len(block.length)
        slots = (self.added + np.arange(count)) % self.capacity
        index = torch.from_numpy(slots).to(self.device)
        for name, tensor in self._tensors.items():
            source = torch.from_numpy(block.arrays()[name]).to(self.device)
            if name == "terminated":
                tensor[index] = source
            else:
                tensor[index, : source.shape[1]] = source
                tensor[index, source.shape[1] :] = 0  # nothing of the slot's last tenant: exact resume needs it
        self.lengths[slots], self.levels[slots] = block.length, block.risk_level
        is_real = np.arange(block.reward.shape[1]) < block.length[:, None]  # [episode, time]
        self.reward_low = min(self.reward_low, float(block.reward.min(where=is_real, initial=np.inf)))
        self.reward_high = max(self.reward_high, float(block.reward.max(where=is_real, initial=-np.inf)))
        self.added += count

    def last(self, count: int) -> EpisodeBlock:
        """Give the newest episodes, oldest of them first, trimmed to their longest.

        Args:
            count: How many, at most ``len(self)``.

        Returns:
            A block on the host.
        """
        slots = (self.added - count + np.arange(count)) % self.capacity
        lengths = self.lengths[slots]
        steps = int(lengths.max(initial=1))
        index = torch.from_numpy(slots).to(self.device)
        real = torch.arange(steps + 1).unsqueeze(0) <= torch.from_numpy(lengths).unsqueeze(1)  # [episode, time + 1]
        arrays = {}
        for name, tensor in self._tensors.items():
            host = tensor[index].cpu()
            if name != "terminated":
                extra = 1 if name in ("obs", "state", "avail_actions") else 0
                host = host[:, : steps + extra]
                keep = real if extra else real[:, 1:]
                host = host * keep.reshape(*keep.shape, *(1,) * (host.ndim - 2)).to(host.dtype)
            arrays[name] = host.numpy()
        return EpisodeBlock(length=lengths, risk_level=self.levels[slots], **arrays)

    def sample(
        self,
        batch_size: int,
        rng: np.random.Generator,
        *,
        reward_scale: float,
        newest: int = 0,
        epsilon: float = 0.0,
        level_draws: int = 0,
        level_redraw_share: float = 1.0,
        tau_draws: int = 0,
    ) -> EpisodeBatch:
        """Draw episodes uniformly with replacement, trimmed to the longest one drawn.

        Args:
            batch_size: Episodes drawn; 0 for none.
            rng: The stream that draws.
            reward_scale: Factor on every reward.
            newest: Newest episodes in the batch besides the drawn ones, each once; at most ``len(self)``.
            epsilon: The exploration that the newest episodes were collected with, for the record.
            level_draws: K of the risk levels {1/K, ..., 1} drawn per episode; 0 for none, all levels being 0.
            level_redraw_share: Share of the episodes whose level is drawn; the others keep that of their play.
            tau_draws: Quantile fractions drawn per step; 0 for none.

        Returns:
            A batch on the training device.
        """
        slots = rng.integers(0, len(self), size=batch_size)
        slots = np.concatenate([slots, (self.added - newest + np.arange(newest)) % self.capacity])
        order = np.argsort(-self.lengths[slots], kind="stable")
        slots, is_newest = slots[order], order >= batch_size
        levels: FloatArray = np.zeros(len(slots), dtype=np.float32)
        if level_draws:
            drawn = (rng.integers(1, level_draws + 1, size=len(slots)) / level_draws).astype(np.float32)
            levels = np.where(rng.random(len(slots)) < level_redraw_share, drawn, self.levels[slots])
        steps = int(self.lengths[slots].max())
        tau = rng.random((len(slots), steps + 1, tau_draws), dtype=np.float32)
        extra = {
            "risk_level": levels,
            "tau": tau,
            "is_newest": is_newest,
            "epsilon": np.array(epsilon, dtype=np.float32),
        }
        return self._gather(slots, steps, reward_scale, extra)

    def _gather(
        self, slots: IntArray, steps: int, reward_scale: float, extra: dict[str, NDArray[np.generic]]
    ) -> EpisodeBatch:
        lengths = self.lengths[slots]
        step_index = np.arange(steps)
        mask = step_index < lengths[:, None]  # [batch, time]
        is_last = step_index == lengths[:, None] - 1
        padding = np.arange(steps + 1) > lengths[:, None]  # [batch, time + 1]
        index = torch.from_numpy(slots).to(self.device)
        rows = {
            name: tensor[:, : steps + 1].index_select(0, index) if tensor.ndim > 1 else tensor.index_select(0, index)
            for name, tensor in self._tensors.items()
        }
        device_mask = torch.from_numpy(mask).to(self.device)
        device_padding = torch.from_numpy(padding).to(self.device)
        ends = rows["terminated"].unsqueeze(1) & torch.from_numpy(is_last).to(self.device)  # [batch, time]
        reward_range = torch.tensor([self.reward_low, self.reward_high], dtype=torch.float32) * reward_scale
        return EpisodeBatch(
            obs=rows["obs"],
            state=rows["state"],
            avail_actions=rows["avail_actions"] | device_padding[:, :, None, None],
            actions=rows["actions"][:, :steps].long(),
            is_explored=rows["is_explored"][:, :steps],
            reward=rows["reward"][:, :steps] * reward_scale * device_mask,
            terminated=ends,
            mask=device_mask,
            reward_range=reward_range.to(self.device),
            **{name: torch.from_numpy(values).to(self.device) for name, values in extra.items()},
            packing=make_packing(lengths, rows["obs"].shape[2], self.device),
        )
