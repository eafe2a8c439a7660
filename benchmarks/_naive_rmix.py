"""The structure that our RMIX update is compared with: the shape of the released implementation, written afresh.

Per-step GRU cells for agent and predictor, a sort of all quantiles of all actions at every step, a target copy
unrolled inside the graph, and the pairwise quantile loss. Deliberately plain; nothing of the package uses it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from rmix_kit.types import EpisodeBatch

HIDDEN = 64


class StepCell(nn.Module):
    """Linear, ReLU and one GRU cell."""

    def __init__(self, input_size: int) -> None:
        super().__init__()
        self.input_layer = nn.Linear(input_size, HIDDEN)
        self.cell = nn.GRUCell(HIDDEN, HIDDEN)

    def forward(self, inputs: Tensor, hidden: Tensor) -> Tensor:
        """``[row, input]``, ``[row, hidden]`` -> ``[row, hidden]``."""
        result: Tensor = self.cell(torch.relu(self.input_layer(inputs)), hidden)
        return result


class NaiveAgent(nn.Module):
    """One acting step: quantiles, predicted level, CVaR."""

    def __init__(self, input_size: int, n_actions: int, n_quantiles: int, n_levels: int, embed_size: int) -> None:
        super().__init__()
        self.n_actions, self.n_quantiles, self.n_levels, self.embed_size = n_actions, n_quantiles, n_levels, embed_size
        self.main, self.risk = StepCell(input_size), StepCell(input_size)
        width = n_actions * n_quantiles
        self.head = nn.Linear(HIDDEN, width)
        self.current = nn.Linear(width, embed_size, bias=False)
        self.history = nn.Linear(width, embed_size * n_levels, bias=False)

    def forward(
        self, inputs: Tensor, previous: Tensor, hidden: Tensor, risk_hidden: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return CVaR ``[row, action]``, quantiles ``[row, action, quantile]`` and both hidden states."""
        hidden = self.main(inputs, hidden)
        flat = self.head(hidden)  # [row, action * quantile]
        risk_hidden = self.risk(previous, risk_hidden)
        past = nn.functional.linear(risk_hidden, self.head.weight.detach(), self.head.bias.detach())
        key = self.current(flat.detach()).unsqueeze(1)  # [row, 1, embed]
        match = self.history(past).view(-1, self.embed_size, self.n_levels)  # [row, embed, level]
        scores = torch.bmm(key, match).squeeze(1) / self.embed_size**0.5  # [row, level]
        chances = scores.softmax(-1)
        level = (chances.argmax(-1) + 1).float() / self.n_levels  # [row]
        quantiles = flat.view(-1, self.n_actions, self.n_quantiles)
        ordered = torch.sort(quantiles, dim=-1).values
        kept = torch.ceil(level * self.n_quantiles).clamp(min=1)  # [row]
        mask = (torch.arange(self.n_quantiles) < kept[:, None]).float()  # [row, quantile]
        cvar = (ordered * mask[:, None]).sum(-1) / kept[:, None]  # [row, action]
        return cvar, quantiles, hidden, risk_hidden


class NaiveMixer(nn.Module):
    """QMIX's mixer with batched matrix products, on flattened steps."""

    def __init__(self, n_agents: int, state_size: int, embed_size: int) -> None:
        super().__init__()
        self.n_agents, self.embed_size = n_agents, embed_size
        self.first = nn.Sequential(nn.Linear(state_size, 64), nn.ReLU(), nn.Linear(64, embed_size * n_agents))
        self.first_bias = nn.Linear(state_size, embed_size)
        self.final = nn.Sequential(nn.Linear(state_size, 64), nn.ReLU(), nn.Linear(64, embed_size))
        self.value = nn.Sequential(nn.Linear(state_size, embed_size), nn.ReLU(), nn.Linear(embed_size, 1))

    def forward(self, values: Tensor, state: Tensor) -> Tensor:
        """``[batch, time, agent]``, ``[batch, time, state]`` -> ``[batch, time, 1]``."""
        flat = state.reshape(-1, state.shape[-1])
        first = self.first(flat).abs().view(-1, self.n_agents, self.embed_size)
        hidden = torch.bmm(values.reshape(-1, 1, self.n_agents), first) + self.first_bias(flat).unsqueeze(1)
        final = self.final(flat).abs().view(-1, self.embed_size, 1)
        mixed = torch.bmm(nn.functional.elu(hidden), final) + self.value(flat).unsqueeze(-1)
        result: Tensor = mixed.view(*values.shape[:2], 1)
        return result


def unroll(agent: NaiveAgent, inputs: Tensor) -> tuple[Tensor, Tensor]:
    """Step over ``[batch, time, agent, input]``; give CVaR and quantiles of every step."""
    size, steps, n_agents, _ = inputs.shape
    hidden = risk_hidden = torch.zeros(size * n_agents, HIDDEN)
    values, distributions = [], []
    previous = torch.zeros_like(inputs[:, 0]).flatten(0, 1)
    for t in range(steps):
        now = inputs[:, t].flatten(0, 1)
        cvar, quantiles, hidden, risk_hidden = agent(now, previous, hidden, risk_hidden)
        values.append(cvar.view(size, n_agents, -1))
        distributions.append(quantiles.view(size, n_agents, agent.n_actions, agent.n_quantiles))
        previous = now
    return torch.stack(values, 1), torch.stack(distributions, 1)


class NaiveLearner:
    """Both kinds of step on a batch whose coded inputs are given."""

    def __init__(self, inputs_size: int, batch: EpisodeBatch, *, n_quantiles: int, n_levels: int, embed_size: int):
        n_agents, n_actions = batch.avail_actions.shape[2:]
        sizes = (inputs_size, n_actions, n_quantiles, n_levels, embed_size)
        self.agent, self.target_agent = NaiveAgent(*sizes), NaiveAgent(*sizes)
        state_size = batch.state.shape[-1]
        self.mixer, self.target_mixer = (NaiveMixer(n_agents, state_size, 32) for _ in range(2))
        self.target_agent.load_state_dict(self.agent.state_dict())
        self.target_mixer.load_state_dict(self.mixer.state_dict())
        self.parameters = [*self.agent.parameters(), *self.mixer.parameters()]
        self.optimizer = torch.optim.Adam(self.parameters, lr=5e-4)
        self.quantile_optimizer = torch.optim.Adam(self.agent.parameters(), lr=5e-5)
        self.tau = (torch.arange(n_quantiles).float() + 0.5) / n_quantiles

    def td_step(self, inputs: Tensor, batch: EpisodeBatch) -> float:
        """Make one TD step and read the loss back."""
        values, _ = unroll(self.agent, inputs)
        target_values, _ = unroll(self.target_agent, inputs)  # inside the graph
        chosen = values[:, :-1].gather(-1, batch.actions.unsqueeze(-1)).squeeze(-1)
        best = values.detach().clone().masked_fill(~batch.avail_actions, -9999999)[:, 1:].argmax(-1, keepdim=True)
        next_values = target_values[:, 1:].gather(-1, best).squeeze(-1)
        joint = self.mixer(chosen, batch.state[:, :-1])
        next_joint = self.target_mixer(next_values, batch.state[:, 1:])
        target = batch.reward.unsqueeze(-1) + 0.99 * (~batch.terminated).unsqueeze(-1) * next_joint
        mask = batch.mask.unsqueeze(-1).float()
        loss = ((joint - target.detach()) * mask).square().sum() / mask.sum()
        return self._step(self.optimizer, loss)

    def quantile_step(self, inputs: Tensor, batch: EpisodeBatch) -> float:
        """Make one quantile step with the pairwise tensor and read the loss back."""
        values, quantiles = unroll(self.agent, inputs)
        _, target_quantiles = unroll(self.target_agent, inputs)
        width = quantiles.shape[-1]
        index = batch.actions[..., None, None].expand(-1, -1, -1, 1, width)
        chosen = quantiles[:, :-1].gather(3, index).squeeze(3)  # [batch, time, agent, quantile]
        best = values.detach().clone().masked_fill(~batch.avail_actions, -9999999)[:, 1:].argmax(-1)
        index = best[..., None, None].expand(-1, -1, -1, 1, width)
        following = target_quantiles[:, 1:].gather(3, index).squeeze(3)
        reward = batch.reward[..., None, None]
        target = (reward + 0.99 * (~batch.terminated)[..., None, None] * following).detach()
        error = target.unsqueeze(-2) - chosen.unsqueeze(-1)  # [batch, time, agent, prediction, target]
        huber = torch.where(error.abs() <= 1, 0.5 * error.square(), error.abs() - 0.5)
        pairwise = (self.tau.unsqueeze(-1) - (error.detach() < 0).float()).abs() * huber
        mask = batch.mask.unsqueeze(-1).float()
        loss = (pairwise.mean(-1).sum(-1) * mask).sum() / (mask.sum() * chosen.shape[2])
        return self._step(self.quantile_optimizer, loss)

    def _step(self, optimizer: torch.optim.Optimizer, loss: Tensor) -> float:
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.parameters, 10.0)
        optimizer.step()
        return loss.item()
