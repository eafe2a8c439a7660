"""DMIX: the joint return distribution is a mixture of means and a sum of what the agents' distributions add to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rmix_kit.algorithms.implicit import ImplicitQuantileLearning
from rmix_kit.algorithms.mixing import MixedNetworks, MonotonicMixing
from rmix_kit.algorithms.value_decomposition import EACH_STEP
from rmix_kit.losses import masked_mean, quantile_huber_loss, quantile_spread
from rmix_kit.networks.implicit_quantile import ImplicitQuantileAgent, ImplicitQuantileOutput, unroll_together
from rmix_kit.networks.unroll import greedy_actions, take
from rmix_kit.types import EnvSpec, EpisodeBatch, Losses, Progress

DMIXNetworks = MixedNetworks[ImplicitQuantileAgent]


@dataclass(frozen=True, kw_only=True)
class DMIX(MonotonicMixing, ImplicitQuantileLearning[DMIXNetworks]):
    """DMIX (DFAC, Sun et al. 2021): Z_tot = M(Q_1..Q_n; s) + sum_i (Z_i - Q_i), with Q_i = E[Z_i] and QMIX's mixer M.

    The quantiles of the sum are the sums of the agents' quantiles at the same fraction (quantile mixture), so that
    E[Z_tot] = M(Q_1..Q_n; s), and each agent's best action is part of the team's best one. The loss is the quantile
    Huber loss of Z_tot(tau_j), tau_j paired with prediction j, on r + gamma (1 - d) Z_tot^-(tau'_k) of the next step's
    greedy joint action. Q_i is the mean at ``n_acting_quantiles`` midpoints, in acting and in the loss alike.

    Attributes: those of `MonotonicMixing` and `ImplicitQuantileLearning`.
    """

    name: ClassVar[str] = "dmix"

    def build(self, spec: EnvSpec) -> DMIXNetworks:
        """Make the agent network and the mixer of means."""
        return MixedNetworks(self.implicit_agent(spec), self.build_mixer(spec))

    def losses(self, online: DMIXNetworks, target: DMIXNetworks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Quantile regression of the replayed joint actions' Z_tot."""
        del progress
        tau, target_tau = batch.tau[..., : self.n_quantiles], batch.tau[..., self.n_quantiles :]
        output, target_output = unroll_together([online.agent, target.agent], batch)
        means = output.values()  # [batch, time + 1, agent, action]
        chosen = take(means[:, EACH_STEP], batch.actions)  # [batch, time, agent]
        joint = _joint(online, output, chosen, batch.actions, tau, batch.state[:, EACH_STEP])  # [batch, time, quantile]
        with torch.no_grad():
            greedy = greedy_actions(means.detach(), batch.avail_actions)  # [batch, time + 1, agent]
            best = take(target_output.values(), greedy)  # [batch, time + 1, agent]
            next_joint = _joint(target, target_output, best, greedy, target_tau, batch.state)
            # The joint distribution stands where `quantile_targets` has one for each agent.
            targets = self.quantile_targets(batch, next_joint.unsqueeze(2), greedy, n_max=self.n_max).squeeze(2)
        error = quantile_huber_loss(joint, targets, tau[:, EACH_STEP], kappa=self.quantile_kappa)  # [batch, time]
        loss = masked_mean(error, batch.mask)
        metrics = {
            "q_tot": masked_mean(joint.detach().mean(-1), batch.mask),
            "target": masked_mean(targets.mean(-1), batch.mask),
            "spread": masked_mean(quantile_spread(joint.detach()), batch.mask),
        }
        return Losses({"quantile": loss}, metrics | {"loss_quantile": loss.detach()})

    def joint_values(self, online: DMIXNetworks, batch: EpisodeBatch) -> Tensor:
        """E[Z_tot] of the replayed actions: the mixture of the agents' means."""
        chosen = take(online.agent.unroll(batch).values()[:, EACH_STEP], batch.actions)
        return online.mixer(chosen, batch.state[:, EACH_STEP])

    def joint_quantiles(self, online: DMIXNetworks, batch: EpisodeBatch, fractions: Tensor) -> Tensor:
        """Return quantiles of the replayed joint actions' Z_tot.

        Args:
            fractions: ``[quantile]`` in (0, 1).

        Returns:
            ``[batch, time, quantile]``, in scaled reward units.
        """
        output = online.agent.unroll(batch)
        chosen = take(output.values()[:, EACH_STEP], batch.actions)
        tau = fractions.expand(*batch.obs.shape[:2], -1)
        return _joint(online, output, chosen, batch.actions, tau, batch.state[:, EACH_STEP])


def _joint(
    networks: DMIXNetworks, output: ImplicitQuantileOutput, means: Tensor, actions: Tensor, tau: Tensor, state: Tensor
) -> Tensor:
    """Return quantiles of Z_tot of joint actions.

    Args:
        output: Of their agent, over the whole batch.
        means: Q_i of the actions, ``[batch, step, agent]``, as many steps as there are actions.
        actions: int64, the same shape.
        tau: ``[batch, time + 1, quantile]``.
        state: ``[batch, step, state]``.

    Returns:
        ``[batch, step, quantile]``, in the order of tau.
    """
    quantiles = output.quantiles_of(actions, tau)  # [batch, step, agent, quantile]
    shape = (quantiles - means.unsqueeze(-1)).sum(2)  # [batch, step, quantile]
    return networks.mixer(means, state).unsqueeze(-1) + shape
