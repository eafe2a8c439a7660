"""rmix-averse: distributional agents that act on the CVaR of their return at a level given at run time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rmix_kit.algorithms.algorithm import Networks, OptimizerSettings
from rmix_kit.algorithms.value_decomposition import ValueBased
from rmix_kit.losses import masked_mean, quantile_fractions, quantile_huber_loss
from rmix_kit.networks.quantile import QuantileAgent, unroll_together
from rmix_kit.networks.unroll import greedy_actions, take
from rmix_kit.risk.measures import RiskMeasure
from rmix_kit.types import (
    EnvSpec,
    EpisodeBatch,
    Losses,
    OpenUnitFloat,
    PositiveFloat,
    PositiveInt,
    Progress,
    RiskLevel,
    UnitFloat,
)

AverseNetworks = Networks[QuantileAgent]


@dataclass(frozen=True, kw_only=True)
class RMIXAverse(ValueBased[AverseNetworks]):
    """Our extension of RMIX: one set of weights serves every risk level, and lower levels really are safer.

    RMIX's own TD loss is risk-neutral whatever the level (its fixed point is Q*; docs/fidelity.md). Here the quantiles
    are trained on the team reward alone, and the level is an input of the network: each replayed episode is learned at
    the level of its play or at one drawn anew; its CVaR decides the target's action and where the n-step return is
    cut: target_j = sum_{l<n} gamma^l r_{t+l} + gamma^n (1 - d) Z'_j(t+n, u*, level). No mixer and no predictor:
    independent distributional learners with shared weights (QR-DQN's loss, Dabney et al. 2018, Eqn 10), greedy at each
    step on CVaR of the return-to-go, which is not the optimum of the static CVaR. An agent does not learn from a step
    in which a teammate explored: those dangers end with exploration.

    Attributes:
        n_quantiles: Quantiles per action, M.
        risk: What is taken of the distribution at the level in place of CVaR: "var", "wang", or "mean".
        tail_level: Half of the quantiles stand for this much probability, the lowest; in (0, 1). At 0.5 all are equal.
        n_risk_levels: Levels {1/K, ..., 1} of acting and learning, K.
        default_risk_level: What level 0 means at run time, in (0, 1].
        level_redraw_share: Share of replayed episodes that are learned at a level drawn anew, in [0, 1]; in the others,
            learned at the level of their play, the teammates act as they will.
        n_max: Most rewards in a target before it bootstraps.
        quantile_kappa: Huber threshold in scaled reward units; small, so that quantiles and not expectiles are learned.
        td_lambda: Unused; targets are n-step.
        trace: Unused likewise; they are cut where an action is not greedy.
    """

    name: ClassVar[str] = "rmix-averse"

    n_quantiles: PositiveInt = 64
    n_risk_levels: PositiveInt = 10
    default_risk_level: RiskLevel = 1.0
    risk: RiskMeasure = "cvar"
    tail_level: OpenUnitFloat = 0.1
    level_redraw_share: UnitFloat = 0.25
    n_max: PositiveInt = 1
    quantile_kappa: PositiveFloat = 0.05

    @property
    def risk_level_draws(self) -> int:
        """Levels are drawn per episode from {1/K, ..., 1}."""
        return self.n_risk_levels

    def build(self, spec: EnvSpec) -> AverseNetworks:
        """Make the agent network, the level among its inputs."""
        agent = QuantileAgent(
            spec,
            hidden_size=self.hidden_size,
            image_channels=self.image_channels,
            n_quantiles=self.n_quantiles,
            level_source="static" if self.risk == "mean" else "input",
            n_levels=self.n_risk_levels,
            default_level=self.default_risk_level,
            tail_level=self.tail_level,
            measure=self.risk,
        )
        return Networks(agent)

    def optimizers(self) -> dict[str, OptimizerSettings]:
        """One group, "quantile", that holds every parameter."""
        return {"quantile": super().optimizers()["td"]}

    def losses(self, online: AverseNetworks, target: AverseNetworks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Quantile regression of every agent's chosen action on the n-step team return."""
        del progress
        output, target_output = unroll_together([online.agent, target.agent], batch)
        quantiles = output.quantiles_of(batch.actions)  # [batch, time, agent, quantile]
        with torch.no_grad():
            values = output.values(batch.avail_actions)  # [batch, time + 1, agent, action]
            greedy = greedy_actions(values, batch.avail_actions)  # [batch, time + 1, agent]
            next_quantiles = target_output.quantiles_of(greedy)
            targets = self.quantile_targets(batch, next_quantiles, greedy, n_max=self.n_max)
        error = quantile_huber_loss(
            quantiles, targets, quantile_fractions(output.edges), kappa=self.quantile_kappa, edges=output.edges
        )  # [batch, time, agent]
        loss = masked_mean(error, batch.mask.unsqueeze(-1) & ~teammates_explored(batch))
        chosen = take(values[:, :-1], batch.actions)  # [batch, time, agent]
        metrics = {"cvar": masked_mean(chosen, batch.mask), "target": masked_mean(targets, batch.mask)}
        return Losses({"quantile": loss}, metrics | {"loss_quantile": loss.detach()})

    def joint_values(self, online: AverseNetworks, batch: EpisodeBatch) -> Tensor:
        """Sum of the agents' CVaR of their replayed actions; they learn alone."""
        return take(online.agent.unroll(batch).values(batch.avail_actions)[:, :-1], batch.actions).sum(-1)


def teammates_explored(batch: EpisodeBatch) -> Tensor:
    """Say at which steps another agent took a random action instead of its own: bool ``[batch, time, agent]``."""
    explored = batch.is_explored.int()
    return explored.sum(-1, keepdim=True) - explored > 0
