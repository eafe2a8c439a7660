from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from rmix_kit.networks import QuantileAgent, zero_carry
from rmix_kit.networks.packing import unpack
from rmix_kit.networks.quantile import LevelSource
from rmix_kit.networks.quantile_output import QuantileOutput
from rmix_kit.networks.unroll import greedy_actions, last_actions, take
from rmix_kit.risk.operators import cvar
from rmix_kit.testing.episodes import CPU, float_spec, make_spec, random_batch
from rmix_kit.types import EpisodeBatch

SPEC = make_spec()
SOURCES = [("predicted", False), ("predicted", True), ("static", False), ("input", False)]
LENGTHS = [8, 5, 3, 3, 1]
ROUNDING = 1e-5  # float32; products of other shapes round differently


def make_agent(source: LevelSource, *, is_soft: bool = False, seed: int = 0) -> QuantileAgent:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        agent = QuantileAgent(
            SPEC,
            hidden_size=16,
            n_quantiles=7,
            level_source=source,
            n_levels=5,
            default_level=0.4,
            has_shared_atom_init=False,
            has_soft_level=is_soft,
        )
        with torch.no_grad():  # louder scores, so that the predicted level changes over an episode
            for parameter in agent.parameters():
                parameter.mul_(3.0)
    return agent


def all_quantiles(output: QuantileOutput) -> Tensor:
    """``[batch, time + 1, agent, action, quantile]``."""
    actions = [torch.full(output.risk_level.shape, action) for action in range(SPEC.n_actions)]
    return torch.stack([output.quantiles_of(action) for action in actions], dim=-2)


@torch.no_grad()
def stepped(agent: QuantileAgent, batch: EpisodeBatch, row: int) -> tuple[Tensor, Tensor]:
    """Act through one episode, executing its replayed actions; values ``[time + 1, agent, action]`` and levels."""
    carry = zero_carry(agent.carry_sizes, SPEC.n_agents, CPU)
    executed = last_actions(batch)[row]  # [time + 1, agent, action]
    level = batch.risk_level[row].repeat(SPEC.n_agents)
    values, levels = [], []
    for t in range(int(batch.mask[row].sum()) + 1):
        carry["last_action"] = executed[t]
        output = agent.step(batch.obs[row, t], torch.eye(SPEC.n_agents), level, carry)
        carry = dict(output.carry)
        values.append(output.action_values)
        levels.append(output.risk_level)
    return torch.stack(values), torch.stack(levels)


@pytest.mark.parametrize(("source", "is_soft"), SOURCES)
@pytest.mark.parametrize("row", range(len(LENGTHS)))
def test_acting_step_by_step_gives_the_unrolled_values(source: LevelSource, is_soft: bool, row: int) -> None:
    agent = make_agent(source, is_soft=is_soft)
    batch = random_batch(SPEC, LENGTHS, 0, risk_levels=5 if source == "input" else 0)
    values, _ = stepped(agent, batch, row)
    expected = agent.unroll(batch).values(every_action(batch))[row, : len(values)]
    torch.testing.assert_close(values, expected, rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize(("source", "is_soft"), SOURCES)
def test_acting_step_by_step_uses_the_unrolled_levels(source: LevelSource, is_soft: bool) -> None:
    agent = make_agent(source, is_soft=is_soft)
    batch = random_batch(SPEC, LENGTHS, 0, risk_levels=5 if source == "input" else 0)
    _, levels = stepped(agent, batch, 0)
    torch.testing.assert_close(levels, agent.unroll(batch).risk_level[0], rtol=ROUNDING, atol=ROUNDING)


def every_action(batch: EpisodeBatch) -> Tensor:
    return torch.ones_like(batch.avail_actions)


def test_the_predicted_level_is_not_constant_in_these_tests() -> None:
    levels = make_agent("predicted").unroll(random_batch(SPEC, LENGTHS, 0)).risk_level
    assert len(set(levels.flatten().tolist())) > 1


@pytest.mark.parametrize(("source", "is_soft"), SOURCES)
def test_padding_never_influences_real_steps(source: LevelSource, is_soft: bool) -> None:
    agent = make_agent(source, is_soft=is_soft)
    batch = random_batch(SPEC, LENGTHS, 0, risk_levels=5)
    padding = torch.nn.functional.pad(~batch.mask, (1, 0))  # [batch, time + 1]
    spoilt = replace(
        batch,
        obs=torch.where(padding[..., None, None], torch.full_like(batch.obs, 3), batch.obs),
        actions=torch.where(batch.mask[..., None], batch.actions, torch.full_like(batch.actions, 2)),
    )
    clean, dirty = agent.unroll(batch), agent.unroll(spoilt)
    assert torch.equal(all_quantiles(clean)[~padding], all_quantiles(dirty)[~padding])


@pytest.mark.parametrize("level", [0.07, 0.4, 1.0])
@pytest.mark.parametrize("source", ["predicted", "static"])
def test_a_risk_level_given_at_run_time_overrides_the_agents_own(source: LevelSource, level: float) -> None:
    agent, batch = make_agent(source), random_batch(SPEC, [4], 1)
    carry = zero_carry(agent.carry_sizes, SPEC.n_agents, CPU)
    output = agent.step(batch.obs[0, 0], torch.eye(SPEC.n_agents), torch.full((SPEC.n_agents,), level), carry)
    expected = cvar(all_quantiles(agent.unroll(batch))[0, 0], torch.tensor(level))
    torch.testing.assert_close(output.action_values, expected, rtol=ROUNDING, atol=ROUNDING)


def test_level_zero_means_the_default_where_the_level_is_an_input() -> None:
    agent, batch = make_agent("input"), random_batch(SPEC, [4], 1)
    given = replace(batch, risk_level=torch.full_like(batch.risk_level, 0.4))
    assert torch.equal(*(agent.unroll(each).values(batch.avail_actions) for each in (batch, given)))


def test_soft_values_are_the_cvar_expected_over_the_levels() -> None:
    batch = random_batch(SPEC, [4], 1)
    output = make_agent("predicted", is_soft=True).unroll(batch)
    assert output.level_scores is not None
    scores = unpack(output.level_scores, output.packing, tuple(output.risk_level.shape))
    chances = scores.softmax(-1)  # [batch, time, agent, level]
    levels = torch.arange(1, 6) / 5
    by_level = torch.stack([cvar(all_quantiles(output), level) for level in levels], -1)
    expected = (by_level * chances.unsqueeze(-2)).sum(-1)
    torch.testing.assert_close(output.values(every_action(batch)), expected.detach(), rtol=ROUNDING, atol=ROUNDING)


@pytest.mark.parametrize(("source", "is_soft"), SOURCES)
def test_values_are_of_available_actions_alone(source: LevelSource, is_soft: bool) -> None:
    agent, batch = make_agent(source, is_soft=is_soft), random_batch(SPEC, LENGTHS, 0, risk_levels=5)
    masks = torch.rand(batch.avail_actions.shape, generator=torch.Generator().manual_seed(0)) < 0.5
    masks[..., 1] = False  # nobody's, anywhere
    masks[:, :, :, 2] = True
    output = agent.unroll(batch)
    expected = output.values(every_action(batch)) * masks
    torch.testing.assert_close(output.values(masks), expected, rtol=ROUNDING, atol=ROUNDING)


def test_quantiles_of_an_action_start_together() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = QuantileAgent(SPEC, hidden_size=16, n_quantiles=50, level_source="static", n_levels=5)
    weight = agent.head.weight.view(SPEC.n_actions, 50, -1)
    assert weight.std(1).max() < 0.01 * weight.abs().max()


def test_unrolling_takes_any_observation_shape() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = QuantileAgent(float_spec(), hidden_size=8, n_quantiles=4, level_source="predicted", n_levels=2)
    batch = random_batch(float_spec(), [3, 2], 0)
    assert agent.unroll(batch).values(batch.avail_actions).shape == (2, 4, 2, 3)


def test_the_greedy_action_is_always_available() -> None:
    rng = np.random.default_rng(0)
    values, mask = torch.from_numpy(rng.normal(size=(500, 4))), torch.from_numpy(rng.random((500, 4)) < 0.3)
    mask[:, 2] |= ~mask.any(-1)
    assert mask.gather(-1, greedy_actions(values, mask).unsqueeze(-1)).all()


def test_taking_picks_the_quantiles_of_the_chosen_action() -> None:
    values = torch.arange(12.0).view(1, 3, 4)  # [row, action, quantile]
    assert take(values, torch.tensor([2])).tolist() == [[8.0, 9.0, 10.0, 11.0]]
