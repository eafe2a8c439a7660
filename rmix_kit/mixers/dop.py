"""The linear mixer of DOP."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rmix_kit.mixers.mixer import Mixer


class LinearMixer(Mixer):
    """Q_tot = sum_i k_i(s) Q_i + b(s) with k_i >= 0 (DOP, Wang et al. 2021, Eqn 6).

    Because it is linear, the expectation of Q_tot under a factored policy is Q_tot of the agents' expectations.
    """

    def __init__(self, n_agents: int, state_size: int, *, hypernet_size: int, is_normalised: bool) -> None:
        """Build the hypernetworks.

        Args:
            n_agents: Number of values mixed.
            hypernet_size: Hidden width of the two hypernetworks.
            is_normalised: The weights of a state add up to 1.
        """
        super().__init__()
        self.is_normalised = is_normalised
        self.weight_layers = nn.Sequential(
            nn.Linear(state_size, hypernet_size), nn.ReLU(), nn.Linear(hypernet_size, n_agents)
        )
        self.bias_layers = nn.Sequential(nn.Linear(state_size, hypernet_size), nn.ReLU(), nn.Linear(hypernet_size, 1))

    def weights(self, state: Tensor) -> Tensor:
        """Return k_i(s), not negative: ``[..., state]`` -> ``[..., agent]``."""
        raw: Tensor = self.weight_layers(state).abs()  # [..., agent]
        return raw / (raw.sum(-1, keepdim=True) + torch.finfo(raw.dtype).eps) if self.is_normalised else raw

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """Mix: ``[..., agent]`` and ``[..., state]`` -> ``[...]``."""
        bias: Tensor = self.bias_layers(state)  # [..., 1]
        return (self.weights(state) * values).sum(-1) + bias.squeeze(-1)
