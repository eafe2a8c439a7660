"""The duplex dueling mixer of QPLEX."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from rmix_kit.errors import ShapeError
from rmix_kit.mixers.mixer import perceptron

SMALLEST_WEIGHT = 1e-10
"""Keeps weights positive (the released code's number)."""


class KernelPerceptrons(nn.Module):
    """One perceptron per kernel, all of a shape, evaluated together."""

    def __init__(self, n_kernels: int, *sizes: int) -> None:
        """Build the layers, initialised as torch's linear layers are.

        Args:
            n_kernels: Number of perceptrons.
            sizes: Widths of the input, of the hidden layers and of the output.
        """
        super().__init__()
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for width, next_width in pairwise(sizes):
            bound = 1.0 / math.sqrt(width)
            self.weights.append(nn.Parameter(torch.empty(n_kernels, width, next_width).uniform_(-bound, bound)))
            self.biases.append(nn.Parameter(torch.empty(n_kernels, next_width).uniform_(-bound, bound)))

    def forward(self, inputs: Tensor) -> Tensor:
        """Evaluate all on the same inputs: ``[..., input]`` -> ``[..., kernel, output]``."""
        outputs = inputs
        for index, (weight, bias) in enumerate(zip(self.weights, self.biases, strict=True)):
            if index == 0:
                outputs = torch.einsum("...i,kio->...ko", outputs, weight) + bias  # [..., kernel, width]
            else:
                outputs = torch.einsum("...ki,kio->...ko", torch.relu(outputs), weight) + bias
        return outputs


class QPLEXMixer(nn.Module):
    """Mix values so that the joint argmax is each agent's own, without further restriction (QPLEX, Wang et al. 2021).

    With Q~_i = w_i(s) Q_i + b_i(s), V~_i = max_u Q~_i and A~_i = Q~_i - V~_i (section 3.2),
    Q_tot = sum_i V~_i + sum_i lambda_i(s, u) A~_i, w_i > 0 and lambda_i > 0:
    lambda_i = sum_k |key_k(s)| sigmoid(agents_k(s))_i sigmoid(joint_k(s, u))_i. As in the released code no gradient
    passes the advantages, Q_tot = sum_i Q~_i + sum_i (lambda_i - 1) sg A~_i, so that the agents learn through w_i Q~_i
    alone.
    """

    def __init__(
        self,
        n_agents: int,
        n_actions: int,
        state_size: int,
        *,
        hypernet_size: int,
        n_kernels: int,
        kernel_layers: int,
    ) -> None:
        """Build the hypernetworks.

        Args:
            n_agents: Number of values mixed.
            hypernet_size: Hidden width of all hypernetworks.
            n_kernels: Terms of the sum that makes lambda.
            kernel_layers: Linear layers of lambda's networks.
        """
        super().__init__()
        self.n_agents = n_agents
        self.scale = perceptron(state_size, hypernet_size, n_agents)
        self.shift = perceptron(state_size, hypernet_size, n_agents)
        hidden = (hypernet_size,) * (kernel_layers - 1)
        self.keys = KernelPerceptrons(n_kernels, state_size, *hidden, 1)
        self.agents = KernelPerceptrons(n_kernels, state_size, *hidden, n_agents)
        self.joint_actions = KernelPerceptrons(n_kernels, state_size + n_agents * n_actions, *hidden, n_agents)

    def forward(self, values: Tensor, best_values: Tensor, actions: Tensor, state: Tensor) -> Tensor:
        """Mix.

        Args:
            values: Of the chosen actions ``[..., agent]``.
            best_values: Of each agent's best available action ``[..., agent]``.
            actions: The chosen ones, float32, one-hot ``[..., agent, action]``.
            state: ``[..., state]``.

        Returns:
            ``[...]``.
        """
        if values.shape[-1] != self.n_agents:
            raise ShapeError(f"values have {values.shape[-1]} agents; this mixer was built for {self.n_agents}")
        scale = self.scale(state).abs() + SMALLEST_WEIGHT  # [..., agent]
        shift = self.shift(state)  # [..., agent]
        transformed = scale * values + shift
        advantages = (scale * (values - best_values)).detach()  # [..., agent]
        mixed: Tensor = (transformed + (self.importance(actions, state) - 1.0) * advantages).sum(-1)  # [...]
        return mixed

    def importance(self, actions: Tensor, state: Tensor) -> Tensor:
        """lambda_i(s, u), above 0: one-hot ``[..., agent, action]``, ``[..., state]`` -> ``[..., agent]``."""
        keys = self.keys(state).abs() + SMALLEST_WEIGHT  # [..., kernel, 1]
        agents = self.agents(state).sigmoid()  # [..., kernel, agent]
        joint = self.joint_actions(torch.cat([state, actions.flatten(-2)], dim=-1)).sigmoid()  # [..., kernel, agent]
        importance: Tensor = (keys * agents * joint).sum(-2)  # [..., agent]
        return importance
