"""The frame that all value-based algorithms share: greedy targets, traces, and the squared error on Q_tot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from rmix_kit.algorithms.algorithm import Algorithm, OptimizerSettings
from rmix_kit.losses import lambda_returns, masked_mean
from rmix_kit.types import EpisodeBatch, PositiveFloat, PositiveInt, UnitFloat


@dataclass(frozen=True, kw_only=True)
class ValueDecomposition(Algorithm):
    """Hyper-parameters and pieces of centrally trained, greedily acting value methods.

    Attributes:
        gamma: Discount in [0, 1].
        td_lambda: Trace decay of the TD targets in [0, 1]; 0 is the paper's one-step target. Watkins' cut applies.
        has_bounded_targets: Keep V' within what the rewards seen so far allow (`bound_values`).
        hidden_size: Width of the agents' recurrent state.
        optimizer: "adam" or "rmsprop".
        learning_rate: Step size of the TD loss.
        optimizer_eps: The optimiser's epsilon.
        grad_clip: Largest gradient norm.
    """

    gamma: UnitFloat = 0.99
    td_lambda: UnitFloat = 0.8
    has_bounded_targets: bool = True
    hidden_size: PositiveInt = 64
    optimizer: Literal["adam", "rmsprop"] = "adam"
    learning_rate: PositiveFloat = 5e-4
    optimizer_eps: PositiveFloat = 1e-8
    grad_clip: PositiveFloat = 10.0

    def optimizers(self) -> dict[str, OptimizerSettings]:
        """One group, "td", that holds every parameter."""
        return {
            "td": OptimizerSettings(
                kind=self.optimizer,
                learning_rate=self.learning_rate,
                eps=self.optimizer_eps,
                grad_clip=self.grad_clip,
            )
        }

    def td_targets(self, batch: EpisodeBatch, next_values: Tensor, greedy: Tensor) -> Tensor:
        """TD(lambda) targets of the joint value, the trace cut where the replayed joint action is not greedy.

        Args:
            batch: Episodes.
            next_values: V' of the step after, ``[batch, time]``.
            greedy: The online networks' available argmax of every step, int64 ``[batch, time + 1, agent]``.

        Returns:
            Detached ``[batch, time]``.
        """
        return lambda_returns(
            batch.reward,
            batch.terminated,
            bound_values(next_values, batch.reward_range, self.gamma) if self.has_bounded_targets else next_values,
            watkins_trace(batch, greedy),
            gamma=self.gamma,
            td_lambda=self.td_lambda,
        ).detach()


def bound_values(values: Tensor, reward_range: Tensor, gamma: float) -> Tensor:
    """Clip values to the returns that rewards within the seen range can make.

    The real final observation of a truncated episode is only ever bootstrapped from, never trained on; where rewards
    are negative its value drifts upwards without bound (peers show positive values on MACN). A return of one step or
    more lies in [min(r, r / (1 - gamma)), max(R, R / (1 - gamma))] for rewards in [r, R].

    Args:
        values: ``[...]``.
        reward_range: ``[2]``, lowest and highest reward seen.
        gamma: Discount in [0, 1]; 1 leaves a bound only on the side where the rewards' sign gives one.

    Returns:
        ``[...]``.
    """
    horizon = 1.0 / (1.0 - gamma) if gamma < 1.0 else torch.inf
    lowest, highest = reward_range[0], reward_range[1]
    low = torch.where(lowest < 0, lowest * horizon, lowest)  # a reward of zero never meets an infinite horizon
    high = torch.where(highest > 0, highest * horizon, highest)
    return torch.minimum(torch.maximum(values, low), high)


def watkins_trace(batch: EpisodeBatch, greedy: Tensor) -> Tensor:
    """Say where the return may go on: step t + 1 is real and every agent's replayed action there is greedy.

    Args:
        batch: Episodes.
        greedy: int64 ``[batch, time + 1, agent]``.

    Returns:
        bool ``[batch, time]``; false at the last step.
    """
    is_greedy = (batch.actions == greedy[:, :-1]).all(-1) & batch.mask  # [batch, time]
    trace = is_greedy.roll(-1, dims=1)
    trace[:, -1] = False
    return trace


def squared_td_error(q_tot: Tensor, targets: Tensor, batch: EpisodeBatch) -> Tensor:
    """Mean of (y - Q_tot)^2 over real steps.

    Args:
        q_tot: ``[batch, time]``.
        targets: ``[batch, time]``, detached.
        batch: Episodes, for the mask.

    Returns:
        Scalar.
    """
    return masked_mean((q_tot - targets).square(), batch.mask)
