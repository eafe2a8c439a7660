"""WQMIX: QMIX whose projection weighs the joint actions that may be the best more than the others."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import torch
from torch import Tensor

from rmix_kit.algorithms.mixing import MixedNetworks, MonotonicMixing, mixture
from rmix_kit.algorithms.value_decomposition import EACH_STEP, NEXT_STEP, JointQLearning
from rmix_kit.losses import masked_mean
from rmix_kit.mixers import CentralMixer, Mixer
from rmix_kit.networks.unroll import greedy_actions
from rmix_kit.networks.value import ValueAgent, ValueOutput, unroll_together
from rmix_kit.types import EnvSpec, EpisodeBatch, Losses, PositiveInt, Progress, UnitFloat


class Judged(NamedTuple):
    """What a weighting may look at; all detached ``[batch, time]``.

    Attributes:
        q_tot: The monotonic head's value of the replayed joint action.
        target: y.
        is_greedy: bool, whether every agent's replayed action is its greedy one.
        greedy_value: The central target network's value of the greedy joint action.
    """

    q_tot: Tensor
    target: Tensor
    is_greedy: Tensor
    greedy_value: Tensor


class WQMIXNetworks(MixedNetworks[ValueAgent]):
    """QMIX's networks, and Q*hat: an agent network and a mixer of its own."""

    def __init__(
        self, agent: ValueAgent, mixer: Mixer, *, central_agent: ValueAgent, central_mixer: CentralMixer
    ) -> None:
        """Hold all four.

        Args:
            mixer: The monotonic one.
            central_agent: Q*hat's agent network.
            central_mixer: Q*hat's mixer.
        """
        super().__init__(agent, mixer)
        self.central_agent = central_agent
        self.central_mixer = central_mixer


@dataclass(frozen=True, kw_only=True)
class WQMIX(MonotonicMixing, JointQLearning[WQMIXNetworks]):
    """WQMIX (Rashid et al. 2020): a weighted projection of an unrestricted Q*hat on monotonic Q_tot.

    Both heads regress on one target, y = r + gamma Q*hat^-(tau', ubar', s') with ubar' the greedy joint action of the
    utilities: L = mean of w (Q_tot - y)^2 + mean of (Q*hat - y)^2, no gradient through w. Q*hat is an agent
    network of its own, whose values of the taken actions a mixer without restrictions joins.

    Attributes:
        weight: alpha in [0, 1], the weight of joint actions that cannot be the best; 1 is QMIX with Q*hat's targets.
        central_embed_size: Width of the hidden layers of the central mixer.
    """

    weight: UnitFloat = 0.1
    central_embed_size: PositiveInt = 256

    @abstractmethod
    def weights(self, judged: Judged) -> Tensor:
        """Return w of every replayed joint action, detached ``[batch, time]``."""

    def build(self, spec: EnvSpec) -> WQMIXNetworks:
        """Make the agent network, the central mixer and agent, and the monotonic mixer: draws follow in this order."""
        agent = self.value_agent(spec)
        central_mixer = CentralMixer(spec.n_agents, spec.state_size, embed_size=self.central_embed_size)
        central_agent = self.value_agent(spec)
        mixer = self.build_mixer(spec)
        return WQMIXNetworks(agent, mixer, central_agent=central_agent, central_mixer=central_mixer)

    def joint_value(
        self, networks: WQMIXNetworks, output: ValueOutput, batch: EpisodeBatch, *, actions: Tensor, steps: slice
    ) -> Tensor:
        """Return the monotonic head's value of one joint action per step, ``[batch, time]``."""
        return mixture(networks.mixer, output, batch, actions=actions, steps=steps)

    def losses(self, online: WQMIXNetworks, target: WQMIXNetworks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Weighted TD error of Q_tot and TD error of Q*hat, one group."""
        del progress
        agents = online.agent, online.central_agent, target.central_agent
        output, central, followed = unroll_together(agents, batch)
        q_tot = self.joint_value(online, output, batch, actions=batch.actions, steps=EACH_STEP)  # [batch, time]
        q_star = mixture(online.central_mixer, central, batch, actions=batch.actions, steps=EACH_STEP)  # [batch, time]
        with torch.no_grad():
            greedy = greedy_actions(output.outputs, batch.avail_actions)  # [batch, time + 1, agent]
            values = mixture(
                target.central_mixer, followed, batch, actions=greedy, steps=slice(None)
            )  # [batch, time + 1]
            targets = self.td_targets(batch, values[:, NEXT_STEP], greedy)
            is_greedy = (batch.actions == greedy[:, EACH_STEP]).all(-1)  # [batch, time]
            weights = self.weights(Judged(q_tot.detach(), targets, is_greedy, values[:, EACH_STEP]))
        terms = {
            "q_tot": masked_mean(weights * (q_tot - targets).square(), batch.mask),
            "central": masked_mean((q_star - targets).square(), batch.mask),
        }
        recorded = {"q_tot": q_tot.detach(), "q_star": q_star.detach(), "target": targets, "weight": weights}
        metrics = {name: masked_mean(value, batch.mask) for name, value in recorded.items()}
        metrics |= {f"loss_{name}": term.detach() for name, term in terms.items()}
        return Losses({"td": terms["q_tot"] + terms["central"]}, metrics)


@dataclass(frozen=True, kw_only=True)
class CWQMIX(WQMIX):
    """CW-QMIX (Rashid et al. 2020): w = 1 where u = ubar or y > Q*hat^-(tau, ubar, s), else alpha.

    The comparison is with the target networks, as in the released code: y is made from them, and two numbers of one
    estimator compare.

    Attributes: those of `WQMIX`.
    """

    name: ClassVar[str] = "cw-qmix"

    def weights(self, judged: Judged) -> Tensor:
        """Weigh fully what is greedy or better than greedy."""
        is_full = judged.is_greedy | (judged.target > judged.greedy_value)
        return torch.full_like(judged.target, self.weight).masked_fill(is_full, 1.0)


@dataclass(frozen=True, kw_only=True)
class OWQMIX(WQMIX):
    """OW-QMIX (Rashid et al. 2020): w = 1 where Q_tot < y, else alpha.

    Attributes: those of `WQMIX`.
    """

    name: ClassVar[str] = "ow-qmix"

    def weights(self, judged: Judged) -> Tensor:
        """Weigh fully what Q_tot underestimates."""
        return torch.full_like(judged.target, self.weight).masked_fill(judged.q_tot < judged.target, 1.0)
