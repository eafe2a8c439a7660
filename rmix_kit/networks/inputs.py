"""What an agent network sees: the coded observation, the agent's last action, and which agent it is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from rmix_kit.networks.coding import ObsCoding
from rmix_kit.networks.images import IMAGE_CHANNELS, ImageEncoder
from rmix_kit.networks.packing import pack
from rmix_kit.networks.unroll import agent_ids, last_actions
from rmix_kit.types import EnvSpec, EpisodeBatch


class AgentInputs(ObsCoding):
    """Build x_t = [coded observation, last action (one-hot; zeros at the start), agent (one-hot)] (PyMARL's inputs).

    The coding is part of the network: a policy file takes exactly what the environment gives. Pictures are encoded by
    convolutions, whose weights are the agent's own.
    """

    def __init__(
        self, spec: EnvSpec, *, image_channels: Sequence[int] = IMAGE_CHANNELS, image_embed_size: int = 64
    ) -> None:
        """Read the coding of every observation element from its bounds.

        Args:
            image_channels: Channels after each convolution of a picture.
            image_embed_size: Width of an encoded picture.
        """
        super().__init__(spec)
        self.pictures: ImageEncoder | None = None
        if self.image is not None:
            self.pictures = ImageEncoder(self.image, image_channels, image_embed_size)
            self.coded_size = image_embed_size
        self.size = self.coded_size + spec.n_actions + spec.n_agents

    @property
    def has_weights(self) -> bool:
        """Whether two networks of one make code an observation differently."""
        return self.pictures is not None

    def forward(self, obs: Tensor, last_action: Tensor, agent: Tensor) -> Tensor:
        """Code and concatenate.

        Args:
            obs: ``[..., *obs_shape]`` in the environment's dtype; ``[row, *obs_shape]`` where they are pictures.
            last_action: float32 ``[..., action]``, one-hot, zeros at the start of an episode.
            agent: float32 ``[..., n_agents]``, one-hot.

        Returns:
            float32 ``[..., input]``.
        """
        coded = self.code(obs) if self.pictures is None else [self.pictures(obs)]
        return torch.cat([*coded, last_action, agent], dim=-1)


def inputs_together(coders: Sequence[AgentInputs], batch: EpisodeBatch) -> list[Tensor]:
    """Code whole episodes for agents of one make, once for all of them where their coding has no weights.

    Args:
        coders: Of each agent.

    Returns:
        Inputs of each agent, packed ``[row, input]``.
    """
    rows = [pack(values, batch.packing) for values in (batch.obs, last_actions(batch), agent_ids(batch))]
    if coders[0].has_weights:
        return [coder(*rows) for coder in coders]
    return [coders[0](*rows)] * len(coders)
