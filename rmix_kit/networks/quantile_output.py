"""Return distributions over whole episodes, of which only what a loss asks for is computed."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from rmix_kit.networks.packing import pack, place
from rmix_kit.networks.unroll import take
from rmix_kit.risk.operators import (
    cvar_levels,
    level_probabilities,
    ranked_sum,
    sort_quantiles,
    straight_through,
)
from rmix_kit.stacked import is_of_host
from rmix_kit.types import Packing

ROWS_PER_CHUNK = 2048
"""Rows of quantiles that are sorted together on a CPU: few enough to stay in its cache."""


class LastLayer(NamedTuple):
    """The agent's last layer, a quantile of an action per output.

    Attributes:
        weight: ``[action * quantile, hidden]``.
        bias: ``[action * quantile]``.
        n_actions: Number of actions.
    """

    weight: Tensor
    bias: Tensor
    n_actions: int

    def of_all(self, hidden_states: Tensor) -> Tensor:
        """Return the quantiles of every action: ``[row, hidden]`` -> ``[row, action, quantile]``."""
        return torch.unflatten(functional.linear(hidden_states, self.weight, self.bias), -1, (self.n_actions, -1))

    def by_action(self) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
        """Return weights ``[quantile, hidden]`` and biases ``[quantile]`` of each action."""
        weights, biases = (torch.unflatten(layer, 0, (self.n_actions, -1)) for layer in (self.weight, self.bias))
        return weights.unbind(), biases.unbind()

    def of_chosen(self, hidden_states: Tensor, actions: Tensor) -> ChosenRows:
        """Return the quantiles of one action a row.

        On a CPU the rows are grouped by action, so that the other actions' quantiles are neither computed nor given
        zero gradients. Elsewhere the group sizes would have to be waited for, and all actions are computed.

        Args:
            hidden_states: ``[row, hidden]``.
            actions: int64 ``[row]``.

        Returns:
            Quantiles, and which row each belongs to.
        """
        if not is_of_host(hidden_states):
            return ChosenRows(take(self.of_all(hidden_states), actions), None)
        # Stable: rows of an action stay in their order, in which the gradient of its weights is added up, so that the
        # same batch gives the same bits.
        order = actions.argsort(stable=True)  # [row]
        counts = actions.bincount(minlength=self.n_actions).tolist()  # an action that nobody chose has an empty group
        # `unbind`, not one index per action: its backward is a single stack, where every index would give a tensor of
        # zeros as large as all weights.
        weights, biases = self.by_action()
        groups = torch.split(hidden_states.index_select(0, order), counts)  # one [row of the group, hidden] per action
        parts = zip(groups, weights, biases, strict=True)
        # Left in the order of the groups: what follows is per row, and only the last result is put where it belongs.
        return ChosenRows(torch.cat([functional.linear(*part) for part in parts]), order)  # [row, quantile]


class ChosenRows(NamedTuple):
    """Quantiles of one action a row.

    Attributes:
        quantiles: ``[row, quantile]``, perhaps in another order of rows.
        order: int64 ``[row]``, the row that each row of ``quantiles`` belongs to; None if they are in their own order.
    """

    quantiles: Tensor
    order: Tensor | None

    def like(self, rows: Tensor) -> Tensor:
        """Bring other rows ``[row, ...]`` into the order of ``quantiles``."""
        return rows if self.order is None else rows.index_select(0, self.order)


class QuantileOutput(NamedTuple):
    """Distributions over whole episodes.

    Losses need the quantiles of one action a step, and greedy choices one number an action: the tensor of all
    quantiles of all actions, by far the widest of an update, is never kept.

    Attributes:
        hidden_states: The agent's recurrent state, packed ``[row, hidden]``.
        last_layer: Makes quantiles of them.
        packing: Where the rows belong.
        level_scores: Scores of the levels ``[row, level]``; None without a predictor.
        level_weights: Weights of the sorted quantiles at the level in force ``[row, quantile]``.
        risk_level: The level in force ``[batch, time, agent]``, in (0, 1]; zeros on padding with a predictor.
        weights_by_level: Constant weights of every level ``[level, quantile]``.
        edges: Shares of probability of the sorted quantiles ``[quantile + 1]`` (`rmix_kit.risk.quantile_edges`).
    """

    hidden_states: Tensor
    last_layer: LastLayer
    packing: Packing
    level_scores: Tensor | None
    level_weights: Tensor
    risk_level: Tensor
    weights_by_level: Tensor
    edges: Tensor

    def quantiles_of(self, actions: Tensor) -> Tensor:
        """Return the quantiles of chosen actions; zeros on padding.

        Args:
            actions: int64 ``[batch, time, agent]`` or ``[batch, time + 1, agent]``.

        Returns:
            ``[batch, time, agent, quantile]`` in head order, as many steps as ``actions`` has.
        """
        chosen = self._chosen(actions)
        return self._place(chosen, chosen.quantiles, actions.shape[1])

    def cvar_of(self, actions: Tensor, *, trains_level: bool = False) -> Tensor:
        """Return the CVaR of chosen actions at the level in force; zeros on padding.

        Args:
            actions: int64 ``[batch, time, agent]`` or ``[batch, time + 1, agent]``.
            trains_level: Add the straight-through gradient of the level's scores.

        Returns:
            ``[batch, time, agent]``, as many steps as ``actions`` has.
        """
        chosen = self._chosen(actions)
        # Weights, scores and places are brought to the quantiles, which are wider than all of these.
        values, ordered = ranked_sum(chosen.quantiles, chosen.like(self.level_weights))  # [row], [row, quantile]
        if trains_level and self.level_scores is not None:
            probabilities = level_probabilities(chosen.like(self.level_scores))  # [row, level]
            # Adds exactly zero: values keep their bits, and the gradient of the expected CVaR reaches the scores.
            values = values + straight_through(probabilities, cvar_levels(ordered, self.weights_by_level))
        return self._place(chosen, values, actions.shape[1])

    @torch.no_grad()
    def values(self, avail_actions: Tensor) -> Tensor:
        """Return the CVaR of every available action at the level in force, detached.

        Args:
            avail_actions: bool ``[batch, time + 1, agent, action]``.

        Returns:
            ``[batch, time + 1, agent, action]``; zeros on padding, and of actions that are not available.
        """
        available, weights = pack(avail_actions, self.packing), self.level_weights  # [row, action], [row, quantile]
        if is_of_host(weights):
            values = self._values_by_action(available)
        else:  # one large operation is faster there than many small ones, whose sizes would have to be waited for
            quantiles = sort_quantiles(self.last_layer.of_all(self.hidden_states))  # [row, action, quantile]
            values = (quantiles * weights.unsqueeze(-2)).sum(-1) * available
        return place(values, self.packing.index, self._shape)

    def _values_by_action(self, available: Tensor) -> Tensor:
        """Return what `values` does, packed ``[row, action]``, action by action, with no work for the others' rows.

        Rows are independent: a chunk's quantiles are made, sorted and summed while they lie in the cache, and are gone
        before the next.
        """
        values = self.level_weights.new_zeros(available.shape)
        layers = zip(*self.last_layer.by_action(), available.unbind(-1), values.unbind(-1), strict=True)
        for weight, bias, is_available, value in layers:
            for rows in torch.split(is_available.nonzero().squeeze(-1), ROWS_PER_CHUNK):
                quantiles = functional.linear(self.hidden_states.index_select(0, rows), weight, bias)
                ranked = sort_quantiles(quantiles)  # [chunk, quantile]
                value.index_copy_(0, rows, torch.linalg.vecdot(ranked, self.level_weights.index_select(0, rows)))
        return values

    @property
    def _shape(self) -> tuple[int, int, int]:
        size, steps, n_agents = self.risk_level.shape
        return size, steps, n_agents

    def _chosen(self, actions: Tensor) -> ChosenRows:
        # Replayed actions end a step before the observations. Action 0 stands at the last one, whose rows are computed
        # for nothing and cut off by `_place`: that costs less than a packing of its own.
        padded = functional.pad(actions, (0, 0, 0, self._shape[1] - actions.shape[1]))  # [batch, time + 1, agent]
        return self.last_layer.of_chosen(self.hidden_states, pack(padded, self.packing))

    def _place(self, chosen: ChosenRows, rows: Tensor, steps: int) -> Tensor:
        # The index is reordered and not the rows: whole numbers, one a row, and no gradient to take back through it.
        return place(rows, chosen.like(self.packing.index), self._shape)[:, :steps]  # [batch, time, agent, ...]
