from __future__ import annotations

from functools import cache

import pytest
import torch
from torch import Tensor

from rmix_kit.losses import quantile_huber_loss
from rmix_kit.networks.carry import zero_carry
from rmix_kit.networks.implicit_quantile import ImplicitQuantileAgent, ImplicitQuantileOutput
from rmix_kit.networks.unroll import agent_ids, last_actions, take
from rmix_kit.testing.episodes import CPU, make_spec, random_batch
from rmix_kit.types import EpisodeBatch

SPEC = make_spec()
DRAWS = 5


def make_agent(seed: int = 0, hidden_size: int = 8) -> ImplicitQuantileAgent:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ImplicitQuantileAgent(SPEC, hidden_size=hidden_size, n_acting_quantiles=32)


def make_batch() -> EpisodeBatch:
    return random_batch(SPEC, (6, 4, 1), 0, tau_draws=DRAWS)


def evaluated() -> tuple[ImplicitQuantileAgent, EpisodeBatch, ImplicitQuantileOutput]:
    agent, batch = make_agent(), make_batch()
    return agent, batch, agent.unroll(batch)


def all_quantiles(agent: ImplicitQuantileAgent, hidden_states: Tensor, tau: Tensor) -> Tensor:
    """The definition, draw by draw: ``[row, hidden]``, ``[row, draw]`` -> ``[row, action, draw]``."""
    angles = torch.pi * torch.arange(64) * tau.unsqueeze(-1)  # [row, draw, cosine]
    phi = torch.relu(agent.tau_layer(torch.cos(angles)))  # [row, draw, hidden]
    return agent.head(hidden_states.unsqueeze(1) * phi).transpose(1, 2)  # type: ignore[no-any-return]


@torch.no_grad()
def test_quantiles_of_chosen_actions_are_those_of_the_definition() -> None:
    agent, batch, output = evaluated()
    found = output.quantiles_of(batch.actions, batch.tau)  # [batch, time, agent, draw]
    tau = batch.tau.unsqueeze(2).expand(-1, -1, SPEC.n_agents, -1).flatten(0, 2)[batch.packing.index]
    rows = all_quantiles(agent, output.hidden_states, tau)  # [row, action, draw]
    padded = torch.zeros(3 * 7 * SPEC.n_agents, *rows.shape[1:]).index_copy_(0, batch.packing.index, rows)
    expected = take(torch.unflatten(padded, 0, (3, 7, SPEC.n_agents))[:, :-1], batch.actions)
    real = batch.mask[..., None, None]
    torch.testing.assert_close(found * real, expected * real, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_values_are_the_mean_over_the_acting_midpoints() -> None:
    agent, batch, output = evaluated()
    midpoints = ((torch.arange(32) + 0.5) / 32).expand(len(output.hidden_states), -1)
    expected = all_quantiles(agent, output.hidden_states, midpoints).mean(-1)  # [row, action]
    found = output.values().flatten(0, 2)[batch.packing.index]
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_stepping_gives_the_values_of_the_unrolled_episodes() -> None:
    agent, batch, output = evaluated()
    values, rows = output.values(), slice(0, 1)
    carry = zero_carry(agent.carry_sizes, SPEC.n_agents, CPU)
    last, ids = last_actions(batch), agent_ids(batch)
    for t in range(7):
        carry["last_action"] = last[0, t]
        stepped = agent.step(batch.obs[0, t], ids[0, t], torch.zeros(SPEC.n_agents), carry)
        torch.testing.assert_close(stepped.action_values, values[rows, t][0], rtol=1e-5, atol=1e-6)
        carry = stepped.carry | {"last_action": last[0, t]}


@torch.no_grad()
def test_acting_draws_nothing() -> None:
    agent, batch, _ = evaluated()
    before = torch.random.get_rng_state()
    assert torch.equal(agent.unroll(batch).values(), agent.unroll(batch).values())
    assert torch.equal(torch.random.get_rng_state(), before)


@cache
def fitted() -> Tensor:
    """Quantiles at the midpoints of 20 parts, learned from samples of N(5, 3) with drawn fractions."""
    agent, generator = make_agent(hidden_size=32), torch.Generator().manual_seed(0)
    hidden_state = torch.ones(1, 32)
    layers = [*agent.tau_layer.parameters(), *agent.head.parameters()]
    optimizer = torch.optim.Adam(layers, lr=1e-2)
    steps = 600
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 1e-2 * (1 - step / steps) + 1e-4
        tau = torch.rand(64, 8, generator=generator)
        targets = 5.0 + 3.0 * torch.randn(64, 32, generator=generator)
        quantiles = agent.head(hidden_state * agent.embed(tau))[..., 0]  # [row, quantile]
        loss = quantile_huber_loss(quantiles, targets, tau).mean()
        for layer, slope in zip(layers, torch.autograd.grad(loss, layers), strict=True):
            layer.grad = slope
        optimizer.step()
    with torch.no_grad():
        tau = (torch.arange(20) + 0.5) / 20
        return agent.head(hidden_state * agent.embed(tau))[:, 0]  # type: ignore[no-any-return]


def test_a_learned_normal_distribution_keeps_its_spread() -> None:
    # Every fraction belongs to its own prediction; laid along the targets, all quantiles would meet at the mean.
    assert fitted().std().item() == pytest.approx(2.72, abs=0.25)  # as 20 fixed atoms do at kappa 1 (true 2.9)


def test_a_learned_normal_distribution_has_its_quartiles() -> None:
    expected = torch.tensor([3.21, 5.19, 6.79])  # the exact quantiles at .275, .525 and .725
    torch.testing.assert_close(fitted()[[5, 10, 14]], expected, rtol=0, atol=0.4)  # kappa 1 and a network smooth them
