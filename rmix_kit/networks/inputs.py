"""What an agent network sees: the coded observation, the agent's last action, and which agent it is."""

from __future__ import annotations

import torch
from torch import Tensor

from rmix_kit.networks.coding import ObsCoding
from rmix_kit.types import EnvSpec


class AgentInputs(ObsCoding):
    """Build x_t = [coded observation, last action (one-hot; zeros at the start), agent (one-hot)] (PyMARL's inputs).

    The coding is part of the network: a policy file takes exactly what the environment gives.
    """

    def __init__(self, spec: EnvSpec) -> None:
        """Read the coding of every observation element from its bounds.

        Args:
            spec: The environment's spec.
        """
        super().__init__(spec)
        self.size = self.coded_size + spec.n_actions + spec.n_agents

    def forward(self, obs: Tensor, last_action: Tensor, agent: Tensor) -> Tensor:
        """Code and concatenate.

        Args:
            obs: ``[..., *obs_shape]`` in the environment's dtype.
            last_action: float32 ``[..., action]``, one-hot, zeros at the start of an episode.
            agent: float32 ``[..., n_agents]``, one-hot.

        Returns:
            float32 ``[..., input]``.
        """
        return torch.cat([*self.code(obs), last_action, agent], dim=-1)
