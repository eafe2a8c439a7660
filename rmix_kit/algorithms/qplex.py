"""QPLEX: a dueling joint value whose argmax is each agent's own, and which is otherwise free."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from rmix_kit.algorithms.algorithm import Networks
from rmix_kit.algorithms.value_decomposition import JointQLearning
from rmix_kit.mixers import QPLEXMixer
from rmix_kit.networks.unroll import best_values, one_hot_actions, take
from rmix_kit.networks.value import ValueAgent, ValueOutput
from rmix_kit.types import EnvSpec, EpisodeBatch, PositiveInt


class QPLEXNetworks(Networks[ValueAgent]):
    """The agent, and the mixer, which also takes the best values and the actions."""

    def __init__(self, agent: ValueAgent, mixer: QPLEXMixer) -> None:
        """Hold both."""
        super().__init__(agent)
        self.mixer = mixer


@dataclass(frozen=True, kw_only=True)
class QPLEX(JointQLearning[QPLEXNetworks]):
    """QPLEX (Wang et al. 2021): Q_tot = sum_i V~_i + sum_i lambda_i(s, u) A~_i with lambda_i > 0 (section 3.2).

    Q~_i = w_i(s) Q_i + b_i(s), V~_i its maximum over the available actions and A~_i = Q~_i - V~_i; no gradient passes
    the advantages. y = r + gamma Q_tot^-(tau', ubar', s'), ubar' greedy by the online utilities and the maxima the
    target networks' own.

    Attributes:
        hypernet_size: Hidden width of the mixer's hypernetworks.
        n_kernels: Terms H of the sum that makes lambda.
        kernel_layers: Linear layers of lambda's networks.
    """

    name: ClassVar[str] = "qplex"

    hypernet_size: PositiveInt = 64
    n_kernels: PositiveInt = 10
    kernel_layers: PositiveInt = 3

    def build(self, spec: EnvSpec) -> QPLEXNetworks:
        """Make the agent network and the duplex dueling mixer."""
        agent = self.value_agent(spec)
        mixer = QPLEXMixer(
            spec.n_agents,
            spec.n_actions,
            spec.state_size,
            hypernet_size=self.hypernet_size,
            n_kernels=self.n_kernels,
            kernel_layers=self.kernel_layers,
        )
        return QPLEXNetworks(agent, mixer)

    def joint_value(
        self, networks: QPLEXNetworks, output: ValueOutput, batch: EpisodeBatch, *, actions: Tensor, steps: slice
    ) -> Tensor:
        """Q_tot of one joint action per step, ``[batch, time]``."""
        values = output.outputs[:, steps]  # [batch, time, agent, action]
        best = best_values(values, batch.avail_actions[:, steps])  # [batch, time, agent]
        coded = one_hot_actions(actions, values.shape[-1])  # [batch, time, agent, action]
        q_tot: Tensor = networks.mixer(take(values, actions), best, coded, batch.state[:, steps])  # [batch, time]
        return q_tot
