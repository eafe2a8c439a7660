"""The last episodes, their records on the training device, drawn as padded batches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from rmix_kit.replay.episode import OBSERVED, EpisodeBlock, observed_template
from rmix_kit.replay.records import RecordStore, block_of_records, episode_bytes, pack, unpack, worst_case_bytes
from rmix_kit.types import BoolArray, EnvSpec, EpisodeBatch, FloatArray, IntArray, Packing

if TYPE_CHECKING:
    from rmix_kit.envs.interface import StepCodec


class ReplayBuffer:
    """The last ``capacity`` episodes. Lengths and levels stay on the host: sampling never waits for the device.

    Episode number n has slot n modulo the capacity. Its steps lie in the record store, at their true length and in the
    environment's smaller form if it has one.
    """

    def __init__(self, spec: EnvSpec, capacity: int, device: torch.device, *, codec: StepCodec | None = None) -> None:
        """Take no memory for steps yet; it is taken as episodes come.

        Args:
            capacity: Most episodes held, at least 1.
        """
        self.capacity = capacity
        self.device = device
        self.template = observed_template(spec, codec)
        self.lengths: IntArray = np.zeros(capacity, dtype=np.int64)
        self.levels: FloatArray = np.zeros(capacity, dtype=np.float32)
        self.added = 0
        self.reward_low, self.reward_high = np.inf, -np.inf
        self.store = RecordStore(spec, codec, capacity, device)
        self.codec = codec
        self._spec = spec
        self._places: IntArray = np.zeros((capacity, 2), dtype=np.int64)  # chunk and first row of each slot
        self._ends: BoolArray = np.zeros(capacity, dtype=np.bool_)  # terminated
        self._held = 0

    def __len__(self) -> int:
        """Return the number of episodes held."""
        return min(self.added, self.capacity)

    @property
    def worst_case_bytes(self) -> int:
        """Most memory that the steps will ever take."""
        return worst_case_bytes(self._spec, self.codec, self.capacity)

    @property
    def episode_bytes(self) -> int:
        """Memory of one episode that reaches the limit."""
        return episode_bytes(self._spec, self.codec)

    @property
    def episode_limit(self) -> int:
        """Most steps of an episode."""
        return self._spec.episode_limit

    @property
    def bytes_held(self) -> int:
        """Size of the steps held at present."""
        return self.store.bytes_held

    def add(self, block: EpisodeBlock) -> None:
        """Append episodes, the oldest ones giving way."""
        records = torch.split(pack(block, self.store.dtype).to(self.device), (block.length + 1).tolist())
        for episode, length in zip(records, block.length, strict=True):
            slot = self.added % self.capacity
            if self._held == self.capacity:
                self.store.drop(int(self._places[slot, 0]), int(self.lengths[slot]) + 1)
                self._held -= 1
            self._places[slot] = self.store.add(episode)
            self.lengths[slot] = length
            self.added += 1
            self._held += 1
        slots = (self.added - len(block.length) + np.arange(len(block.length))) % self.capacity
        self.levels[slots], self._ends[slots] = block.risk_level, block.terminated
        is_real = np.arange(block.reward.shape[1]) < block.length[:, None]  # [episode, time]
        self.reward_low = min(self.reward_low, float(block.reward.min(where=is_real, initial=np.inf)))
        self.reward_high = max(self.reward_high, float(block.reward.max(where=is_real, initial=-np.inf)))

    def last(self, count: int) -> EpisodeBlock:
        """Return the newest episodes, oldest of them first, padded to their longest.

        Args:
            count: How many, at most ``len(self)``.

        Returns:
            A block on the host.
        """
        slots = (self.added - count + np.arange(count)) % self.capacity
        return block_of_records(
            unpack(self._padded(slots).cpu(), self.store.dtype),
            self.template,
            terminated=self._ends[slots],
            length=self.lengths[slots],
            risk_level=self.levels[slots],
        )

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

    def _padded(self, slots: IntArray) -> Tensor:
        """Return the slots' records, uint8 ``[episode, time + 1, byte]``, zeros after each one's end."""
        places = zip(*self._places[slots].T.tolist(), (self.lengths[slots] + 1).tolist(), strict=True)
        return pad_sequence([self.store.at(chunk, start, rows) for chunk, start, rows in places], batch_first=True)

    def _observed(self, fields: Mapping[str, Tensor], padding: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return observations, states and masks; on padding zeros, and every action allowed."""
        kept = {name: fields[OBSERVED + name] for name in self.template}
        if self.codec is None:
            obs, state, avail_actions = kept["obs"], kept["state"], kept["avail_actions"]
        else:
            obs, state, avail_actions = self.codec.rebuild(kept)
            obs = obs.masked_fill(padding.reshape(*padding.shape, *(1,) * (obs.ndim - 2)), 0)
            state = state.masked_fill(padding.unsqueeze(-1), 0)
        return obs, state, avail_actions | padding[:, :, None, None]

    def _gather(
        self, slots: IntArray, steps: int, reward_scale: float, extra: dict[str, NDArray[np.generic]]
    ) -> EpisodeBatch:
        lengths = self.lengths[slots]
        step_index = np.arange(steps)
        mask = step_index < lengths[:, None]  # [batch, time]
        ends = (step_index == lengths[:, None] - 1) & self._ends[slots, None]  # [batch, time]
        padding = np.arange(steps + 1) > lengths[:, None]  # [batch, time + 1]
        fields = unpack(self._padded(slots), self.store.dtype)  # [batch, time + 1, ...]
        obs, state, avail_actions = self._observed(fields, torch.from_numpy(padding).to(self.device))
        reward_range = torch.tensor([self.reward_low, self.reward_high], dtype=torch.float32) * reward_scale
        return EpisodeBatch(
            obs=obs,
            state=state,
            avail_actions=avail_actions,
            actions=fields["actions"][:, :steps].long(),
            is_explored=fields["is_explored"][:, :steps],
            reward=fields["reward"][:, :steps] * reward_scale,
            terminated=torch.from_numpy(ends).to(self.device),
            mask=torch.from_numpy(mask).to(self.device),
            reward_range=reward_range.to(self.device),
            **{name: torch.from_numpy(values).to(self.device) for name, values in extra.items()},
            packing=make_packing(lengths, self._spec.n_agents, self.device),
        )


def make_packing(lengths: IntArray, n_agents: int, device: torch.device) -> Packing:
    """Compute the packing of a batch on the host and put it on the device.

    Args:
        lengths: Steps of each episode, never rising, ``[batch]``; an episode has ``length + 1`` observations.

    Returns:
        The packing of all real observations.
    """
    steps = int(lengths[0]) + 1
    active = (lengths[:, None] + 1 > np.arange(steps)).sum(0)  # [time], episodes that have an observation there
    time = np.repeat(np.arange(steps), active)  # [packed episode step]
    starts = np.cumsum(active) - active
    episode = np.arange(len(time)) - starts[time]
    index = (episode * steps + time)[:, None] * n_agents + np.arange(n_agents)  # [packed episode step, agent]
    row = np.arange(index.size).reshape(index.shape)
    earlier = np.maximum(time - 1, 0)
    previous = (starts[earlier] + episode)[:, None] * n_agents + np.arange(n_agents)
    previous = np.where(time[:, None] > 0, previous, row.size)  # the first step looks at a row of zeros
    return Packing(
        index=torch.from_numpy(index.reshape(-1)).to(device),
        previous=torch.from_numpy(previous.reshape(-1)).to(device),
        rows_per_step=tuple(int(count) * n_agents for count in active),
    )
