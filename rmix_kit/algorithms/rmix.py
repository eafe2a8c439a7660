"""RMIX: cooperative agents that act on CVaR at a predicted risk level, trained through a monotonic mixer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal, NamedTuple

import torch
from torch import Tensor, nn

from rmix_kit.algorithms.algorithm import OptimizerSettings
from rmix_kit.algorithms.mixing import MixedNetworks, MonotonicMixing
from rmix_kit.algorithms.value_decomposition import ValueBased, squared_td_error
from rmix_kit.losses import masked_mean, quantile_fractions, quantile_huber_loss
from rmix_kit.networks.quantile import QuantileAgent, RiskMemory, unroll_together
from rmix_kit.networks.quantile_output import QuantileOutput
from rmix_kit.networks.unroll import greedy_actions, take
from rmix_kit.risk.measures import RiskMeasure
from rmix_kit.types import (
    EnvSpec,
    EpisodeBatch,
    Losses,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Progress,
    RiskLevel,
    UnitFloat,
)

RMIXNetworks = MixedNetworks[QuantileAgent]
"""The agent, and the mixer of the agents' CVaR."""


class GreedyChoice(NamedTuple):
    """What the online networks would do.

    Attributes:
        values: Detached CVaR of every available action ``[batch, time + 1, agent, action]``; zeros elsewhere.
        actions: Best available action ``[batch, time + 1, agent]``.
    """

    values: Tensor
    actions: Tensor


@dataclass(frozen=True, kw_only=True)
class RMIX(MonotonicMixing, ValueBased[RMIXNetworks]):
    """RMIX (Qiu et al., NeurIPS 2021).

    C_i = CVaR_{alpha_i}(Z_i) with alpha_i from the risk level predictor (Eqn 4-9); C_tot = mixer(C_1..C_n; s)
    (Eqn 10-13); TD loss (y - C_tot)^2 with y = r + gamma max C_tot^- (Eqn 14); quantile regression of each Z_i on
    rho_i + gamma Z_i^- (Eqn 15-16).

    Deviations, each with its reason in docs/fidelity.md: the tail atom counts in proportion (the released code divides
    by one atom too few); the predictor learns through the straight-through expected CVaR (the released code's never
    learns); the quantile loss pairs tau with predictions (the released code's collapses the distribution).

    Attributes:
        n_quantiles: Quantiles per action, M.
        n_risk_levels: Risk levels {1/K, ..., 1}, K.
        risk_level: "dynamic" (predicted) or one fixed number in (0, 1].
        risk: What is taken of Z_i at the level in place of CVaR: "var", "wang", or "mean", which no level turns.
        risk_embed_size: Width D of the predictor's embeddings; the history embedding's cost grows with it.
        risk_memory: What the predictor knows the history by: "own", a second recurrent network as in the released code,
            or "agent", the agent's own memory of the step before, its gradient blocked: two recurrent networks an
            update less.
        risk_gradient: How the TD loss trains the predictor: "straight_through" (hard level forward, expected CVaR
            backward), "soft" (the expected CVaR itself, acting on it too), or "none" (the predictor stays as
            initialised, as in the released code).
        has_shared_atom_init: Start all quantiles of an action together; false is torch's default initialisation.
        mixer_embed_size: Width of the mixing layer.
        hypernet_size: Hidden width of the mixer's hypernetworks.
        distribution_target: rho_i of the quantile loss: "reward" (the team reward: Z is a return distribution) or
            "dummy" (the paper's C_i with gradients blocked).
        quantile_learning_rate: Adam's step size for the quantile loss.
        quantile_eps: Adam's epsilon for the quantile loss.
        quantile_kappa: Huber threshold in scaled reward units.
        quantile_interval: Environment steps between quantile steps.
        quantile_start_success: The quantile loss starts once an evaluation's success rate reached this, in [0, 1].
        quantile_start_steps: ... or at this environment step ...
        quantile_start_share: ... or when this share of the run's steps is done, in [0, 1], whichever comes first; at 1
            it never decides.
        quantile_every_updates: A due quantile step replaces the TD step of every update whose number is a multiple of
            this; 0 adds it after the TD step whenever it is due (the paper's reading).
    """

    name: ClassVar[str] = "rmix"

    n_quantiles: PositiveInt = 32
    n_risk_levels: PositiveInt = 10
    risk_level: Literal["dynamic"] | RiskLevel = "dynamic"
    risk: RiskMeasure = "cvar"
    risk_embed_size: PositiveInt = 8
    risk_memory: RiskMemory = "own"
    risk_gradient: Literal["straight_through", "soft", "none"] = "straight_through"
    has_shared_atom_init: bool = True
    distribution_target: Literal["dummy", "reward"] = "reward"
    quantile_learning_rate: PositiveFloat = 5e-5
    quantile_eps: PositiveFloat = 0.01 / 32
    quantile_kappa: PositiveFloat = 1.0
    quantile_interval: PositiveInt = 50
    quantile_start_success: UnitFloat = 0.35
    quantile_start_steps: NonNegativeInt = 10**9
    quantile_start_share: UnitFloat = 1.0
    quantile_every_updates: NonNegativeInt = 20

    def build(self, spec: EnvSpec) -> RMIXNetworks:
        """Make the agent network and the mixer."""
        is_dynamic = self.risk_level == "dynamic" and self.risk != "mean"
        agent = QuantileAgent(
            spec,
            hidden_size=self.hidden_size,
            image_channels=self.image_channels,
            n_quantiles=self.n_quantiles,
            level_source="predicted" if is_dynamic else "static",
            n_levels=self.n_risk_levels,
            embed_size=self.risk_embed_size,
            risk_memory=self.risk_memory,
            default_level=1.0 if self.risk_level == "dynamic" else self.risk_level,
            has_shared_atom_init=self.has_shared_atom_init,
            has_soft_level=self.risk_gradient == "soft",
            measure=self.risk,
        )
        return MixedNetworks(agent, self.build_mixer(spec))

    def optimizers(self) -> dict[str, OptimizerSettings]:
        """Return the group "td" of all parameters, and "quantile" of the agent without its risk predictor."""
        quantile = OptimizerSettings(
            learning_rate=self.quantile_learning_rate, eps=self.quantile_eps, grad_clip=self.grad_clip
        )
        return super().optimizers() | {"quantile": quantile}

    def parameters_of(self, group: str, networks: RMIXNetworks) -> dict[str, nn.Parameter]:
        """TD trains everything the definition lets it; the quantile loss never trains the predictor."""
        named = dict(networks.named_parameters())
        is_predictor_frozen = group == "quantile" or self.risk_gradient == "none"
        # By name, since one agent network holds what both groups share and what only the first may move.
        return {
            name: parameter
            for name, parameter in named.items()
            if not (is_predictor_frozen and name.startswith("agent.predictor."))
            and (group == "td" or name.startswith("agent."))
        }

    def loss_variant(self, progress: Progress) -> bool:
        """With or without the quantile loss."""
        return self.is_quantile_due(progress)

    def losses(self, online: RMIXNetworks, target: RMIXNetworks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """TD loss of C_tot (Eqn 14) and, when due, the quantile loss of each Z_i (Eqn 15-16)."""
        # Both copies step through time together, the frozen one last (`packed_grus`): a CPU starts half the operations.
        output, target_output = unroll_together([online.agent, target.agent], batch)
        greedy = self.greedy(output, batch)
        groups: dict[str, Tensor] = {}
        metrics = {"risk_level": masked_mean(output.risk_level[:, :-1], batch.mask)}
        is_quantile_due = self.is_quantile_due(progress)
        # A quantile step that replaces the TD step spends none of its forward pass.
        if not (is_quantile_due and self.quantile_every_updates):
            chosen = self.chosen_values(output, batch)  # [batch, time, agent]
            c_tot = online.mixer(chosen, batch.state[:, :-1])  # [batch, time]
            with torch.no_grad():
                # The target's own level weighs the online networks' action: y = r + gamma C_tot^- (Eqn 14).
                next_values = target_output.cvar_of(greedy.actions)[:, 1:]  # [batch, time, agent]
                next_c_tot = target.mixer(next_values, batch.state[:, 1:])  # [batch, time]
                targets = self.td_targets(batch, next_c_tot, greedy.actions)
            groups["td"] = squared_td_error(c_tot, targets, batch)
            metrics |= {"c_tot": masked_mean(c_tot.detach(), batch.mask), "target": masked_mean(targets, batch.mask)}
        if is_quantile_due:
            groups["quantile"] = self.quantile_loss(output, target_output, greedy, batch)
        return Losses(groups, metrics | {f"loss_{name}": loss.detach() for name, loss in groups.items()})

    def joint_values(self, online: RMIXNetworks, batch: EpisodeBatch) -> Tensor:
        """C_tot of the replayed actions."""
        return online.mixer(self.chosen_values(online.agent.unroll(batch), batch), batch.state[:, :-1])

    @property
    def shares_of_plan(self) -> Mapping[str, float]:
        """The start of the quantile loss, where a share of the steps decides it."""
        return {"algorithm.quantile_start_share": self.quantile_start_share} if self.quantile_start_share < 1 else {}

    def is_quantile_due(self, progress: Progress) -> bool:
        """Return whether this update makes a quantile step: unlocked by success or time, and its turn has come."""
        is_unlocked = (
            progress.best_success_rate >= self.quantile_start_success
            or progress.env_steps >= self.quantile_start_steps
            or (self.quantile_start_share < 1 and progress.share >= self.quantile_start_share)
        )
        # Steps that replace take turns by updates; that `quantile_interval` has passed is asked besides.
        is_turn = self.quantile_every_updates == 0 or progress.updates % self.quantile_every_updates == 0
        return is_unlocked and is_turn and progress.is_due(self.quantile_interval)

    def greedy(self, output: QuantileOutput, batch: EpisodeBatch) -> GreedyChoice:
        """Return the online networks' values and available argmax, each agent at its own level (Eqn 9, 27)."""
        values = output.values(batch.avail_actions)
        return GreedyChoice(values, greedy_actions(values, batch.avail_actions))

    def chosen_values(self, output: QuantileOutput, batch: EpisodeBatch) -> Tensor:
        """C_i of the replayed actions ``[batch, time, agent]`` with the gradient of ``risk_gradient``."""
        return output.cvar_of(batch.actions, trains_level=self.risk_gradient == "straight_through")

    def quantile_loss(
        self, output: QuantileOutput, target_output: QuantileOutput, greedy: GreedyChoice, batch: EpisodeBatch
    ) -> Tensor:
        """Quantile regression of the replayed actions' Z_i on rho_i + gamma Z_i^- (Eqn 15-16, 1.4 (6) of the notes)."""
        quantiles = output.quantiles_of(batch.actions)  # [batch, time, agent, quantile]
        with torch.no_grad():
            next_quantiles = target_output.quantiles_of(greedy.actions)[:, 1:]
        if self.distribution_target == "dummy":
            # The paper's dummy reward: Z_i regresses on what the agent already says of the action, so it is detached.
            rho = take(greedy.values[:, :-1], batch.actions)  # [batch, time, agent]
        else:
            rho = batch.reward.unsqueeze(-1).expand(quantiles.shape[:-1])
        # Truncated steps bootstrap: the task did not end, the clock did.
        discount = self.gamma * (~batch.terminated).float()[..., None, None]  # [batch, time, 1, 1]
        targets = rho.unsqueeze(-1) + discount * next_quantiles  # [batch, time, agent, quantile]
        # In head order: output j learns tau_j; sorting here would train whichever output holds rank j today.
        tau = quantile_fractions(output.edges)
        loss = quantile_huber_loss(quantiles, targets, tau, kappa=self.quantile_kappa)  # [batch, time, agent]
        return masked_mean(loss, batch.mask)
