"""A replay of padded slots, one preallocated tensor per field: the plain form beside which ours is measured."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from rmix_kit.replay.buffer import make_packing
from rmix_kit.replay.episode import EpisodeBlock
from rmix_kit.types import EpisodeBatch


class PaddedReplay:
    """Holds a block's episodes, each in a slot of the length of the limit, and samples whole slots."""

    def __init__(self, block: EpisodeBlock, limit: int) -> None:
        """Copy a block that is padded to the limit."""
        arrays = {**block.observed, "actions": block.actions, "is_explored": block.is_explored, "reward": block.reward}
        self._tensors = {name: torch.from_numpy(array).clone() for name, array in arrays.items()}
        self._ends, self._lengths, self._limit = torch.from_numpy(block.terminated), block.length, limit

    def sample(self, batch_size: int, rng: np.random.Generator) -> EpisodeBatch:
        """Draw episodes uniformly with replacement, trimmed to the longest one drawn."""
        slots = rng.integers(0, len(self._lengths), size=batch_size)
        slots = slots[np.argsort(-self._lengths[slots], kind="stable")]
        lengths, index = self._lengths[slots], torch.from_numpy(slots)
        steps = int(lengths[0])
        step_index = np.arange(steps)
        mask = torch.from_numpy(step_index < lengths[:, None])
        is_last = torch.from_numpy(step_index == lengths[:, None] - 1)
        padding = torch.from_numpy(np.arange(steps + 1) > lengths[:, None])
        rows: dict[str, Tensor] = {
            name: tensor[:, : steps + 1].index_select(0, index) for name, tensor in self._tensors.items()
        }
        return EpisodeBatch(
            obs=rows["obs"],
            state=rows["state"],
            avail_actions=rows["avail_actions"] | padding[:, :, None, None],
            actions=rows["actions"][:, :steps].long(),
            is_explored=rows["is_explored"][:, :steps],
            reward=rows["reward"][:, :steps] * mask,
            terminated=self._ends.index_select(0, index).unsqueeze(1) & is_last,
            mask=mask,
            reward_range=torch.tensor([-1.0, 1.0]),
            risk_level=torch.zeros(batch_size),
            tau=torch.zeros(batch_size, steps + 1, 0),
            is_newest=torch.zeros(batch_size, dtype=torch.bool),
            epsilon=torch.zeros(()),
            packing=make_packing(lengths, rows["obs"].shape[2], torch.device("cpu")),
        )
