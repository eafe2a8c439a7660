"""The frame that all value-based algorithms share: greedy targets, traces, and the squared error on Q_tot."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from torch import Tensor

from rmix_kit.algorithms.algorithm import Algorithm, Networks, NetworksT, OptimizerSettings
from rmix_kit.algorithms.mixing import MixedNetworks, mixture
from rmix_kit.losses import lambda_returns, masked_mean, n_step_returns
from rmix_kit.mixers import IndependentMixer, Mixer
from rmix_kit.networks.unroll import greedy_actions
from rmix_kit.networks.value import ValueAgent, ValueOutput, unroll_together
from rmix_kit.types import EnvSpec, EpisodeBatch, Losses, PositiveFloat, PositiveInt, Progress, UnitFloat

ValueNetworksT = TypeVar("ValueNetworksT", bound=Networks[ValueAgent])

EACH_STEP, NEXT_STEP = slice(None, -1), slice(1, None)
"""Of ``time + 1`` observations: those that were acted on, and those one step later."""


@dataclass(frozen=True, kw_only=True)
class ValueBased(Algorithm[NetworksT]):
    """Learning from the values of greedy actions: the hyper-parameters, the optimiser and the targets.

    The greedy action of the next step is the online networks' (double Q-learning), its value the target networks'.

    Attributes:
        td_lambda: Trace decay of the TD targets in [0, 1]; 0 is the paper's one-step target.
        trace: How far TD targets look: "watkins" cuts them before the first replayed action that is not greedy (Watkins
            1989), "peng" never does (Peng and Williams 1996): more rewards reach a step, at the price of a share of
            what the explorers then got.
        has_bounded_targets: Keep V' within what the rewards seen so far allow (`bound_values`).
        hidden_size: Width of the agents' recurrent state.
        optimizer: "adam" or "rmsprop".
        learning_rate: Step size of the TD loss.
        optimizer_eps: The optimiser's epsilon.
        grad_clip: Largest gradient norm.
    """

    td_lambda: UnitFloat = 0.8
    trace: Literal["watkins", "peng"] = "watkins"
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
        """TD(lambda) targets along `trace`; Watkins' is cut where the replayed joint action is not greedy.

        Args:
            next_values: V' of the step after, ``[batch, time]``; ``[batch, time, agent]`` where agents learn alone,
                each agent's trace then looks at its own action only.
            greedy: The online networks' available argmax of every step, int64 ``[batch, time + 1, agent]``.

        Returns:
            Detached, the shape of ``next_values``.
        """
        trace = self.trace_of(batch, greedy, is_joint=next_values.ndim == batch.reward.ndim)
        return self.targets_along(trace, batch, next_values)

    def trace_of(self, batch: EpisodeBatch, greedy: Tensor, *, is_joint: bool) -> Tensor:
        """Say where returns may go on along `trace`.

        Args:
            greedy: The online networks' available argmax of every step, int64 ``[batch, time + 1, agent]``.
            is_joint: Watkins' cut looks at the joint action, and not at each agent's own.

        Returns:
            bool ``[batch, time]``, or ``[batch, time, agent]``.
        """
        if self.trace == "peng":
            return unbroken_trace(batch)
        return watkins_trace(batch, greedy) if is_joint else own_traces(batch, greedy)

    def targets_along(self, trace: Tensor, batch: EpisodeBatch, next_values: Tensor) -> Tensor:
        """TD(lambda) targets along a given trace.

        Args:
            trace: bool ``[batch, time]``, or the shape of ``next_values``.
            next_values: V' of the step after, ``[batch, time]`` or ``[batch, time, any]``, each on its own.

        Returns:
            Detached, the shape of ``next_values``.
        """

        def for_each(values: Tensor) -> Tensor:
            return values if values.ndim == next_values.ndim else values.unsqueeze(-1).expand_as(next_values)

        return lambda_returns(
            for_each(batch.reward),
            for_each(batch.terminated),
            bound_values(next_values, batch.reward_range, self.gamma) if self.has_bounded_targets else next_values,
            for_each(trace),
            gamma=self.gamma,
            td_lambda=self.td_lambda,
        ).detach()

    def quantile_targets(self, batch: EpisodeBatch, next_quantiles: Tensor, greedy: Tensor, *, n_max: int) -> Tensor:
        """Distributional n-step targets, cut before the first joint action that is not greedy.

        target_j = sum_{l<n} gamma^l r_{t+l} + gamma^n (1 - d) Z'_j(t + n), the same rewards for all agents.

        Args:
            next_quantiles: The target network's quantiles of the greedy action ``[batch, time + 1, agent, quantile]``.
            greedy: The greedy actions, int64 ``[batch, time + 1, agent]``.
            n_max: Most rewards summed, at least 1.

        Returns:
            ``[batch, time, agent, quantile]``.
        """
        trace = watkins_trace(batch, greedy)
        returns = n_step_returns(batch.reward, batch.terminated, trace, gamma=self.gamma, n_max=n_max)
        if self.has_bounded_targets:
            next_quantiles = bound_values(next_quantiles, batch.reward_range, self.gamma)
        index = returns.bootstrap_steps[..., None, None].expand(-1, -1, *next_quantiles.shape[2:])
        later = next_quantiles.gather(1, index)  # [batch, time, agent, quantile]
        return returns.rewards[..., None, None] + returns.discounts[..., None, None] * later


@dataclass(frozen=True, kw_only=True)
class JointQLearning(ValueBased[ValueNetworksT]):
    """Deep recurrent Q-learning of a joint value, y = r + gamma Q_tot^-(s', argmax Q), whatever makes that value.

    Attributes: those of `ValueBased`.
    """

    def value_agent(self, spec: EnvSpec) -> ValueAgent:
        """Make an agent network."""
        return ValueAgent(spec, hidden_size=self.hidden_size, image_channels=self.image_channels)

    def losses(self, online: ValueNetworksT, target: ValueNetworksT, batch: EpisodeBatch, progress: Progress) -> Losses:
        """Squared TD error of the joint value of the replayed actions."""
        del progress
        output, target_output = unroll_together([online.agent, target.agent], batch)
        q_tot = self.joint_value(online, output, batch, actions=batch.actions, steps=EACH_STEP)  # [batch, time]
        greedy = greedy_actions(output.outputs.detach(), batch.avail_actions)  # [batch, time + 1, agent]
        targets = self.greedy_targets(target, target_output, batch, greedy)
        loss = squared_td_error(q_tot, targets, batch)
        metrics = {"q_tot": masked_mean(q_tot.detach(), batch.mask), "target": masked_mean(targets, batch.mask)}
        return Losses({"td": loss}, metrics | {"loss_td": loss.detach()})

    @abstractmethod
    def joint_value(
        self, networks: ValueNetworksT, output: ValueOutput, batch: EpisodeBatch, *, actions: Tensor, steps: slice
    ) -> Tensor:
        """Joint value of one joint action per step.

        Args:
            output: Their agent's, over the whole batch.
            actions: int64 ``[batch, time, agent]``.
            steps: The steps that the actions belong to: `EACH_STEP` or `NEXT_STEP`.

        Returns:
            ``[batch, time]``; ``[batch, time, agent]`` where agents learn alone.
        """

    @torch.no_grad()
    def greedy_targets(
        self, target: ValueNetworksT, output: ValueOutput, batch: EpisodeBatch, greedy: Tensor
    ) -> Tensor:
        """TD(lambda) targets whose V' is the target networks' joint value of the online networks' greedy actions.

        Args:
            output: The target agent's, over the whole batch.
            greedy: The online networks' available argmax of every step, int64 ``[batch, time + 1, agent]``.

        Returns:
            The shape of `joint_value`.
        """
        next_values = self.joint_value(target, output, batch, actions=greedy[:, NEXT_STEP], steps=NEXT_STEP)
        return self.td_targets(batch, next_values, greedy)

    def joint_values(self, online: ValueNetworksT, batch: EpisodeBatch) -> Tensor:
        """Joint value of the replayed actions; the agents' sum where they learn alone."""
        output = online.agent.unroll(batch)
        return total(self.joint_value(online, output, batch, actions=batch.actions, steps=EACH_STEP), batch)


@dataclass(frozen=True, kw_only=True)
class ValueDecomposition(JointQLearning[MixedNetworks[ValueAgent]]):
    """The joint value is a mixture of the agents' values; IQL, VDN and QMIX differ from this by the mixer alone.

    Attributes: those of `ValueBased`.
    """

    def build(self, spec: EnvSpec) -> MixedNetworks[ValueAgent]:
        """Make the agent network and the mixer."""
        return MixedNetworks(self.value_agent(spec), self.build_mixer(spec))

    def build_mixer(self, spec: EnvSpec) -> Mixer:
        """Make the mixer; every agent learns alone unless an algorithm has one."""
        del spec
        return IndependentMixer()

    def joint_value(
        self,
        networks: MixedNetworks[ValueAgent],
        output: ValueOutput,
        batch: EpisodeBatch,
        *,
        actions: Tensor,
        steps: slice,
    ) -> Tensor:
        """Mixture of the agents' values of one joint action per step."""
        return mixture(networks.mixer, output, batch, actions=actions, steps=steps)


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
    (lowest, highest), (far_low, far_high) = reward_range.unbind(), (reward_range * horizon).unbind()
    low = torch.where(lowest < 0, far_low, lowest)  # a reward of zero never meets an infinite horizon
    high = torch.where(highest > 0, far_high, highest)
    return torch.minimum(torch.maximum(values, low), high)


def unbroken_trace(batch: EpisodeBatch) -> Tensor:
    """Say where the return may go on whatever was played: step t + 1 is real.

    Returns:
        bool ``[batch, time]``; false at the last step.
    """
    trace = batch.mask.roll(-1, dims=1)  # a copy
    trace[:, -1] = False
    return trace


def watkins_trace(batch: EpisodeBatch, greedy: Tensor) -> Tensor:
    """Say where the return may go on: step t + 1 is real and every agent's replayed action there is greedy.

    Args:
        greedy: int64 ``[batch, time + 1, agent]``.

    Returns:
        bool ``[batch, time]``; false at the last step.
    """
    return own_traces(batch, greedy).all(-1)


def own_traces(batch: EpisodeBatch, greedy: Tensor) -> Tensor:
    """Say where each agent's return may go on: step t + 1 is real and its replayed action there is greedy.

    Args:
        greedy: int64 ``[batch, time + 1, agent]``.

    Returns:
        bool ``[batch, time, agent]``; false at the last step.
    """
    is_greedy = (batch.actions == greedy[:, :-1]) & batch.mask.unsqueeze(-1)  # [batch, time, agent]
    trace = is_greedy.roll(-1, dims=1)
    trace[:, -1] = False
    return trace


def total(values: Tensor, batch: EpisodeBatch) -> Tensor:
    """Return joint values as they are, and the sum of agents' values: ``[batch, time, ...]`` -> ``[batch, time]``."""
    return values if values.ndim == batch.reward.ndim else values.sum(-1)


def squared_td_error(q_tot: Tensor, targets: Tensor, batch: EpisodeBatch) -> Tensor:
    """Mean of (y - Q_tot)^2 over real steps.

    Args:
        q_tot: ``[batch, time]`` or ``[batch, time, agent]``.
        targets: The same shape, detached.

    Returns:
        Scalar.
    """
    return masked_mean((q_tot - targets).square(), batch.mask)
