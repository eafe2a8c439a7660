"""COMA: a central critic asks what each agent's action was worth compared with its others, the team's being given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from rmix_kit.algorithms.actor_critic import ActorCritic, CriticNetworks
from rmix_kit.algorithms.algorithm import DataSource
from rmix_kit.algorithms.value_decomposition import bound_values
from rmix_kit.losses.policy_gradient import counterfactual_advantage, expected_values, on_policy_returns
from rmix_kit.networks.critics import CentralCritic
from rmix_kit.networks.unroll import take
from rmix_kit.types import EnvSpec, EpisodeBatch


@dataclass(frozen=True, kw_only=True)
class COMA(ActorCritic[CriticNetworks]):
    """COMA (Foerster et al. 2018): A_i = Q(s, u) - sum_u' pi_i(u') Q(s, (u', u_-i)), on fresh episodes alone (Eqn 4).

    The critic regresses on TD(lambda) returns of the target critic's values of the taken actions. At the final
    observation of an episode that the clock ended nobody acted: there the value is the agent's expectation over its
    policy, the others' actions being replaced by their probabilities (released: an action is drawn and never taken).
    The advantage uses the critic after its steps (released: its values of just before each step).
    """

    name: ClassVar[str] = "coma"
    data: ClassVar[DataSource] = "round"

    def build(self, spec: EnvSpec) -> CriticNetworks:
        """Make the agents' policy network and the central critic."""
        return CriticNetworks(self.policy_agent(spec), CentralCritic(spec, hidden_size=self.critic_hidden_size))

    def judge(self, networks: CriticNetworks, values: Tensor, actions: Tensor, state: Tensor) -> Tensor:
        """Q(s, u) as the critic sees it from each agent."""
        del networks, state
        return take(values, actions)

    def critic_targets(
        self, target: CriticNetworks, values: Tensor, batch: EpisodeBatch, probabilities: Tensor
    ) -> Tensor:
        """TD(lambda) returns, for each agent's view."""
        del target
        if self.has_bounded_targets:
            values = bound_values(values, batch.reward_range, self.gamma)
        return on_policy_returns(
            batch.reward,
            batch.terminated,
            batch.mask,
            take(values[:, :-1], batch.actions),
            expected_values(values, probabilities),
            gamma=self.gamma,
            td_lambda=self.td_lambda,
        )

    def advantages(self, online: CriticNetworks, values: Tensor, batch: EpisodeBatch, probabilities: Tensor) -> Tensor:
        """Return the counterfactual advantage."""
        del online
        return counterfactual_advantage(values, probabilities, batch.actions)
