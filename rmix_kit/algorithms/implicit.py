"""What algorithms share whose agents give any quantile that they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from rmix_kit.algorithms.algorithm import Networks, OptimizerSettings
from rmix_kit.algorithms.value_decomposition import ValueBased
from rmix_kit.networks.implicit_quantile import ImplicitQuantileAgent
from rmix_kit.types import EnvSpec, PositiveFloat, PositiveInt

ImplicitNetworksT = TypeVar("ImplicitNetworksT", bound=Networks[ImplicitQuantileAgent])


@dataclass(frozen=True, kw_only=True)
class ImplicitQuantileLearning(ValueBased[ImplicitNetworksT]):
    """Fractions that are drawn for predictions and targets, the agent network, and one group of parameters.

    Attributes:
        n_quantiles: Fractions drawn per step for the predictions, N.
        n_target_quantiles: Fractions drawn per step for the targets, N'.
        n_acting_quantiles: Midpoints whose mean is an action's value when acting and in the targets' choice.
        n_max: Most rewards in a target before it bootstraps; 1 in the papers.
        quantile_kappa: Huber threshold in scaled reward units.
        td_lambda: Unused; targets are n-step.
        trace: Unused likewise; they are cut where an action is not greedy.
    """

    n_quantiles: PositiveInt = 8
    n_target_quantiles: PositiveInt = 8
    n_acting_quantiles: PositiveInt = 32
    n_max: PositiveInt = 5
    quantile_kappa: PositiveFloat = 0.05

    @property
    def tau_draws(self) -> int:
        """N fractions for the predictions, then N' for the targets."""
        return self.n_quantiles + self.n_target_quantiles

    def implicit_agent(self, spec: EnvSpec) -> ImplicitQuantileAgent:
        """Make an agent network."""
        return ImplicitQuantileAgent(
            spec,
            hidden_size=self.hidden_size,
            n_acting_quantiles=self.n_acting_quantiles,
            image_channels=self.image_channels,
        )

    def optimizers(self) -> dict[str, OptimizerSettings]:
        """One group, "quantile", that holds every parameter."""
        return {"quantile": super().optimizers()["td"]}
