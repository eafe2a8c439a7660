"""RiskQ: the quantiles of the team's return are weighted sums of the agents' quantiles at the same fractions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from rmix_kit.algorithms.algorithm import Networks, OptimizerSettings
from rmix_kit.algorithms.value_decomposition import EACH_STEP, NEXT_STEP, ValueBased
from rmix_kit.losses import masked_mean, quantile_fractions, quantile_huber_loss, quantile_spread
from rmix_kit.mixers import QuantileMixer
from rmix_kit.networks.quantile import QuantileAgent, unroll_together
from rmix_kit.networks.quantile_output import QuantileOutput
from rmix_kit.networks.unroll import greedy_actions
from rmix_kit.risk.measures import RiskMeasure
from rmix_kit.risk.operators import sort_quantiles
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


class RiskQNetworks(Networks[QuantileAgent]):
    """The agent, and the mixer of the agents' quantiles."""

    def __init__(self, agent: QuantileAgent, mixer: QuantileMixer) -> None:
        """Hold both."""
        super().__init__(agent)
        self.mixer = mixer


@dataclass(frozen=True, kw_only=True)
class RiskQ(ValueBased[RiskQNetworks]):
    """RiskQ (Shen et al., NeurIPS 2023): Z_tot(tau) = sum_i k_i(s) Z_i(tau) + c(s), k_i not negative, learned jointly.

    The loss is the quantile Huber loss of Z_tot(tau_j) on r + gamma (1 - d) Z_tot^- of the next step's joint action,
    each agent's the best by its risk measure at its level. The measure of Z_tot is then the same mixture of the agents'
    measures, so that agents who choose alone choose what the team would (RIGM), at every level and for every measure.

    With ``level_source`` "given" the level is an input of the agents' network, drawn per episode while learning, as in
    `rmix-averse`: one set of weights for the whole dial. "static" is the paper's: one level for all.

    Attributes:
        n_quantiles: Quantiles per action, M.
        n_risk_levels: Levels {1/K, ..., 1} of acting and learning where they are given, K.
        risk: What agents maximise: "cvar", "var", "wang", or "mean", which no level turns.
        level_source: "given" or "static".
        default_risk_level: What level 0 means at run time, and the static level; in (0, 1].
        level_redraw_share: Share of replayed episodes that are learned at a level drawn anew, in [0, 1].
        tail_level: Half of the quantiles stand for this much probability, the lowest; in (0, 1). At 0.5 all are equal.
        hypernet_size: Hidden width of the mixer's networks.
        targets: "n-step" sums rewards up to the first action that is not greedy. "lambda" mixes quantiles with
            ``td_lambda`` along ``trace``, as released, which makes distributions of chance too narrow.
        n_max: Most rewards in an n-step target before it bootstraps.
        quantile_kappa: Huber threshold in scaled reward units.
    """

    name: ClassVar[str] = "riskq"

    n_quantiles: PositiveInt = 64
    n_risk_levels: PositiveInt = 10
    risk: RiskMeasure = "cvar"
    level_source: Literal["given", "static"] = "given"
    default_risk_level: RiskLevel = 1.0
    level_redraw_share: UnitFloat = 0.8
    tail_level: OpenUnitFloat = 0.2
    hypernet_size: PositiveInt = 64
    targets: Literal["n-step", "lambda"] = "n-step"
    n_max: PositiveInt = 3
    quantile_kappa: PositiveFloat = 0.05

    @property
    def has_given_level(self) -> bool:
        """Whether the level is an input of the network."""
        return self.level_source == "given" and self.risk != "mean"

    @property
    def risk_level_draws(self) -> int:
        """Levels are drawn per episode from {1/K, ..., 1} where they are given."""
        return self.n_risk_levels if self.has_given_level else 0

    def build(self, spec: EnvSpec) -> RiskQNetworks:
        """Make the agent network and the mixer."""
        agent = QuantileAgent(
            spec,
            hidden_size=self.hidden_size,
            image_channels=self.image_channels,
            n_quantiles=self.n_quantiles,
            level_source="input" if self.has_given_level else "static",
            n_levels=self.n_risk_levels,
            default_level=self.default_risk_level,
            tail_level=self.tail_level,
            measure=self.risk,
        )
        return RiskQNetworks(agent, QuantileMixer(spec.n_agents, spec.state_size, hypernet_size=self.hypernet_size))

    def optimizers(self) -> dict[str, OptimizerSettings]:
        """One group, "quantile", that holds every parameter."""
        return {"quantile": super().optimizers()["td"]}

    def losses(self, online: RiskQNetworks, target: RiskQNetworks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Quantile regression of the replayed joint actions' Z_tot."""
        del progress
        output, target_output = unroll_together([online.agent, target.agent], batch)
        joint = _joint(online, output, batch.actions, batch.state[:, EACH_STEP])  # [batch, time, quantile]
        with torch.no_grad():
            greedy = greedy_actions(output.values(batch.avail_actions), batch.avail_actions)  # [batch, time + 1, agent]
            next_joint = _joint(target, target_output, greedy, batch.state)  # [batch, time + 1, quantile]
            targets = self.joint_targets(batch, next_joint, greedy)  # [batch, time, quantile]
        edges = output.edges
        error = quantile_huber_loss(
            joint, targets, quantile_fractions(edges), kappa=self.quantile_kappa, edges=edges
        )  # [batch, time]
        loss = masked_mean(error, batch.mask)
        shares = (edges[1:] - edges[:-1]) / edges[-1]  # [quantile]
        metrics = {
            "q_tot": masked_mean(joint.detach() @ shares, batch.mask),
            "target": masked_mean(targets @ shares, batch.mask),
            "spread": masked_mean(quantile_spread(joint.detach()), batch.mask),
        }
        return Losses({"quantile": loss}, metrics | {"loss_quantile": loss.detach()})

    def joint_targets(self, batch: EpisodeBatch, next_joint: Tensor, greedy: Tensor) -> Tensor:
        """Return what Z_tot is regressed on.

        Args:
            next_joint: The target networks' Z_tot of the greedy joint action ``[batch, time + 1, quantile]``.
            greedy: The greedy actions, int64 ``[batch, time + 1, agent]``.

        Returns:
            ``[batch, time, quantile]``.
        """
        if self.targets == "n-step":
            # The joint distribution stands where `quantile_targets` has one for each agent.
            return self.quantile_targets(batch, next_joint.unsqueeze(2), greedy, n_max=self.n_max).squeeze(2)
        trace = self.trace_of(batch, greedy, is_joint=True)
        return self.targets_along(trace, batch, next_joint[:, NEXT_STEP])

    def joint_values(self, online: RiskQNetworks, batch: EpisodeBatch) -> Tensor:
        """Mix the agents' risk measures of the replayed actions, which gives that of Z_tot, at the level in force."""
        output = online.agent.unroll(batch)
        values = output.cvar_of(batch.actions)  # [batch, time, agent]
        mixed: Tensor = online.mixer(values.unsqueeze(-1), batch.state[:, EACH_STEP])
        return mixed.squeeze(-1)

    def joint_quantiles(self, online: RiskQNetworks, batch: EpisodeBatch) -> tuple[Tensor, Tensor]:
        """Return the quantiles of the replayed joint actions' Z_tot, and their fractions.

        Returns:
            ``[batch, time, quantile]`` in scaled reward units, and ``[quantile]`` in (0, 1).
        """
        output = online.agent.unroll(batch)
        return _joint(online, output, batch.actions, batch.state[:, EACH_STEP]), quantile_fractions(output.edges)


def _joint(networks: RiskQNetworks, output: QuantileOutput, actions: Tensor, state: Tensor) -> Tensor:
    """Return quantiles of Z_tot of joint actions.

    Args:
        output: Of their agent, over the whole batch.
        actions: int64 ``[batch, step, agent]``.
        state: ``[batch, step, state]``.

    Returns:
        ``[batch, step, quantile]``, ascending.
    """
    # Sorted, for the fractions to be equal: an output's number is its fraction only by what it learned.
    quantiles = sort_quantiles(output.quantiles_of(actions))  # [batch, step, agent, quantile]
    return networks.mixer(quantiles, state)  # type: ignore[no-any-return]
