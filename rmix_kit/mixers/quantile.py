"""The mixer of RiskQ: from the quantiles of the agents' returns to those of the team's."""

from __future__ import annotations

from torch import Tensor, nn

from rmix_kit.errors import ShapeError
from rmix_kit.mixers.mixer import perceptron


class QuantileMixer(nn.Module):
    """Add quantiles of equal fractions with weights made from the state (RiskQ, Shen et al. 2023, section 4).

    Z_tot(tau) = |w(s)| sum_i lambda_i(s) Z_i(tau) + c(s), lambda = softmax(scores(s)). No weight is below zero, and
    the sum of quantile functions is one of variables that rise together: any measure that adds over such and keeps
    positive factors (VaR, CVaR, every distorted expectation) is mixed with the same weights, so that each agent's best
    action by it is part of the team's best joint action (RIGM).
    """

    def __init__(self, n_agents: int, state_size: int, *, hypernet_size: int) -> None:
        """Build the hypernetworks.

        Args:
            n_agents: Number of distributions mixed.
            hypernet_size: Hidden width of the three networks.
        """
        super().__init__()
        self.n_agents = n_agents
        self.scores = perceptron(state_size, hypernet_size, n_agents)
        self.scale = perceptron(state_size, hypernet_size, 1)
        self.shift = perceptron(state_size, hypernet_size, 1)
        nn.init.constant_(self.scale[-1].bias, float(n_agents))  # type: ignore[arg-type]  # training starts at the sum

    def weights(self, state: Tensor) -> Tensor:
        """Weights of the agents' distributions: ``[..., state]`` -> ``[..., agent]``, none below zero."""
        weights: Tensor = self.scale(state).abs() * self.scores(state).softmax(-1)
        return weights

    def forward(self, quantiles: Tensor, state: Tensor) -> Tensor:
        """Mix.

        Args:
            quantiles: Ascending, of the same fractions for all agents, ``[..., agent, quantile]``.
            state: ``[..., state]``, the same leading axes.

        Returns:
            ``[..., quantile]``, ascending.
        """
        if quantiles.shape[-2] != self.n_agents:
            raise ShapeError(f"quantiles have {quantiles.shape[-2]} agents; this mixer was built for {self.n_agents}")
        total = (self.weights(state).unsqueeze(-1) * quantiles).sum(-2)  # [..., quantile]
        mixed: Tensor = total + self.shift(state)
        return mixed
