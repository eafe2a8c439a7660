"""Agents with one number per action, on NumPy arrays (`rmix_kit.networks.array_agent`)."""

from __future__ import annotations

import numpy as np

from rmix_kit.networks.array_agent import ArrayStep
from rmix_kit.networks.array_layers import Affine, ArrayEncoder, ArrayInputs, softmax
from rmix_kit.networks.carry import Carry
from rmix_kit.types import BoolArray, FloatArray


class ArrayValueAgent:
    """`ValueAgent`, and `ImplicitQuantileAgent` with the mean of phi within its last layer."""

    def __init__(self, inputs: ArrayInputs, encoder: ArrayEncoder, head: Affine, *, is_stochastic: bool) -> None:
        """Put the layers together.

        Args:
            inputs: Codes observations.
            encoder: The recurrent trunk.
            head: The last layer, ``[hidden, action]``.
            is_stochastic: The last layer gives logits of a policy.
        """
        self._inputs, self._encoder, self._head, self._is_stochastic = inputs, encoder, head, is_stochastic

    def step(self, obs: np.ndarray, avail_actions: BoolArray, risk_level: FloatArray, carry: Carry) -> ArrayStep:
        """Act for one step; see `ArrayAgent`. Every action has its value."""
        hidden_state = self._encoder.step(self._inputs(obs, carry["last_action"]), carry["hidden_state"])
        outputs = self._head(hidden_state)  # [row, action]
        if self._is_stochastic:
            outputs = softmax(outputs)
        return ArrayStep(outputs, np.ones(len(outputs), dtype=np.float32), {"hidden_state": hidden_state})
