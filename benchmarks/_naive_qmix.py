"""QMIX as it is usually written: one GRU cell call per time step, a target copy unrolled likewise. Nothing uses it."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from rmix_kit.mixers import QMixer
from rmix_kit.types import EpisodeBatch

HIDDEN = 64
GAMMA = 0.99


class StepAgent(nn.Module):
    """Linear, ReLU, GRU cell, Linear: one step at a time."""

    def __init__(self, input_size: int, n_actions: int) -> None:
        super().__init__()
        self.input_layer = nn.Linear(input_size, HIDDEN)
        self.cell = nn.GRUCell(HIDDEN, HIDDEN)
        self.head = nn.Linear(HIDDEN, n_actions)

    def forward(self, inputs: Tensor) -> Tensor:
        """``[batch, time, agent, input]`` -> ``[batch, time, agent, action]``."""
        size, steps, n_agents = inputs.shape[:3]
        hidden = inputs.new_zeros(size * n_agents, HIDDEN)
        values = []
        for t in range(steps):
            embedded = torch.relu(self.input_layer(inputs[:, t].flatten(0, 1)))  # [batch * agent, hidden]
            hidden = self.cell(embedded, hidden)
            values.append(self.head(hidden).view(size, n_agents, -1))
        return torch.stack(values, dim=1)


class NaiveQmix:
    """One-step double Q-learning of Q_tot with Adam."""

    def __init__(self, input_size: int, batch: EpisodeBatch) -> None:
        """Make networks, their target copies and the optimiser."""
        n_agents, n_actions = batch.avail_actions.shape[2:]
        mixer = QMixer(n_agents, batch.state.shape[-1], embed_size=32, hypernet_size=64)
        self.online = nn.ModuleList([StepAgent(input_size, n_actions), mixer])
        self.target = copy.deepcopy(self.online)
        self.optimizer = torch.optim.Adam(self.online.parameters(), lr=5e-4)

    def step(self, inputs: Tensor, batch: EpisodeBatch) -> None:
        """Make one update."""
        values = self.online[0](inputs)
        chosen = values[:, :-1].gather(-1, batch.actions.unsqueeze(-1)).squeeze(-1)  # [batch, time, agent]
        q_tot = self.online[1](chosen, batch.state[:, :-1])  # [batch, time]
        target_values = self.target[0](inputs)[:, 1:]
        best = values.detach()[:, 1:].masked_fill(~batch.avail_actions[:, 1:], -torch.inf).argmax(-1, keepdim=True)
        next_values = target_values.gather(-1, best).squeeze(-1)
        next_tot = self.target[1](next_values, batch.state[:, 1:])
        y = batch.reward + GAMMA * (~batch.terminated) * next_tot.detach()
        loss = ((q_tot - y).square() * batch.mask).sum() / batch.mask.sum()
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.online.parameters(), 10.0)
        self.optimizer.step()
