"""The frame that COMA and DOP share: agents that draw actions, and critics stepped several times a batch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from rmix_kit.algorithms.algorithm import Algorithm, Networks, OptimizerSettings
from rmix_kit.losses import masked_mean
from rmix_kit.losses.policy_gradient import acting_policy, entropy_shortfall, mean_entropy, policy_gradient_loss
from rmix_kit.networks.critics import Critic
from rmix_kit.networks.value import ValueAgent
from rmix_kit.types import (
    EnvSpec,
    EpisodeBatch,
    Losses,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Progress,
    UnitFloat,
)


class CriticNetworks(Networks[ValueAgent]):
    """The agents' policy network, and the critic."""

    def __init__(self, agent: ValueAgent, critic: Critic) -> None:
        """Hold both."""
        super().__init__(agent)
        self.critic = critic


CriticNetworksT = TypeVar("CriticNetworksT", bound=CriticNetworks)


class Judged(NamedTuple):
    """What one batch is judged with; nothing in it changes while the critic is stepped.

    Attributes:
        probabilities: The acting policy ``[batch, time + 1, agent, action]``, with gradients.
        inputs: The critic's inputs ``[batch, time + 1, agent, input]``.
        targets: What the critic regresses on ``[batch, time]``, or ``[batch, time, agent]``.
    """

    probabilities: Tensor
    inputs: Tensor
    targets: Tensor


@dataclass(frozen=True, kw_only=True)
class ActorCritic(Algorithm[CriticNetworksT]):
    """Recurrent stochastic policies, moved by the advantages of a critic that is trained on the same batch first.

    Attributes:
        td_lambda: Trace decay of the critic's on-policy targets in [0, 1].
        has_bounded_targets: Keep bootstrapped values within what the rewards seen so far allow.
        hidden_size: Width of the agents' recurrent state.
        critic_hidden_size: Width of the critic's two hidden layers.
        critic_steps: Critic steps per batch, each on the whole of it.
        has_step_per_time_step: Instead of these, one critic step for every time step, the last first, as released.
        entropy_bonus: Weight of the policies' entropy in the actor's loss, not negative; 0 as published.
        entropy_floor: Share of the uniform policy's entropy below which a policy is pushed back, at step 0, in [0, 1];
            0 as published.
        entropy_floor_end: Share from ``entropy_floor_steps`` on.
        entropy_floor_steps: Environment steps over which the floor changes linearly.
        entropy_floor_weight: Weight of the squared shortfall in nats in the actor's loss, not negative.
        optimizer: "adam" or "rmsprop".
        learning_rate: Step size of the actor.
        critic_learning_rate: Step size of the critic.
        optimizer_eps: The optimisers' epsilon.
        grad_clip: Largest gradient norm of each group.
    """

    td_lambda: UnitFloat = 0.8
    has_bounded_targets: bool = True
    hidden_size: PositiveInt = 64
    critic_hidden_size: PositiveInt = 128
    critic_steps: PositiveInt = 4
    has_step_per_time_step: bool = False
    entropy_bonus: NonNegativeFloat = 0.0
    entropy_floor: UnitFloat = 0.0
    entropy_floor_end: UnitFloat = 0.0
    entropy_floor_steps: NonNegativeInt = 250_000
    entropy_floor_weight: NonNegativeFloat = 0.1
    optimizer: Literal["adam", "rmsprop"] = "adam"
    learning_rate: PositiveFloat = 5e-4
    critic_learning_rate: PositiveFloat = 5e-4
    optimizer_eps: PositiveFloat = 1e-8
    grad_clip: PositiveFloat = 10.0

    def optimizers(self) -> dict[str, OptimizerSettings]:
        """Two groups: "critic" (with what mixes), whose steps count for target copies, and "actor"."""
        rates = {"critic": self.critic_learning_rate, "actor": self.learning_rate}
        return {
            group: OptimizerSettings(
                kind=self.optimizer, learning_rate=rate, eps=self.optimizer_eps, grad_clip=self.grad_clip
            )
            for group, rate in rates.items()
        }

    def parameters_of(self, group: str, networks: CriticNetworksT) -> dict[str, nn.Parameter]:
        """Return the agent network's for the actor, all others for the critic."""
        is_actor = group == "actor"
        return {name: value for name, value in networks.named_parameters() if name.startswith("agent.") == is_actor}

    def policy_agent(self, spec: EnvSpec) -> ValueAgent:
        """Make the agents' policy network."""
        return ValueAgent(
            spec, hidden_size=self.hidden_size, image_channels=self.image_channels, value_kind="probability"
        )

    @abstractmethod
    def judge(self, networks: CriticNetworksT, values: Tensor, actions: Tensor, state: Tensor) -> Tensor:
        """Return the critic's estimate that is trained, from its values of all actions.

        Args:
            values: ``[batch, time, agent, action]``.
            actions: int64 ``[batch, time, agent]``.
            state: ``[batch, time, state]``.

        Returns:
            ``[batch, time]``, or ``[batch, time, agent]``.
        """

    @abstractmethod
    def critic_targets(
        self, target: CriticNetworksT, values: Tensor, batch: EpisodeBatch, probabilities: Tensor
    ) -> Tensor:
        """Return what `judge` should say of the taken actions.

        Args:
            values: The target critic's ``[batch, time + 1, agent, action]``.
            probabilities: The acting policy ``[batch, time + 1, agent, action]``, detached.

        Returns:
            ``[batch, time]``, or ``[batch, time, agent]``.
        """

    @abstractmethod
    def advantages(self, online: CriticNetworksT, values: Tensor, batch: EpisodeBatch, probabilities: Tensor) -> Tensor:
        """Return the factor on each agent's grad log pi.

        Args:
            values: The critic's ``[batch, time, agent, action]``.
            probabilities: The acting policy ``[batch, time, agent, action]``, detached.

        Returns:
            ``[batch, time, agent]``.
        """

    def actor_mask(self, batch: EpisodeBatch) -> Tensor:
        """Return which steps move the actor, bool ``[batch, time]``: all real ones unless an algorithm differs."""
        return batch.mask

    def losses(
        self, online: CriticNetworksT, target: CriticNetworksT, batch: EpisodeBatch, progress: Progress
    ) -> Losses:
        """Both groups from the same weights; training steps the critic first (`phases`)."""
        judged = self.prepare(online, target, batch)
        critic = self.critic_loss(online, batch, judged, slice(0, batch.mask.shape[1]))
        actor = self.actor_loss(online, batch, judged, progress)
        return Losses(critic.groups | actor.groups, critic.metrics | actor.metrics)

    def phases(
        self, online: CriticNetworksT, target: CriticNetworksT, batch: EpisodeBatch, progress: Progress
    ) -> Iterator[Losses]:
        """Step the critic towards targets that stay, then the actor with the critic as it is by then."""
        judged = self.prepare(online, target, batch)
        time = batch.mask.shape[1]
        if self.has_step_per_time_step:
            for t in range(time - 1, -1, -1):
                yield self.critic_loss(online, batch, judged, slice(t, t + 1))
        else:
            for _ in range(self.critic_steps):
                yield self.critic_loss(online, batch, judged, slice(0, time))
        yield self.actor_loss(online, batch, judged, progress)

    def joint_values(self, online: CriticNetworksT, batch: EpisodeBatch) -> Tensor:
        """Return the critic's estimate of the taken joint actions; the mean where it judges agent by agent."""
        critic = online.critic
        probabilities = self.policy(online, batch)
        values = critic.unroll(critic.inputs(batch, probabilities), batch)[:, :-1]
        estimate = self.judge(online, values, batch.actions, batch.state[:, :-1])
        return estimate if estimate.ndim == batch.reward.ndim else estimate.mean(-1)

    def policy(self, networks: CriticNetworksT, batch: EpisodeBatch) -> Tensor:
        """Return the policy as the collector draws from it: ``[batch, time + 1, agent, action]``."""
        logits = networks.agent.unroll(batch).outputs
        return acting_policy(logits, batch.avail_actions, batch.epsilon)

    def prepare(self, online: CriticNetworksT, target: CriticNetworksT, batch: EpisodeBatch) -> Judged:
        """Compute what all steps of a batch share."""
        probabilities = self.policy(online, batch)
        with torch.no_grad():
            critic, fixed = target.critic, probabilities.detach()
            inputs = critic.inputs(batch, fixed)
            targets = self.critic_targets(target, critic.unroll(inputs, batch), batch, fixed)
        return Judged(probabilities, inputs, targets)

    def critic_loss(self, online: CriticNetworksT, batch: EpisodeBatch, judged: Judged, steps: slice) -> Losses:
        """Squared error of the critic over some steps.

        Args:
            judged: From `prepare`.
            steps: Which of the ``time`` steps.

        Returns:
            The group "critic".
        """
        critic, time = online.critic, batch.mask.shape[1]
        is_whole = steps == slice(0, time)
        values = critic.unroll(judged.inputs, batch)[:, :-1] if is_whole else critic(judged.inputs[:, steps])
        estimate = self.judge(online, values, batch.actions[:, steps], batch.state[:, :-1][:, steps])
        targets, mask = judged.targets[:, steps], batch.mask[:, steps]
        loss = masked_mean((estimate - targets).square(), mask)
        metrics = {"value": masked_mean(estimate.detach(), mask), "target": masked_mean(targets, mask)}
        return Losses({"critic": loss}, metrics | {"loss_critic": loss.detach()})

    def actor_loss(self, online: CriticNetworksT, batch: EpisodeBatch, judged: Judged, progress: Progress) -> Losses:
        """-mean A log pi, the entropy bonus, and what the entropy lacks of its floor.

        Args:
            judged: From `prepare`.

        Returns:
            The group "actor".
        """
        probabilities, mask = judged.probabilities[:, :-1], self.actor_mask(batch)
        with torch.no_grad():
            values = online.critic.unroll(judged.inputs, batch)[:, :-1]
            advantage = self.advantages(online, values, batch, probabilities.detach())  # [batch, time, agent]
        loss = policy_gradient_loss(probabilities, batch.actions, advantage, mask)
        entropy = mean_entropy(probabilities, mask)
        shortfall = entropy_shortfall(probabilities, batch.avail_actions[:, :-1], mask, self.floor(progress))
        whole = loss - self.entropy_bonus * entropy + self.entropy_floor_weight * shortfall
        metrics = {"entropy": entropy.detach(), "advantage_size": masked_mean(advantage.abs(), mask)}
        return Losses({"actor": whole}, metrics | {"loss_actor": loss.detach()})

    def floor(self, progress: Progress) -> float:
        """Return the share of the uniform policy's entropy that policies must keep, as training stands."""
        return progress.between(self.entropy_floor, self.entropy_floor_end, self.entropy_floor_steps)
