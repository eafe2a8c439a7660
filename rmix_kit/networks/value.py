"""Agents whose last layer is one number per action: values, or logits of a policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.array_agent import ArrayAgent
from rmix_kit.networks.array_layers import Affine, ArrayEncoder, ArrayInputs
from rmix_kit.networks.array_values import ArrayValueAgent
from rmix_kit.networks.carry import Carry, StepOutput
from rmix_kit.networks.images import IMAGE_CHANNELS
from rmix_kit.networks.inputs import AgentInputs, inputs_together
from rmix_kit.networks.packing import unpack
from rmix_kit.networks.recurrent import RecurrentEncoder, unroll_encoders
from rmix_kit.types import EnvSpec, EpisodeBatch


class ValueOutput(NamedTuple):
    """Whole episodes of a `ValueAgent`; zeros on padding.

    Attributes:
        outputs: Values, or logits where the agent is a policy, ``[batch, time + 1, agent, action]``.
        hidden_states: Recurrent states ``[batch, time + 1, agent, hidden]``.
    """

    outputs: Tensor
    hidden_states: Tensor


class ValueAgent(AgentNetwork):
    """x_t -> Linear, ReLU, GRU -> Linear(action), shared by all agents (PyMARL's agent network).

    With ``value_kind`` "q" the last layer gives action values, with "probability" the logits of a policy, and acting
    gives their softmax over all actions.
    """

    is_risk_aware = False
    default_risk_level = None
    n_risk_levels = None

    def __init__(
        self,
        spec: EnvSpec,
        *,
        hidden_size: int,
        image_channels: Sequence[int] = IMAGE_CHANNELS,
        value_kind: Literal["q", "probability"] = "q",
    ) -> None:
        """Build the layers.

        Args:
            image_channels: Channels after each convolution, where observations are pictures.
            value_kind: What the last layer's numbers are.
        """
        super().__init__()
        self.value_kind = value_kind
        self.inputs = AgentInputs(spec, image_channels=image_channels)
        self.encoder = RecurrentEncoder(self.inputs.size, hidden_size)
        self.head = nn.Linear(hidden_size, spec.n_actions)
        self.carry_sizes = {"last_action": spec.n_actions, "hidden_state": hidden_size}

    def step(self, obs: Tensor, agent: Tensor, risk_level: Tensor, carry: Carry) -> StepOutput:
        """Act for one step.

        Args:
            obs: ``[row, *obs_shape]``.
            agent: float32 one-hot ``[row, n_agents]``.
            risk_level: float32 ``[row]``; unused.
            carry: By name ``[row, size]``.

        Returns:
            Values or probabilities, level 1 (risk-neutral), and the next carry.
        """
        inputs = self.inputs(obs, carry["last_action"], agent)  # [row, input]
        hidden_state = self.encoder.step(inputs, carry["hidden_state"])
        outputs = self.head(hidden_state)  # [row, action]
        if self.value_kind == "probability":
            outputs = outputs.softmax(-1)
        return StepOutput(outputs, torch.ones_like(risk_level), {"hidden_state": hidden_state})

    def array_agent(self) -> ArrayAgent | None:
        """Return what acts in its place on the CPU; None for pictures, and for a subclass that does not say."""
        if type(self) is not ValueAgent or self.inputs.pictures is not None:
            return None
        return ArrayValueAgent(
            ArrayInputs(self.inputs),
            ArrayEncoder(self.encoder),
            Affine.of(self.head),
            is_stochastic=self.value_kind == "probability",
        )

    def unroll(self, batch: EpisodeBatch) -> ValueOutput:
        """Evaluate whole episodes from the zero carry.

        Returns:
            Values or logits of every step, and hidden states.
        """
        return _unroll_together([self], batch)[0]


def unroll_together(agents: Sequence[ValueAgent], batch: EpisodeBatch) -> list[ValueOutput]:
    """Evaluate whole episodes with several agents of one make at the cost of fewer operations than one by one.

    Args:
        agents: Those that learn first, frozen ones (target networks) last.

    Returns:
        Each agent's values or logits of every step, and hidden states.
    """
    if all(type(agent).unroll is ValueAgent.unroll for agent in agents):
        return _unroll_together(agents, batch)
    return [agent.unroll(batch) for agent in agents]  # a subclass has a way of its own


def _unroll_together(agents: Sequence[ValueAgent], batch: EpisodeBatch) -> list[ValueOutput]:
    size, steps, n_agents = batch.avail_actions.shape[:3]
    shape, packing = (size, steps, n_agents), batch.packing
    inputs = inputs_together([agent.inputs for agent in agents], batch)  # [row, input] each
    each = unroll_encoders([agent.encoder for agent in agents], inputs, packing.rows_per_step)  # [row, hidden] each
    return [
        ValueOutput(unpack(agent.head(hidden_states), packing, shape), unpack(hidden_states, packing, shape))
        for agent, hidden_states in zip(agents, each, strict=True)
    ]
