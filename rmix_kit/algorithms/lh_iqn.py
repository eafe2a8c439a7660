"""LH-IQN: independent distributional learners that forgive unlikely disappointments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rmix_kit.algorithms.algorithm import Networks
from rmix_kit.algorithms.implicit import ImplicitQuantileLearning
from rmix_kit.losses import masked_mean, quantile_huber_loss
from rmix_kit.losses.hysteresis import LikelihoodWindow, hysteretic_weights
from rmix_kit.networks.implicit_quantile import ImplicitQuantileAgent, unroll_together
from rmix_kit.networks.unroll import greedy_actions, take
from rmix_kit.types import (
    EnvSpec,
    EpisodeBatch,
    Losses,
    NonNegativeInt,
    Progress,
    UnitFloat,
)

LHIQNNetworks = Networks[ImplicitQuantileAgent]


@dataclass(frozen=True, kw_only=True)
class LHIQN(ImplicitQuantileLearning[LHIQNNetworks]):
    """Likelihood Hysteretic IQN (Lyu and Amato 2020): an implicit quantile network per agent, slow to sink.

    target_k = r + gamma (1 - d) Z_i^-(tau'_k, u_i*), u_i* the available argmax of the online means; the loss is the
    quantile Huber loss of Z_i(tau_j, u_i), tau_j paired with prediction j, times w: 1 where the targets' mean is not
    below the predictions', else max(beta, TDL), TDL the likelihood of the targets under the predictions. Deviations
    from the author's code, where it contradicts the paper: the comparison is not reversed, and tau is not laid along
    the targets. GRU instead of LSTM and whole episodes instead of traces, as for every algorithm here; targets may take
    several rewards, as in `rmix-averse`; the fractions of a step are shared by its agents (DFAC).

    Attributes: those of `ImplicitQuantileLearning`, and
        beta_start: Least weight of a step down at step 0, in [0, 1].
        beta_end: The same from ``beta_steps`` on.
        beta_steps: Environment steps over which beta moves linearly; 0 for ``beta_end`` from the start.
        likelihood_window: "spread" scales the likelihood's window to the predictions' range; "absolute" is the
            author's 0.5 / N in scaled reward units.
    """

    name: ClassVar[str] = "lh-iqn"

    beta_start: UnitFloat = 0.2
    beta_end: UnitFloat = 0.4
    beta_steps: NonNegativeInt = 200_000
    likelihood_window: LikelihoodWindow = "spread"

    def build(self, spec: EnvSpec) -> LHIQNNetworks:
        """Make the agent network."""
        return Networks(self.implicit_agent(spec))

    def beta(self, progress: Progress) -> float:
        """Return the least weight of a step down as training stands."""
        return progress.between(self.beta_start, self.beta_end, self.beta_steps)

    def loss_variant(self, progress: Progress) -> None:
        """None: the least weight of a step down moves with the environment steps."""
        del progress

    def losses(
        self,
        online: LHIQNNetworks,
        target: LHIQNNetworks,
        batch: EpisodeBatch,
        progress: Progress,
    ) -> Losses:
        """Hysteretic quantile regression of every agent's chosen action on the team's return."""
        tau, target_tau = batch.tau[..., : self.n_quantiles], batch.tau[..., self.n_quantiles :]
        output, target_output = unroll_together([online.agent, target.agent], batch)
        quantiles = output.quantiles_of(batch.actions, tau)  # [batch, time, agent, quantile]
        tau = tau[:, :-1].unsqueeze(-2)  # [batch, time, 1, quantile]
        with torch.no_grad():
            greedy = greedy_actions(output.values(), batch.avail_actions)  # [batch, time + 1, agent]
            next_quantiles = target_output.quantiles_of(greedy, target_tau)
            targets = self.quantile_targets(batch, next_quantiles, greedy, n_max=self.n_max)
            weights = hysteretic_weights(
                quantiles, targets, tau, beta=self.beta(progress), window=self.likelihood_window
            )  # [batch, time, agent]
        error = quantile_huber_loss(quantiles, targets, tau, kappa=self.quantile_kappa)  # [batch, time, agent]
        loss = masked_mean(weights * error, batch.mask)
        metrics = {
            "q_tot": masked_mean(quantiles.detach(), batch.mask),
            "target": masked_mean(targets, batch.mask),
            "hysteretic_weight": masked_mean(weights, batch.mask),
        }
        return Losses({"quantile": loss}, metrics | {"loss_quantile": loss.detach()})

    def joint_values(self, online: LHIQNNetworks, batch: EpisodeBatch) -> Tensor:
        """Sum of the agents' means of their replayed actions; they learn alone."""
        return take(online.agent.unroll(batch).values()[:, :-1], batch.actions).sum(-1)
