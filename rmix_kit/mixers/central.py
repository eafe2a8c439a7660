"""The unrestricted mixer of WQMIX's central network."""

from __future__ import annotations

import torch
from torch import Tensor

from rmix_kit.errors import ShapeError
from rmix_kit.mixers.mixer import Mixer, perceptron


class CentralMixer(Mixer):
    """Any function of the values and the state: f(s, q_1..q_n) + V(s) (the Q*hat of WQMIX, Rashid et al. 2020).

    f has three hidden layers and V one, as in the released code. Nothing keeps it monotonic.
    """

    def __init__(self, n_agents: int, state_size: int, *, embed_size: int) -> None:
        """Build the layers.

        Args:
            n_agents: Number of values mixed.
        """
        super().__init__()
        self.n_agents = n_agents
        self.joint = perceptron(state_size + n_agents, embed_size, embed_size, embed_size, 1)
        self.state_value = perceptron(state_size, embed_size, 1)

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """Mix.

        Args:
            values: ``[..., agent]``.
            state: ``[..., state]``, the same leading axes.

        Returns:
            ``[...]``.
        """
        if values.shape[-1] != self.n_agents:
            raise ShapeError(f"values have {values.shape[-1]} agents; this mixer was built for {self.n_agents}")
        mixed: Tensor = self.joint(torch.cat([state, values], dim=-1)) + self.state_value(state)  # [..., 1]
        return mixed.squeeze(-1)
