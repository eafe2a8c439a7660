"""Policies: all agents at once for collecting, one agent for export."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from exporters.contract import PolicySpec, TensorSpec
from exporters.guards import GuardedStep
from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.array_agent import ArrayAgent
from rmix_kit.networks.carry import Carry, StepOutput, zero_carry
from rmix_kit.networks.unroll import available_probabilities, greedy_actions
from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray


class ActingAgent(Protocol):
    """What a policy asks of an agent network."""

    carry_sizes: dict[str, int]
    value_kind: str
    is_risk_aware: bool
    default_risk_level: float | None
    n_risk_levels: int | None

    def step(self, obs: Tensor, agent: Tensor, risk_level: Tensor, carry: Carry) -> StepOutput:
        """Act for one step: rows of observations, one-hot agents, risk levels and carry."""
        ...

    def array_agent(self) -> ArrayAgent | None:
        """Return what acts in its place on the CPU, at its present weights; None where nothing does."""
        ...


class TeamChoice(NamedTuple):
    """What a team would do.

    Attributes:
        actions: Greedy available actions, int64 ``[env, agent]``.
        risk_level: Levels used, float32 ``[env, agent]``.
        probabilities: What a stochastic policy draws from, float32 ``[env, agent, action]``, zero where an action is
            not allowed; None for agents that act on values.
    """

    actions: IntArray
    risk_level: FloatArray
    probabilities: FloatArray | None


class TeamPolicy:
    """All agents of all copies in one forward pass; the carry is handed in and out."""

    def __init__(self, agent: ActingAgent, spec: EnvSpec, device: torch.device) -> None:
        """Wrap the network whose current weights act.

        Args:
            agent: The agent network; read at every call, never changed.
        """
        self._agent, self._spec, self._device = agent, spec, device
        self._identity = torch.eye(spec.n_agents, device=device)

    def initial_carry(self, num_envs: int) -> Carry:
        """Return the carry of an episode's start, rows ordered ``[env * agent]``."""
        return zero_carry(self._agent.carry_sizes, num_envs * self._spec.n_agents, self._device)

    def restarted(self, carry: Carry, copies: BoolArray) -> Carry:
        """Return the carry with which some copies begin an episode and the others go on.

        Args:
            carry: From `executed`.
            copies: bool ``[env]``, those that begin.
        """
        rows = torch.from_numpy(np.repeat(copies, self._spec.n_agents)).to(self._device)[:, None]  # [env * agent, 1]
        return {name: memory.masked_fill(rows, 0) for name, memory in carry.items()}

    def refresh(self) -> None:
        """Act from now on by the weights and input statistics of now, in episodes that have begun too."""

    @torch.inference_mode()
    def act(
        self, obs: np.ndarray, avail_actions: BoolArray, risk_level: FloatArray, carry: Carry
    ) -> tuple[TeamChoice, Carry]:
        """Choose greedily.

        Args:
            obs: ``[env, agent, *obs_shape]``.
            avail_actions: bool ``[env, agent, action]``.
            risk_level: float32 ``[env]``; 0 leaves the choice to the agents.
            carry: From `initial_carry` or `executed`.

        Returns:
            The choice, and the carry to hand to `executed`.
        """
        num_envs, n_agents = avail_actions.shape[:2]
        rows = torch.from_numpy(obs).to(self._device).flatten(0, 1)  # [env * agent, ...]
        levels = torch.from_numpy(np.repeat(risk_level, n_agents)).to(self._device)
        output = self._agent.step(rows, self._identity.repeat(num_envs, 1), levels, carry)
        mask = torch.from_numpy(avail_actions).to(self._device).flatten(0, 1)
        actions = greedy_actions(output.action_values, mask)
        probabilities = None
        if self._agent.value_kind == "probability":
            allowed = available_probabilities(output.action_values, mask)
            probabilities = allowed.view(num_envs, n_agents, -1).cpu().numpy()
        choice = TeamChoice(
            actions.view(num_envs, n_agents).cpu().numpy(),
            output.risk_level.view(num_envs, n_agents).cpu().numpy(),
            probabilities,
        )
        return choice, output.carry

    def executed(self, carry: Carry, actions: IntArray) -> Carry:
        """Write the actions that were really taken into the carry.

        Args:
            carry: From `act`.
            actions: int64 ``[env, agent]``.

        Returns:
            The complete carry for the next step.
        """
        coded = np.zeros((actions.size, self._spec.n_actions), dtype=np.float32)  # [env * agent, action]
        coded[np.arange(actions.size), actions.reshape(-1)] = 1
        return {"last_action": torch.from_numpy(coded).to(self._device)} | carry


class ArrayTeamPolicy(TeamPolicy):
    """A team policy on the CPU whose networks have an `ArrayAgent`; it chooses as `TeamPolicy` does, up to rounding.

    Weights are read at `initial_carry` and at `refresh`: one of them follows every change.
    """

    def __init__(self, agent: ActingAgent, spec: EnvSpec, arrays: ArrayAgent) -> None:
        """Wrap the network whose current weights act.

        Args:
            agent: The agent network, never changed.
            arrays: Its `ActingAgent.array_agent` of now.
        """
        super().__init__(agent, spec, torch.device("cpu"))
        self._arrays = arrays

    def initial_carry(self, num_envs: int) -> Carry:
        """Return the carry of an episode's start, and take over the weights and input statistics of now."""
        self.refresh()
        return super().initial_carry(num_envs)

    def refresh(self) -> None:
        """See `TeamPolicy.refresh`."""
        arrays = self._agent.array_agent()
        assert arrays is not None, "a network has an array agent always or never"
        self._arrays = arrays

    def act(
        self, obs: np.ndarray, avail_actions: BoolArray, risk_level: FloatArray, carry: Carry
    ) -> tuple[TeamChoice, Carry]:
        """Choose greedily; see `TeamPolicy.act`."""
        # Copies that have finished may show anything, and what comes of it is not looked at.
        with np.errstate(invalid="ignore", over="ignore"):
            output = self._arrays.step(obs, avail_actions, risk_level, carry)
            values = output.action_values.reshape(avail_actions.shape)  # [env, agent, action]
            actions: IntArray = np.where(avail_actions, values, -np.inf).argmax(-1)
            probabilities: FloatArray | None = None
            if self._agent.value_kind == "probability":
                probabilities = np.maximum(values, np.finfo(np.float32).tiny) * avail_actions
                probabilities /= probabilities.sum(-1, keepdims=True)
        return TeamChoice(actions, output.risk_level.reshape(actions.shape), probabilities), output.carry


def team_policy(agent: ActingAgent, spec: EnvSpec, device: torch.device) -> TeamPolicy:
    """Return the fastest policy of a team.

    Args:
        agent: The agent network, whose current weights act; never changed.
        device: Where the network is.

    Returns:
        An `ArrayTeamPolicy` for a network on the CPU that has an array agent, otherwise a `TeamPolicy`.
    """
    arrays = agent.array_agent() if device.type == "cpu" else None
    return TeamPolicy(agent, spec, device) if arrays is None else ArrayTeamPolicy(agent, spec, arrays)


class GreedyPolicy:
    """One agent's policy, exportable: it satisfies `exporters.contract.Policy`."""

    def __init__(
        self,
        agent: AgentNetwork,
        env_spec: EnvSpec,
        *,
        agent_index: int,
        algorithm: str,
    ) -> None:
        """Bind the network to one agent.

        Args:
            agent: The agent network, on the CPU.
            env_spec: The environment's spec.
            agent_index: Which agent, from 0.
        """
        self._agent, self._env_spec, self._index = agent, env_spec, agent_index
        carry = tuple(
            TensorSpec(name=name, shape=(size,), dtype="float32", description=_CARRY_DESCRIPTIONS[name])
            for name, size in agent.carry_sizes.items()
        )
        self._spec = PolicySpec(
            agent_id=env_spec.agent_ids[agent_index],
            agent_index=agent_index,
            n_agents=env_spec.n_agents,
            algorithm=algorithm,
            obs=TensorSpec(
                name="obs",
                shape=env_spec.obs_shape,
                dtype=env_spec.obs_dtype,
                low=env_spec.obs_low,
                high=env_spec.obs_high,
                description="the observation exactly as the environment gives it",
            ),
            n_actions=env_spec.n_actions,
            action_meanings=env_spec.action_meanings,
            carry=carry,
            is_risk_aware=agent.is_risk_aware,
            default_risk_level=agent.default_risk_level,
            n_risk_levels=agent.n_risk_levels,
            value_kind=agent.value_kind,
        )

    @property
    def spec(self) -> PolicySpec:
        """Names, shapes and types of everything that goes in and comes out."""
        return self._spec

    def module(self) -> nn.Module:
        """Return the module that exporters trace."""
        return GuardedStep(_Step(self._agent, self._spec), self._spec)

    def shared_module(self) -> nn.Module:
        """Return what acts for every agent of the network: it takes `agent_index` before the carry."""
        return GuardedStep(_Step(self._agent, self._spec, takes_agent=True), self._spec, takes_agent=True)


_CARRY_DESCRIPTIONS = {
    "last_action": "one-hot of the action executed last; zeros at the start of an episode",
    "hidden_state": "recurrent memory of the agent",
    "previous_input": "coded input of the step before, for the risk predictor",
    "risk_hidden_state": "recurrent memory of the risk predictor",
}


class _Step(nn.Module):
    """One agent's step as `exporters.guarded` takes it: observation, level and carry in, values and carry out."""

    agent_row: Tensor

    def __init__(self, agent: AgentNetwork, spec: PolicySpec, *, takes_agent: bool = False) -> None:
        super().__init__()
        self.agent, self.takes_agent = agent, takes_agent
        self.carry_names = tuple(tensor.name for tensor in spec.carry)
        self.is_risk_aware = spec.is_risk_aware
        rows = torch.eye(spec.n_agents)
        self.register_buffer("agent_row", rows if takes_agent else rows[spec.agent_index : spec.agent_index + 1])

    def forward(self, obs: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        """Act for one step of legal rows."""
        n_rows = obs.shape[0]
        level, rest = (rest[0], rest[1:]) if self.is_risk_aware else (obs.new_zeros(n_rows), rest)
        who, rest = (self.agent_row[rest[0]], rest[1:]) if self.takes_agent else (self.agent_row, rest)
        carry = dict(zip(self.carry_names, rest, strict=True))
        output = self.agent.step(obs, who.expand(n_rows, -1), level, carry)
        following = [output.carry[name] for name in self.carry_names if name in output.carry]
        return (output.action_values, *((output.risk_level,) if self.is_risk_aware else ()), *following)
