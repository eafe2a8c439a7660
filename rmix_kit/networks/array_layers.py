"""The layers that agents share, on NumPy arrays (`rmix_kit.networks.array_agent`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from rmix_kit.networks.inputs import AgentInputs
from rmix_kit.networks.recurrent import RecurrentEncoder
from rmix_kit.types import FloatArray


class Affine(NamedTuple):
    """x W + b.

    Attributes:
        weight: ``[input, output]``, detached.
        bias: ``[output]``, detached.
    """

    weight: Tensor
    bias: Tensor

    @classmethod
    def of(cls, layer: nn.Linear) -> Affine:
        """Look at a layer's own memory."""
        return cls(layer.weight.detach().t(), layer.bias.detach())

    def __call__(self, rows: Tensor) -> FloatArray:
        """Map ``[row, input]`` to a new array ``[row, output]``."""
        array: FloatArray = torch.addmm(self.bias, rows, self.weight).numpy()
        return array


class ArrayInputs:
    """`AgentInputs` of observations that are no pictures."""

    def __init__(self, inputs: AgentInputs) -> None:
        """Look at the coding's own memory."""
        self._is_identity, self._is_normalised = inputs.is_identity, bool(inputs.normalised)
        self._n_one_hot, self._coded_size, self._size = inputs.n_one_hot, inputs.coded_size, inputs.size
        self._one_hot_column, self._one_hot_value = inputs.one_hot_column.numpy(), inputs.one_hot_value.numpy()
        self._number_column, self._limit = inputs.number_column.numpy(), inputs.limit.numpy()
        self._offset, self._factor = inputs.offset.numpy(), inputs.factor.numpy()

    def __call__(self, obs: np.ndarray, last_action: Tensor) -> Tensor:
        """Code and concatenate.

        Args:
            obs: ``[env, agent, *obs_shape]``.
            last_action: float32 ``[env * agent, action]``.

        Returns:
            float32 ``[env * agent, input]``.
        """
        num_envs, n_agents = obs.shape[:2]
        flat = obs.reshape(num_envs * n_agents, -1).astype(np.float32, copy=False)  # [row, element]
        rows = np.empty((len(flat), self._size), dtype=np.float32)  # [row, input]
        self._code(flat, rows[:, : self._coded_size])
        rows[:, self._coded_size : self._size - n_agents] = last_action.numpy()
        rows.reshape(num_envs, n_agents, -1)[:, :, -n_agents:] = np.eye(n_agents, dtype=np.float32)
        return torch.from_numpy(rows)

    def _code(self, flat: FloatArray, coded: FloatArray) -> None:
        """Write what `ElementCoding.parts` gives into ``coded``."""
        if self._is_identity:
            coded[...] = flat
            return
        if self._n_one_hot:
            taken = flat.take(self._one_hot_column, axis=1)
            np.equal(taken, self._one_hot_value, out=coded[:, : self._n_one_hot], casting="unsafe")
        if len(self._number_column):
            numbers = coded[:, self._n_one_hot :]
            np.subtract(flat.take(self._number_column, axis=1), self._offset, out=numbers)
            numbers *= self._factor
            if self._is_normalised:
                np.clip(numbers, -self._limit, self._limit, out=numbers)


class ArrayEncoder:
    """`RecurrentEncoder.step`."""

    def __init__(self, encoder: RecurrentEncoder) -> None:
        """Look at the encoder's own memory."""
        self._hidden_size = encoder.hidden_size
        self._input_layer = Affine.of(encoder.input_layer)
        weight_ih, weight_hh, bias_ih, bias_hh = (weight.detach() for weight in encoder.gru.all_weights[0])
        self._of_input, self._of_hidden = Affine(weight_ih.t(), bias_ih), Affine(weight_hh.t(), bias_hh)

    def step(self, inputs: Tensor, hidden_state: Tensor) -> Tensor:
        """Advance by one step: ``[row, input]`` and ``[row, hidden]`` -> next hidden state ``[row, hidden]``."""
        embedded = self._input_layer(inputs)
        np.maximum(embedded, 0, out=embedded)
        of_input = self._of_input(torch.from_numpy(embedded))  # [row, 3 * hidden]: reset, update, new
        of_hidden = self._of_hidden(hidden_state)
        gates = of_input[:, : 2 * self._hidden_size] + of_hidden[:, : 2 * self._hidden_size]
        # sigmoid(a) = tanh(a / 2) / 2 + 1 / 2, which unlike 1 / (1 + exp(-a)) cannot overflow.
        gates *= 0.5
        np.tanh(gates, out=gates)
        gates *= 0.5
        gates += 0.5
        reset, update = gates[:, : self._hidden_size], gates[:, self._hidden_size :]
        new = of_hidden[:, 2 * self._hidden_size :] * reset
        new += of_input[:, 2 * self._hidden_size :]
        np.tanh(new, out=new)
        following: FloatArray = hidden_state.numpy() - new
        following *= update
        following += new
        return torch.from_numpy(following)


def softmax(scores: FloatArray) -> FloatArray:
    """Return probabilities of scores, over the last axis ``[row, ...]``."""
    exponentials = np.exp(scores - scores.max(-1, keepdims=True))
    probabilities: FloatArray = exponentials / exponentials.sum(-1, keepdims=True)
    return probabilities
