"""QTRAN: an unrestricted joint value, and utilities that are made to have the same argmax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rmix_kit.algorithms.algorithm import Networks
from rmix_kit.algorithms.value_decomposition import EACH_STEP, JointQLearning, squared_td_error
from rmix_kit.losses import masked_mean
from rmix_kit.mixers import JointValue, StateValue
from rmix_kit.networks.unroll import greedy_actions, one_hot_actions, take
from rmix_kit.networks.value import ValueAgent, ValueOutput, unroll_together
from rmix_kit.types import EnvSpec, EpisodeBatch, Losses, NonNegativeFloat, PositiveInt, Progress


class QTRANNetworks(Networks[ValueAgent]):
    """The agent, and what no utility is a part of: Q_jt and V_jt."""

    def __init__(self, agent: ValueAgent, joint_value: JointValue, state_value: StateValue) -> None:
        """Hold all three.

        Args:
            joint_value: Q_jt.
            state_value: V_jt.
        """
        super().__init__(agent)
        self.joint_value = joint_value
        self.state_value = state_value


@dataclass(frozen=True, kw_only=True)
class QTRAN(JointQLearning[QTRANNetworks]):
    """QTRAN-base (Son et al. 2019): the utilities' sum equals Q_jt at the greedy joint action and bounds it elsewhere.

    L = L_td + lambda_opt L_opt + lambda_nopt L_nopt (section 4.2), with ubar the utilities' greedy joint action:
    L_td = (Q_jt(tau, u) - y)^2, y = r + gamma Q_jt^-(tau', ubar');
    L_opt = (sum_i Q_i(ubar_i) - sg Q_jt(tau, ubar) + V_jt)^2;
    L_nopt = min(0, sum_i Q_i(u_i) - sg Q_jt(tau, u) + V_jt)^2.

    Deviations, each with its reason in docs/fidelity.md: V_jt is a function of the state (PyMARL's; the paper's takes
    the agents' features), and so is Q_jt besides the features.

    Attributes:
        joint_embed_size: Width of the hidden layers of Q_jt and V_jt.
        lambda_opt: Weight of L_opt, the equality at the greedy joint action.
        lambda_nopt: Weight of L_nopt, the bound elsewhere; 0.1 in PyMARL, which needs many more updates.
    """

    name: ClassVar[str] = "qtran"

    joint_embed_size: PositiveInt = 64
    lambda_opt: NonNegativeFloat = 1.0
    lambda_nopt: NonNegativeFloat = 1.0

    def build(self, spec: EnvSpec) -> QTRANNetworks:
        """Make the agent network, Q_jt and V_jt."""
        agent, size = self.value_agent(spec), self.joint_embed_size
        joint = JointValue(spec.n_actions, spec.state_size, self.hidden_size, embed_size=size)
        return QTRANNetworks(agent, joint, StateValue(spec.state_size, embed_size=size))

    def losses(self, online: QTRANNetworks, target: QTRANNetworks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """L_td of Q_jt and the two constraints on the utilities, one group."""
        del progress
        output, target_output = unroll_together([online.agent, target.agent], batch)
        greedy = greedy_actions(output.outputs.detach(), batch.avail_actions)  # [batch, time + 1, agent]
        q_jt = self.joint_value(online, output, batch, actions=batch.actions, steps=EACH_STEP)  # [batch, time]
        targets = self.greedy_targets(target, target_output, batch, greedy)
        best = greedy[:, EACH_STEP]  # ubar, [batch, time, agent]
        with torch.no_grad():
            best_q_jt = self.joint_value(online, output, batch, actions=best, steps=EACH_STEP)
        utilities, v_jt = output.outputs[:, EACH_STEP], online.state_value(batch.state[:, EACH_STEP])
        terms = {
            "td": squared_td_error(q_jt, targets, batch),
            "opt": masked_mean(optimal_error(take(utilities, best).sum(-1), best_q_jt, v_jt), batch.mask),
            "nopt": masked_mean(bound_error(take(utilities, batch.actions).sum(-1), q_jt, v_jt), batch.mask),
        }
        # With an axis: beside a tensor without one, torch.vmap would lay a number as a scalar of the host.
        opt, nopt = self.lambda_opt * terms["opt"].unsqueeze(0), self.lambda_nopt * terms["nopt"].unsqueeze(0)
        loss = terms["td"] + opt.squeeze(0) + nopt.squeeze(0)
        metrics = {"q_jt": masked_mean(q_jt.detach(), batch.mask), "target": masked_mean(targets, batch.mask)}
        return Losses({"td": loss}, metrics | {f"loss_{name}": term.detach() for name, term in terms.items()})

    def joint_value(
        self, networks: QTRANNetworks, output: ValueOutput, batch: EpisodeBatch, *, actions: Tensor, steps: slice
    ) -> Tensor:
        """Q_jt of one joint action per step, ``[batch, time]``; its loss also trains the agents' recurrent layers."""
        coded = one_hot_actions(actions, output.outputs.shape[-1])  # [batch, time, agent, action]
        q_jt: Tensor = networks.joint_value(output.hidden_states[:, steps], coded, batch.state[:, steps])
        return q_jt


def optimal_error(utilities: Tensor, q_jt: Tensor, v_jt: Tensor) -> Tensor:
    """L_opt before its mean, (sum_i Q_i(ubar_i) - sg Q_jt(ubar) + V_jt)^2 (QTRAN, section 4.2).

    Args:
        utilities: Their sum at the greedy joint action ``[...]``.
        q_jt: Q_jt of the same action ``[...]``; detached here.
        v_jt: ``[...]``.

    Returns:
        ``[...]``.
    """
    return (utilities - q_jt.detach() + v_jt).square()


def bound_error(utilities: Tensor, q_jt: Tensor, v_jt: Tensor) -> Tensor:
    """L_nopt before its mean: the sum may only be above, min(0, sum_i Q_i(u_i) - sg Q_jt(u) + V_jt)^2.

    Args:
        utilities: Their sum at the replayed joint action ``[...]``.
        q_jt: Q_jt of the same action ``[...]``; detached here.
        v_jt: ``[...]``.

    Returns:
        ``[...]``.
    """
    return (utilities - q_jt.detach() + v_jt).clamp(max=0.0).square()
