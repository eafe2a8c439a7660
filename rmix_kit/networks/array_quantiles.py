"""Agents with a return distribution per action, on NumPy arrays (`rmix_kit.networks.array_agent`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rmix_kit.networks.array_agent import ArrayStep
from rmix_kit.networks.array_layers import Affine, ArrayEncoder, ArrayInputs, softmax
from rmix_kit.networks.carry import Carry
from rmix_kit.risk.measures import RiskMeasure, risk_weights
from rmix_kit.types import BoolArray, FloatArray


@dataclass(frozen=True, kw_only=True)
class ArrayPredictor:
    """`RiskPredictor`, with the agent's last layer within both embeddings, and `QuantileAgent.weigh`.

    Attributes:
        encoder: Of its own; None where it reads the agent's memory of the step before.
        current: Agent's hidden state ``[row, hidden]`` -> ``[row, embed]``.
        history: Hidden state of the step before ``[row, hidden]`` -> ``[row, embed * level]``.
        levels: ``[level]``.
        weights_by_level: ``[level, quantile]``.
        is_soft: The CVaR is the one expected over the levels' probabilities.
    """

    encoder: ArrayEncoder | None
    current: Affine
    history: Affine
    scale: float
    levels: FloatArray
    weights_by_level: FloatArray
    is_soft: bool

    def choose(self, agent_hidden_state: Tensor, hidden_state: Tensor) -> tuple[FloatArray, FloatArray]:
        """Return the weights of the sorted quantiles ``[row, quantile]``, and the level ``[row]``."""
        current = self.current(agent_hidden_state)
        keys = self.history(hidden_state).reshape(*current.shape, -1)  # [row, embed, level]
        scores = np.einsum("re,rel->rl", current, keys) * np.float32(self.scale)  # [row, level]
        if self.is_soft:
            probabilities = softmax(scores)
            expected = np.minimum((probabilities * self.levels).sum(-1), np.float32(1.0))  # [row]
            return torch.mm(torch.from_numpy(probabilities), torch.from_numpy(self.weights_by_level)).numpy(), expected
        index = scores.argmax(-1)  # [row]
        return self.weights_by_level.take(index, axis=0), self.levels.take(index)


@dataclass(frozen=True, kw_only=True)
class ArrayQuantileAgent:
    """`QuantileAgent`.

    Attributes:
        predictor: Chooses the level where the caller does not; None where ``default_level`` is used.
        edges: Shares of probability ``[quantile + 1]``.
        measure: What is taken of a distribution at the level.
        code_level: Codes levels ``[row]`` as ``[row, wave]`` where they are an input; None elsewhere.
    """

    inputs: ArrayInputs
    encoder: ArrayEncoder
    head: Affine
    predictor: ArrayPredictor | None
    edges: Tensor
    measure: RiskMeasure
    default_level: float
    code_level: Callable[[Tensor], Tensor] | None

    def step(self, obs: np.ndarray, avail_actions: BoolArray, risk_level: FloatArray, carry: Carry) -> ArrayStep:
        """Act for one step; see `ArrayAgent`. Actions that are not allowed have the value minus infinity."""
        level = np.repeat(risk_level, obs.shape[1])  # [row]
        is_own = level == 0
        if self.predictor is None:
            level[is_own] = self.default_level
        inputs = self.inputs(obs, carry["last_action"])  # [row, input]
        seen = inputs
        if self.code_level is not None:
            seen = torch.cat([inputs, self.code_level(torch.from_numpy(level))], -1)
        hidden_state = self.encoder.step(seen, carry["hidden_state"])
        following = {"hidden_state": hidden_state}
        own_weights = np.empty((0, 0), dtype=np.float32)
        if self.predictor is not None:
            history = carry["hidden_state"]
            if self.predictor.encoder is not None:
                history = self.predictor.encoder.step(carry["previous_input"], carry["risk_hidden_state"])
                following |= {"previous_input": inputs, "risk_hidden_state": history}
            own_weights, own_level = self.predictor.choose(hidden_state, history)
            level = np.where(is_own, own_level, level)
        if self.predictor is not None and is_own.all():
            weights = own_weights
        else:
            weights = risk_weights(self.measure, torch.from_numpy(level), self.edges).numpy()  # [row, quantile]
            if self.predictor is not None:
                weights = np.where(is_own[:, np.newaxis], own_weights, weights)
        values = ranked_values(self.head(hidden_state), avail_actions.reshape(len(level), -1), weights)
        return ArrayStep(values, level, following)


def ranked_values(flat: FloatArray, is_allowed: BoolArray, weights: FloatArray) -> FloatArray:
    """Sort the quantiles of the allowed actions, weight them by their rank and add them up.

    Args:
        flat: ``[row, action * quantile]``.
        is_allowed: bool ``[row, action]``.
        weights: Of the sorted quantiles ``[row, quantile]``.

    Returns:
        ``[row, action]``, minus infinity where an action is not allowed.
    """
    pairs = np.flatnonzero(is_allowed)  # [pair] of a row and an action
    quantiles = flat.reshape(is_allowed.size, -1).take(pairs, axis=0)  # [pair, quantile]
    quantiles.sort(axis=-1)
    values = np.full(is_allowed.shape, -np.inf, dtype=np.float32)
    own_weights = weights.take(pairs // is_allowed.shape[1], axis=0)  # [pair, quantile]
    values.reshape(-1)[pairs] = np.einsum("pq,pq->p", quantiles, own_weights)
    return values
