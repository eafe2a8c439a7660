"""Agents that give any quantile that they are asked for: the fraction is an input of the network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.array_agent import ArrayAgent
from rmix_kit.networks.array_layers import Affine, ArrayEncoder, ArrayInputs
from rmix_kit.networks.array_values import ArrayValueAgent
from rmix_kit.networks.carry import Carry, StepOutput
from rmix_kit.networks.images import IMAGE_CHANNELS
from rmix_kit.networks.inputs import AgentInputs, inputs_together
from rmix_kit.networks.packing import pack, unpack
from rmix_kit.networks.recurrent import RecurrentEncoder, unroll_encoders
from rmix_kit.risk.operators import quantile_edges, sort_quantiles
from rmix_kit.types import EnvSpec, EpisodeBatch, Packing

N_COSINES = 64
"""Features cos(pi i tau), i = 0..63 (IQN, Dabney et al. 2018, Eqn 4)."""


class ImplicitQuantileAgent(AgentNetwork):
    """x_t -> Linear, ReLU, GRU -> h * phi(tau) -> Linear(action), shared by all agents (DFAC's agent network).

    phi(tau) = ReLU(Linear(cos(pi i tau))). The agent acts on the mean of the quantiles at the midpoints of
    ``n_acting_quantiles`` equal parts of (0, 1): nothing is drawn, so that a policy file always answers the same. The
    last layer is linear, so that this mean is the last layer of h times the mean of phi.
    """

    frequencies: Tensor
    acting_tau: Tensor
    value_kind = "q"
    is_risk_aware = False
    default_risk_level = None
    n_risk_levels = None

    def __init__(
        self,
        spec: EnvSpec,
        *,
        hidden_size: int,
        n_acting_quantiles: int,
        image_channels: Sequence[int] = IMAGE_CHANNELS,
    ) -> None:
        """Build the layers.

        Args:
            n_acting_quantiles: Midpoints whose mean is an action's value.
            image_channels: Channels after each convolution, where observations are pictures.
        """
        super().__init__()
        self.n_actions = spec.n_actions
        self.inputs = AgentInputs(spec, image_channels=image_channels)
        self.encoder = RecurrentEncoder(self.inputs.size, hidden_size)
        self.tau_layer = nn.Linear(N_COSINES, hidden_size)
        self.head = nn.Linear(hidden_size, spec.n_actions)
        self.register_buffer("frequencies", math.pi * torch.arange(N_COSINES), persistent=False)
        midpoints = (torch.arange(n_acting_quantiles) + 0.5) / n_acting_quantiles
        self.register_buffer("acting_tau", midpoints, persistent=False)
        self.carry_sizes = {"last_action": spec.n_actions, "hidden_state": hidden_size}

    def embed(self, tau: Tensor) -> Tensor:
        """Return phi of fractions: ``[..., draw]`` in (0, 1) -> ``[..., draw, hidden]``."""
        return torch.relu(self.tau_layer(torch.cos(tau.unsqueeze(-1) * self.frequencies)))

    def mean_values(self, hidden_states: Tensor) -> Tensor:
        """Return the mean over the acting midpoints of every action: ``[row, hidden]`` -> ``[row, action]``."""
        values: Tensor = self.head(hidden_states * self.embed(self.acting_tau).mean(0))
        return values

    @property
    def edges(self) -> Tensor:
        """Shares of probability of the acting midpoints (`rmix_kit.risk.quantile_edges`)."""
        return quantile_edges(len(self.acting_tau), device=self.acting_tau.device)

    def quantiles_of(self, hidden_states: Tensor) -> Tensor:
        """Return the acting midpoints' quantiles of every action: ``[row, hidden]`` -> ``[row, action, quantile]``.

        They are in ascending order, as nothing keeps the network from crossing them.
        """
        by_tau: Tensor = self.head(hidden_states.unsqueeze(-2) * self.embed(self.acting_tau))  # [row, draw, action]
        return sort_quantiles(by_tau.transpose(-1, -2))  # [row, action, draw]

    def step(self, obs: Tensor, agent: Tensor, risk_level: Tensor, carry: Carry) -> StepOutput:
        """Act for one step.

        Args:
            obs: ``[row, *obs_shape]``.
            agent: float32 one-hot ``[row, n_agents]``.
            risk_level: float32 ``[row]``; unused.
            carry: By name ``[row, size]``.

        Returns:
            Mean values, level 1 (risk-neutral), and the next carry.
        """
        inputs = self.inputs(obs, carry["last_action"], agent)  # [row, input]
        hidden_state = self.encoder.step(inputs, carry["hidden_state"])
        values = self.mean_values(hidden_state)  # [row, action]
        return StepOutput(values, torch.ones_like(risk_level), {"hidden_state": hidden_state})

    def array_agent(self) -> ArrayAgent | None:
        """Return what acts in its place on the CPU; None for pictures, and for a subclass that does not say."""
        if type(self) is not ImplicitQuantileAgent or self.inputs.pictures is not None:
            return None
        with torch.no_grad():
            mean_phi = self.embed(self.acting_tau).mean(0)  # [hidden]
            # The last layer is linear: (h * phi) W + b = h (phi * W) + b.
            head = Affine((self.head.weight * mean_phi).t().contiguous(), self.head.bias.detach())
        return ArrayValueAgent(ArrayInputs(self.inputs), ArrayEncoder(self.encoder), head, is_stochastic=False)

    def unroll(self, batch: EpisodeBatch) -> ImplicitQuantileOutput:
        """Evaluate whole episodes from the zero carry.

        Returns:
            What gives means and quantiles of every step.
        """
        return _unroll_together([self], batch)[0]


class ImplicitQuantileOutput(NamedTuple):
    """Distributions over whole episodes, of which only what a loss asks for is computed.

    Attributes:
        agent: Whose hidden states they are.
        hidden_states: Packed ``[row, hidden]``.
        packing: Where the rows belong.
        shape: (batch, time + 1, agent).
    """

    agent: ImplicitQuantileAgent
    hidden_states: Tensor
    packing: Packing
    shape: tuple[int, int, int]

    def values(self) -> Tensor:
        """Return every action's mean at the acting midpoints ``[batch, time + 1, agent, action]``; 0 on padding."""
        return unpack(self.agent.mean_values(self.hidden_states), self.packing, self.shape)

    def quantiles_of(self, actions: Tensor, tau: Tensor) -> Tensor:
        """Return quantiles of chosen actions; zeros on padding.

        The fractions of a step are the same for all its agents, and so is phi: it is computed once per step.

        Args:
            actions: int64 ``[batch, time, agent]`` or ``[batch, time + 1, agent]``.
            tau: ``[batch, time + 1, draw]`` in (0, 1).

        Returns:
            ``[batch, time, agent, draw]``, as many steps as ``actions`` has.
        """
        n_agents, head = self.shape[2], self.agent.head
        steps = self.packing.index[::n_agents] // n_agents  # [step row]; the agents of a step lie side by side
        phi = self.agent.embed(tau.flatten(0, 1).index_select(0, steps))  # [step row, draw, hidden]
        padded = functional.pad(actions, (0, 0, 0, self.shape[1] - actions.shape[1]))  # [batch, time + 1, agent]
        numbers = torch.arange(self.agent.n_actions, device=actions.device)
        coded = (pack(padded, self.packing).unsqueeze(-1) == numbers).to(phi.dtype)  # [row, action]
        weighted = self.hidden_states * (coded @ head.weight)  # [row, hidden]
        grouped = torch.unflatten(weighted, 0, (-1, n_agents))  # [step row, agent, hidden]
        quantiles = (grouped @ phi.transpose(-1, -2)).flatten(0, 1)  # [row, draw]
        quantiles = quantiles + (coded @ head.bias).unsqueeze(-1)
        return unpack(quantiles, self.packing, self.shape)[:, : actions.shape[1]]


def unroll_together(agents: Sequence[ImplicitQuantileAgent], batch: EpisodeBatch) -> list[ImplicitQuantileOutput]:
    """Evaluate whole episodes with several agents of one make at the cost of fewer operations than one by one.

    Args:
        agents: Those that learn first, frozen ones (target networks) last.

    Returns:
        What gives means and quantiles of each agent and step.
    """
    if all(type(agent).unroll is ImplicitQuantileAgent.unroll for agent in agents):
        return _unroll_together(agents, batch)
    return [agent.unroll(batch) for agent in agents]  # a subclass has a way of its own


def _unroll_together(agents: Sequence[ImplicitQuantileAgent], batch: EpisodeBatch) -> list[ImplicitQuantileOutput]:
    size, steps, n_agents = batch.avail_actions.shape[:3]
    inputs = inputs_together([agent.inputs for agent in agents], batch)  # [row, input] each
    each = unroll_encoders([agent.encoder for agent in agents], inputs, batch.packing.rows_per_step)  # [row, hidden]
    return [
        ImplicitQuantileOutput(agent, hidden_states, batch.packing, (size, steps, n_agents))
        for agent, hidden_states in zip(agents, each, strict=True)
    ]
