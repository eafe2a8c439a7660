"""What all agent networks have in common: they act for one step at a time, and say what their memory is made of."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor, nn

from rmix_kit.networks.array_agent import ArrayAgent
from rmix_kit.networks.carry import Carry, StepOutput


class AgentNetwork(nn.Module, ABC):
    """An agent's network, shared by all agents; its own ``unroll`` evaluates whole episodes for a loss.

    Attributes:
        carry_sizes: Width of each part of its memory, ``last_action`` among them.
        value_kind: What it maximises: "q", "cvar", "var", "wang" or "probability".
        is_risk_aware: Whether it can be told a risk level.
        default_risk_level: The level that 0 stands for; None where it chooses itself or has none.
        n_risk_levels: The K of levels {1/K, ..., 1} that it chooses from; None where it does not choose.
    """

    carry_sizes: dict[str, int]
    value_kind: str
    is_risk_aware: bool
    default_risk_level: float | None
    n_risk_levels: int | None

    @abstractmethod
    def step(self, obs: Tensor, agent: Tensor, risk_level: Tensor, carry: Carry) -> StepOutput:
        """Act for one step.

        Args:
            obs: ``[row, *obs_shape]``.
            agent: float32 one-hot ``[row, n_agents]``.
            risk_level: float32 ``[row]``; 0 means the agent's own choice.
            carry: By name ``[row, size]``.

        Returns:
            What it maximises, the level used, and the next carry.
        """

    def array_agent(self) -> ArrayAgent | None:
        """Return what acts in this network's place on the CPU, at its present weights; None where nothing does.

        A subclass says so itself: what its parent has acts as its parent.
        """
        return None
