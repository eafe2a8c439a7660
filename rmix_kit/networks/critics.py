"""Critics: networks that judge actions during training, from more than an agent sees. They are never exported."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rmix_kit.networks.coding import ObsCoding
from rmix_kit.networks.packing import pack, unpack
from rmix_kit.networks.unroll import agent_ids, last_actions
from rmix_kit.types import EnvSpec, EpisodeBatch


class Critic(nn.Module):
    """A feed-forward network of two hidden layers: one value per action, from inputs that are made once per batch."""

    def __init__(self, spec: EnvSpec, input_size: int, *, hidden_size: int, is_dueling: bool) -> None:
        """Build the layers.

        Args:
            input_size: Width of the inputs besides the coded observation.
            is_dueling: The values are A(x, u) + V(x), the two from layers of their own.
        """
        super().__init__()
        self.coding = ObsCoding(spec)
        self.body = nn.Sequential(
            nn.Linear(self.coding.coded_size + input_size, hidden_size),
            nn.ReLU(),
            nn.Linear(hidden_size, hidden_size),
            nn.ReLU(),
        )
        self.head = nn.Linear(hidden_size, spec.n_actions)
        self.baseline = nn.Linear(hidden_size, 1) if is_dueling else None

    def forward(self, inputs: Tensor) -> Tensor:
        """Return one value per action: ``[..., input]`` -> ``[..., action]``."""
        hidden = self.body(inputs)  # [..., hidden]
        values: Tensor = self.head(hidden)  # [..., action]
        return values if self.baseline is None else values + self.baseline(hidden)

    def inputs(self, batch: EpisodeBatch, probabilities: Tensor) -> Tensor:
        """Put together what the critic sees.

        Args:
            probabilities: The acting policy ``[batch, time + 1, agent, action]``, for where no action was taken.

        Returns:
            float32 ``[batch, time + 1, agent, input]``.
        """
        raise NotImplementedError

    def unroll(self, inputs: Tensor, batch: EpisodeBatch) -> Tensor:
        """Judge whole episodes.

        Args:
            inputs: From `inputs`.

        Returns:
            ``[batch, time + 1, agent, action]``, zeros on padding.
        """
        size, steps, n_agents = inputs.shape[:3]
        rows: Tensor = self(pack(inputs, batch.packing))  # [row, action]
        return unpack(rows, batch.packing, (size, steps, n_agents))


class CentralCritic(Critic):
    """COMA's critic Q(s, (u'_i, u_-i)): all of agent i's actions at once, those of the others given.

    x = [state, coded observation of i, one-hot actions of all with i's own left out, last joint action, agent].
    At the final observation nobody acted: there the others' actions are their probabilities.
    """

    def __init__(self, spec: EnvSpec, *, hidden_size: int) -> None:
        """Build the layers."""
        size = spec.state_size + 2 * spec.n_agents * spec.n_actions + spec.n_agents
        super().__init__(spec, size, hidden_size=hidden_size, is_dueling=False)

    def inputs(self, batch: EpisodeBatch, probabilities: Tensor) -> Tensor:
        """See `Critic.inputs`."""
        ids = agent_ids(batch)  # [batch, time + 1, agent, n_agents]
        previous = last_actions(batch)  # [batch, time + 1, agent, action]
        taken = torch.cat([previous[:, 1:], torch.zeros_like(previous[:, :1])], dim=1)
        acted = torch.cat([batch.mask, torch.zeros_like(batch.mask[:, :1])], dim=1)  # [batch, time + 1]
        joint = torch.where(acted[..., None, None], taken, probabilities.detach())
        others = joint.unsqueeze(2) * (1.0 - ids).unsqueeze(-1)  # [batch, time + 1, agent, other, action]
        shape = (-1, -1, ids.shape[2], -1)
        state = batch.state.unsqueeze(2).expand(shape)  # [batch, time + 1, agent, state]
        before = previous.flatten(2).unsqueeze(2).expand(shape)  # [batch, time + 1, agent, other * action]
        return torch.cat([state, *self.coding.code(batch.obs), others.flatten(3), before, ids], dim=-1)


class LocalCritic(Critic):
    """DOP's critic Q_i(s, o_i, u'_i) for all of agent i's actions: x = [state, coded observation of i, agent]."""

    def __init__(self, spec: EnvSpec, *, hidden_size: int) -> None:
        """Build the layers."""
        super().__init__(spec, spec.state_size + spec.n_agents, hidden_size=hidden_size, is_dueling=True)

    def inputs(self, batch: EpisodeBatch, probabilities: Tensor) -> Tensor:
        """See `Critic.inputs`."""
        del probabilities
        ids = agent_ids(batch)  # [batch, time + 1, agent, n_agents]
        state = batch.state.unsqueeze(2).expand(-1, -1, ids.shape[2], -1)  # [batch, time + 1, agent, state]
        return torch.cat([state, *self.coding.code(batch.obs), ids], dim=-1)
