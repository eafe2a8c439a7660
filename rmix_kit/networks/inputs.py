"""From an environment's raw observation to a network input, all of it inside the graph."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from rmix_kit.types import EnvSpec

MAX_ONE_HOT_VALUES = 32
"""An integer observation element with at most this many values is coded one-hot."""


class ObsCoding(nn.Module):
    """Code raw observations as numbers a network can use.

    Integer elements with few values become one-hot; other bounded elements are scaled to [0, 1]; unbounded ones pass
    unchanged.
    """

    one_hot_column: Tensor
    one_hot_value: Tensor
    scaled_column: Tensor
    scaled_offset: Tensor
    scaled_factor: Tensor

    def __init__(self, spec: EnvSpec) -> None:
        """Read the coding of every observation element from its bounds.

        Args:
            spec: The environment's spec.
        """
        super().__init__()
        self.obs_rank = len(spec.obs_shape)
        is_integer = spec.obs_dtype.startswith(("int", "uint", "bool"))
        columns: list[int] = []
        values: list[float] = []
        scaled: list[tuple[int, float, float]] = []
        for index, (low, high) in enumerate(zip(spec.obs_low, spec.obs_high, strict=True)):
            is_bounded = math.isfinite(low) and math.isfinite(high)
            if is_integer and is_bounded and high - low < MAX_ONE_HOT_VALUES:
                span = range(int(low), int(high) + 1)
                columns += [index] * len(span)
                values += [float(value) for value in span]
            elif is_bounded and high > low:
                scaled.append((index, low, 1.0 / (high - low)))
            else:
                scaled.append((index, 0.0, 1.0))
        # No weights: buffers that are rebuilt from the spec, so that a checkpoint holds only what was learned.
        self.register_buffer("one_hot_column", torch.tensor(columns, dtype=torch.int64), persistent=False)
        self.register_buffer("one_hot_value", torch.tensor(values, dtype=torch.float32), persistent=False)
        self.register_buffer("scaled_column", torch.tensor([s[0] for s in scaled], dtype=torch.int64), persistent=False)
        self.register_buffer("scaled_offset", torch.tensor([s[1] for s in scaled]), persistent=False)
        self.register_buffer("scaled_factor", torch.tensor([s[2] for s in scaled]), persistent=False)
        self.n_one_hot, self.n_scaled = len(columns), len(scaled)
        self.coded_size = self.n_one_hot + self.n_scaled

    def code(self, obs: Tensor) -> list[Tensor]:
        """Code observations.

        Args:
            obs: ``[..., *obs_shape]`` in the environment's dtype.

        Returns:
            One or two float32 parts ``[..., part]``, ``coded_size`` wide together.
        """
        flat = obs.flatten(obs.ndim - self.obs_rank).float()  # [..., element]
        parts = []
        if self.n_one_hot:
            parts.append((flat.index_select(-1, self.one_hot_column) == self.one_hot_value).float())
        if self.n_scaled:
            parts.append((flat.index_select(-1, self.scaled_column) - self.scaled_offset) * self.scaled_factor)
        return parts


class AgentInputs(ObsCoding):
    """Build x_t = [coded observation, last action (one-hot; zeros at the start), agent (one-hot)] (PyMARL's inputs).

    The coding is part of the network: a policy file takes exactly what the environment gives.
    """

    def __init__(self, spec: EnvSpec) -> None:
        """Read the coding of every observation element from its bounds.

        Args:
            spec: The environment's spec.
        """
        super().__init__(spec)
        self.size = self.coded_size + spec.n_actions + spec.n_agents

    def forward(self, obs: Tensor, last_action: Tensor, agent: Tensor) -> Tensor:
        """Code and concatenate.

        Args:
            obs: ``[..., *obs_shape]`` in the environment's dtype.
            last_action: float32 ``[..., action]``, one-hot, zeros at the start of an episode.
            agent: float32 ``[..., n_agents]``, one-hot.

        Returns:
            float32 ``[..., input]``.
        """
        return torch.cat([*self.code(obs), last_action, agent], dim=-1)
