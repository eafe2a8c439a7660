"""The monotonic mixer of QMIX and RMIX."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmix_kit.errors import ShapeError
from rmix_kit.mixers.mixer import Mixer, perceptron


class QMixer(Mixer):
    """Mix values monotonically with weights made from the state (QMIX, Rashid et al. 2018, section 4; RMIX Eqn 13).

    h = ELU(q |W1(s)| + b1(s)), Q_tot = h |w2(s)| + V(s). The absolute values make every partial derivative
    dQ_tot/dq_i non-negative; the biases and V are unconstrained.
    """

    def __init__(self, n_agents: int, state_size: int, *, embed_size: int, hypernet_size: int) -> None:
        """Build the hypernetworks.

        Args:
            n_agents: Number of values mixed.
            hypernet_size: Hidden width of the two-layer hypernetworks.
        """
        super().__init__()
        self.n_agents = n_agents
        self.embed_size = embed_size
        self.first_weights = perceptron(state_size, hypernet_size, n_agents * embed_size)
        self.first_bias = nn.Linear(state_size, embed_size)
        self.final_weights = perceptron(state_size, hypernet_size, embed_size)
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
        weights = self.first_weights(state).abs()  # [..., agent * embed]
        weights = torch.unflatten(weights, -1, (self.n_agents, self.embed_size))  # [..., agent, embed]
        hidden = (values.unsqueeze(-1) * weights).sum(-2) + self.first_bias(state)  # [..., embed]
        hidden = functional.elu(hidden)
        mixed: Tensor = (hidden * self.final_weights(state).abs()).sum(-1)  # [...]
        baseline: Tensor = self.state_value(state)  # [..., 1]
        return mixed + baseline.squeeze(-1)
