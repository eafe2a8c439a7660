"""The joint networks of QTRAN, which no utility is a part of."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rmix_kit.errors import ShapeError
from rmix_kit.mixers.mixer import perceptron


class JointValue(nn.Module):
    """Joint value of any joint action, without restriction (QTRAN, Son et al. 2019, section 4.1).

    Q_jt(tau, u) = f(s, sum_i e(h_i, u_i)), e and f perceptrons with one and two hidden layers (PyMARL's sizes). The
    sum makes the size independent of the number of agents.
    """

    def __init__(self, n_actions: int, state_size: int, hidden_size: int, *, embed_size: int) -> None:
        """Build the layers.

        Args:
            hidden_size: Width of the agents' recurrent state.
        """
        super().__init__()
        self.state_size = state_size
        pair_size = hidden_size + n_actions
        self.encoder = perceptron(pair_size, pair_size, pair_size)
        self.head = perceptron(state_size + pair_size, embed_size, embed_size, 1)

    def forward(self, hidden_states: Tensor, actions: Tensor, state: Tensor) -> Tensor:
        """Evaluate one joint action per row.

        Args:
            hidden_states: The agents' recurrent states ``[..., agent, hidden]``.
            actions: float32, one-hot ``[..., agent, action]``.
            state: ``[..., state]``.

        Returns:
            ``[...]``.
        """
        if state.shape[-1] != self.state_size:
            raise ShapeError(f"the state has {state.shape[-1]} elements; this network was built for {self.state_size}")
        encoded = self.encoder(torch.cat([hidden_states, actions], dim=-1)).sum(-2)  # [..., pair]
        joint: Tensor = self.head(torch.cat([state, encoded], dim=-1))  # [..., 1]
        return joint.squeeze(-1)


class StateValue(nn.Module):
    """V_jt(s) of QTRAN: what the sum of utilities lacks because no agent sees everything."""

    def __init__(self, state_size: int, *, embed_size: int) -> None:
        """Build two hidden layers."""
        super().__init__()
        self.layers = perceptron(state_size, embed_size, embed_size, 1)

    def forward(self, state: Tensor) -> Tensor:
        """Evaluate states: ``[..., state]`` -> ``[...]``."""
        value: Tensor = self.layers(state)  # [..., 1]
        return value.squeeze(-1)
