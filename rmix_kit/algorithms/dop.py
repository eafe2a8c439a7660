"""DOP: a linearly decomposed critic, trained on new and old episodes, that gives every agent its own advantage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from rmix_kit.algorithms.actor_critic import ActorCritic, CriticNetworks
from rmix_kit.algorithms.algorithm import DataSource
from rmix_kit.algorithms.value_decomposition import bound_values
from rmix_kit.losses.policy_gradient import (
    counterfactual_advantage,
    expected_values,
    on_policy_returns,
    tree_backup,
)
from rmix_kit.mixers.dop import LinearMixer
from rmix_kit.networks.critics import Critic, LocalCritic
from rmix_kit.networks.unroll import take
from rmix_kit.networks.value import ValueAgent
from rmix_kit.types import EnvSpec, EpisodeBatch, PositiveInt, UnitFloat


class DOPNetworks(CriticNetworks):
    """The agents' policy network, their critic, and the linear mixer of what it says."""

    def __init__(self, agent: ValueAgent, critic: Critic, mixer: LinearMixer) -> None:
        """Hold all three."""
        super().__init__(agent, critic)
        self.mixer = mixer


@dataclass(frozen=True, kw_only=True)
class DOP(ActorCritic[DOPNetworks]):
    """Stochastic DOP (Wang et al. 2021): Q_tot = sum_i k_i(s) Q_i + b(s), grad = k_i A_i grad log pi_i.

    The critic regresses on tree-backup targets for replayed episodes and on TD(lambda) returns for the newest ones;
    because Q_tot is linear in the Q_i, its expectation under the policies is exact. The actor moves on the newest
    episodes alone. With the bias b(s) of the paper, which the released code leaves out, and with free k_i >= 0 unless
    ``has_normalised_weights``. At the final observation of an episode that the clock ended the value is E_pi Q_tot.

    Attributes:
        on_policy_episodes: Newest episodes in a batch, besides the replayed ones.
        tree_lambda: Trace decay of the tree backup in [0, 1].
        tree_steps: Temporal differences that the tree backup adds up.
        hypernet_size: Hidden width of the mixer's hypernetworks.
        has_normalised_weights: The k_i of a state add up to 1, as in the released code.
    """

    name: ClassVar[str] = "dop"
    data: ClassVar[DataSource] = "both"

    critic_hidden_size: PositiveInt = 256
    on_policy_episodes: PositiveInt = 16
    tree_lambda: UnitFloat = 0.93
    tree_steps: PositiveInt = 5
    hypernet_size: PositiveInt = 32
    has_normalised_weights: bool = False

    @property
    def newest_episodes(self) -> int:
        """Newest episodes in a batch."""
        return self.on_policy_episodes

    def build(self, spec: EnvSpec) -> DOPNetworks:
        """Make the agents' policy network, the linear mixer and the agents' critic: draws follow in this order."""
        agent = self.policy_agent(spec)
        mixer = LinearMixer(
            spec.n_agents,
            spec.state_size,
            hypernet_size=self.hypernet_size,
            is_normalised=self.has_normalised_weights,
        )
        return DOPNetworks(agent, LocalCritic(spec, hidden_size=self.critic_hidden_size), mixer)

    def judge(self, networks: DOPNetworks, values: Tensor, actions: Tensor, state: Tensor) -> Tensor:
        """Q_tot of a joint action."""
        return networks.mixer(take(values, actions), state)

    def critic_targets(self, target: DOPNetworks, values: Tensor, batch: EpisodeBatch, probabilities: Tensor) -> Tensor:
        """TD(lambda) for the newest episodes, tree backup for the others."""
        taken = self.judge(target, values[:, :-1], batch.actions, batch.state[:, :-1])  # [batch, time]
        expected = target.mixer(expected_values(values, probabilities), batch.state)  # [batch, time + 1]
        if self.has_bounded_targets:
            taken = bound_values(taken, batch.reward_range, self.gamma)
            expected = bound_values(expected, batch.reward_range, self.gamma)
        seen = (batch.reward, batch.terminated, batch.mask)
        joint = take(probabilities[:, :-1], batch.actions).prod(-1)  # [batch, time]
        old = tree_backup(
            *seen, joint, taken, expected, gamma=self.gamma, tree_lambda=self.tree_lambda, n_steps=self.tree_steps
        )
        new = on_policy_returns(*seen, taken, expected, gamma=self.gamma, td_lambda=self.td_lambda)
        return torch.where(batch.is_newest.unsqueeze(-1), new, old)

    def advantages(self, online: DOPNetworks, values: Tensor, batch: EpisodeBatch, probabilities: Tensor) -> Tensor:
        """Each agent's own advantage, weighted by what it counts in Q_tot."""
        weights = online.mixer.weights(batch.state[:, :-1])  # [batch, time, agent]
        return weights * counterfactual_advantage(values, probabilities, batch.actions)

    def actor_mask(self, batch: EpisodeBatch) -> Tensor:
        """Return the steps of the newest episodes."""
        return batch.mask & batch.is_newest.unsqueeze(-1)
