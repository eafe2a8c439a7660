"""With one quantile CVaR is that quantile at every level: RMIX is QMIX and RDN is VDN, step for step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from rmix_kit.algorithms import Algorithm, Networks
from rmix_kit.algorithms.rdn import RDN
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.networks import QuantileAgent
from rmix_kit.networks.packing import pack, unpack
from rmix_kit.networks.unroll import agent_ids, last_actions
from rmix_kit.types import EpisodeBatch, Progress
from tests.algorithms.cases import batch_for, build, make_learner

GAMMA, UPDATES = 0.99, 10
ROUNDING = 1e-6  # float32, the plain loss runs torch's own GRU


def q_values(networks: Networks, batch: EpisodeBatch) -> Tensor:
    """A plain recurrent Q network over the same weights: Linear, ReLU, GRU, Linear."""
    agent = networks.agent
    assert isinstance(agent, QuantileAgent)
    packing = batch.packing
    inputs = agent.inputs(*(pack(t, packing) for t in (batch.obs, last_actions(batch), agent_ids(batch))))
    embedded = torch.relu(agent.encoder.input_layer(inputs))
    hidden = agent.encoder.gru(PackedSequence(embedded, torch.tensor(packing.rows_per_step)))[0].data
    size, steps, n_agents = batch.avail_actions.shape[:3]
    return unpack(agent.head(hidden), packing, (size, steps, n_agents))  # [batch, time + 1, agent, action]


def mix(networks: Networks, values: Tensor, state: Tensor) -> Tensor:
    if not hasattr(networks, "mixer"):
        return values.sum(-1)
    mixed: Tensor = networks.mixer(values, state)
    return mixed


def plain_loss(online: Networks, target: Networks, batch: EpisodeBatch) -> Tensor:
    """QMIX's loss as its paper has it: double-Q, one step, masked mean of squares."""
    q = q_values(online, batch)
    chosen = q[:, :-1].gather(-1, batch.actions.unsqueeze(-1)).squeeze(-1)
    with torch.no_grad():
        best = q.masked_fill(~batch.avail_actions, -torch.inf).argmax(-1, keepdim=True)[:, 1:]
        following = q_values(target, batch)[:, 1:].gather(-1, best).squeeze(-1)
        y = batch.reward + GAMMA * (~batch.terminated) * mix(target, following, batch.state[:, 1:])
    error = mix(online, chosen, batch.state[:, :-1]) - y
    return (error.square() * batch.mask).sum() / batch.mask.sum()


def single(kind: type[RMIX]) -> Algorithm:
    return kind(
        hidden_size=16,
        n_quantiles=1,
        n_risk_levels=5,
        td_lambda=0.0,
        has_bounded_targets=False,
        has_shared_atom_init=False,
    )


@pytest.mark.parametrize("kind", [RMIX, RDN])
def test_one_quantile_gives_the_plain_loss(kind: type[RMIX]) -> None:
    algorithm = single(kind)
    online, target = build(algorithm)
    batch = batch_for(algorithm)
    loss = algorithm.losses(online, target, batch, Progress()).groups["td"]
    torch.testing.assert_close(loss, plain_loss(online, target, batch), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize("kind", [RMIX, RDN])
def test_one_quantile_follows_the_plain_algorithm_step_for_step(kind: type[RMIX]) -> None:
    algorithm = single(kind)
    ours, plain = make_learner(algorithm, interval_episodes=3), make_learner(algorithm)
    optimizer = torch.optim.Adam(plain.online.parameters(), lr=5e-4)
    for index in range(UPDATES):
        batch = batch_for(algorithm, index)
        ours.update(batch, Progress(episodes=index, updates=index))
        optimizer.zero_grad()
        plain_loss(plain.online, plain.target, batch).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(plain.online.parameters(), 10.0)
        optimizer.step()
        if index and index % 3 == 0:
            plain.target.load_state_dict(plain.online.state_dict())
    batch = batch_for(algorithm, 99)
    # Adam's first steps are as long as the learning rate whatever the gradient, so rounding grows tenfold at most.
    expected = plain_loss(plain.online, plain.target, batch)
    torch.testing.assert_close(plain_loss(ours.online, ours.target, batch), expected, rtol=1e-4, atol=1e-5)
