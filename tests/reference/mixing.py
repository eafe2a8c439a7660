"""Mixers written out for one step: they borrow the layers of the package's mixers, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tests.reference.watching import one_hot

Values = Sequence[Tensor]


def monotonic(mixer: nn.Module, values: Values, state: Tensor) -> Tensor:
    """QMIX (Rashid et al. 2018, Eqn 5-6): ELU(q |W1(s)| + b1(s)) |w2(s)| + V(s)."""
    first, first_bias = mixer.first_weights(state), mixer.first_bias(state)  # [agent * embed], [embed]
    final, embed_size = mixer.final_weights(state), len(first_bias)
    q_tot = mixer.state_value(state)[0]
    for k in range(embed_size):
        unit = first_bias[k]
        for agent, value in enumerate(values):
            unit = unit + value * abs(first[agent * embed_size + k])
        unit = unit if unit > 0 else torch.exp(unit) - 1
        q_tot = q_tot + unit * abs(final[k])
    return q_tot


def unrestricted(mixer: nn.Module, values: Values, state: Tensor) -> Tensor:
    """Q*hat of WQMIX (Rashid et al. 2020): f(s, q_1..q_n) + V(s), no sign kept."""
    return mixer.joint(torch.cat([state, torch.stack(list(values))]))[0] + mixer.state_value(state)[0]


def quantile_weights(mixer: nn.Module, state: Tensor) -> list[Tensor]:
    """RiskQ's k_i(s): a scale that is not negative, shared out by a softmax."""
    scale, scores = abs(mixer.scale(state)[0]), mixer.scores(state)
    powers = [torch.exp(score) for score in scores]
    return [scale * power / sum(powers) for power in powers]


def linear(mixer: nn.Module, values: Values, state: Tensor) -> Tensor:
    """DOP (Wang et al. 2021, Eqn 6): sum_i k_i(s) Q_i + b(s)."""
    q_tot = mixer.bias_layers(state)[0]
    for weight, value in zip(linear_weights(mixer, state), values, strict=True):
        q_tot = q_tot + weight * value
    return q_tot


def linear_weights(mixer: nn.Module, state: Tensor) -> list[Tensor]:
    """DOP's k_i(s), none of them negative; they add up to 1 where the mixer says so."""
    raw = [abs(weight) for weight in mixer.weight_layers(state)]
    return [weight / sum(raw) for weight in raw] if mixer.is_normalised else raw


def duplex(
    mixer: nn.Module, values: Values, best_values: Values, actions: Sequence[int], state: Tensor, n_actions: int
) -> Tensor:
    """QPLEX (Wang et al. 2021, section 3.2): sum_i Q~_i + sum_i (lambda_i - 1) sg A~_i, Q~_i = w_i(s) Q_i + b_i(s)."""
    coded = torch.cat([one_hot(action, n_actions) for action in actions])
    n_kernels, q_tot = len(mixer.keys.weights[0]), torch.zeros((), dtype=torch.float64)
    for agent, (value, best) in enumerate(zip(values, best_values, strict=True)):
        importance = torch.zeros((), dtype=torch.float64)
        for kernel in range(n_kernels):
            key = abs(kernel_output(mixer.keys, kernel, state)[0])
            own = torch.sigmoid(kernel_output(mixer.agents, kernel, state)[agent])
            joint = torch.sigmoid(kernel_output(mixer.joint_actions, kernel, torch.cat([state, coded]))[agent])
            importance = importance + key * own * joint
        scale, shift = abs(mixer.scale(state)[agent]), mixer.shift(state)[agent]
        advantage = ((scale * value + shift) - (scale * best + shift)).detach()
        q_tot = q_tot + scale * value + shift + (importance - 1) * advantage
    return q_tot


def kernel_output(perceptrons: nn.Module, kernel: int, inputs: Tensor) -> Tensor:
    """One kernel's perceptron: linear layers with a ReLU between each two."""
    outputs = inputs
    for layer, (weight, bias) in enumerate(zip(perceptrons.weights, perceptrons.biases, strict=True)):
        outputs = (torch.relu(outputs) if layer else outputs) @ weight[kernel] + bias[kernel]
    return outputs
