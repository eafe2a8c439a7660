"""Theorem 1 and Eqn 27: greedy per agent on CVaR is greedy jointly on C_tot, for the sum and the monotonic mixer."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rmix_kit.networks.unroll import greedy_actions
from rmix_kit.risk.operators import cvar
from tests.theory.games import joint_actions, joint_values, random_mixer

GAMES, AGENTS, ACTIONS, STATE = 40, 3, 4, 5
ROUNDING = 1e-12


def random_values(seed: int) -> Tensor:
    """CVaR of random return distributions at random levels, ``[game, agent, action]``."""
    generator = torch.Generator().manual_seed(seed)
    quantiles = 10 * torch.randn(GAMES, AGENTS, ACTIONS, 8, generator=generator, dtype=torch.float64)
    levels = torch.randint(1, 11, (GAMES, AGENTS, 1), generator=generator) / 10
    return cvar(quantiles, levels.double())


def random_states(seed: int) -> Tensor:
    return 3 * torch.randn(GAMES, STATE, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def value_of(actions: Tensor, joint: Tensor) -> Tensor:
    """Joint value of given joint actions: ``[game, agent]``, ``[game, joint action]`` -> ``[game]``."""
    code = torch.tensor([ACTIONS**i for i in range(AGENTS - 1, -1, -1)])
    return joint.gather(-1, (actions * code).sum(-1, keepdim=True)).squeeze(-1)


@pytest.mark.parametrize("seed", range(10))
def test_greedy_per_agent_is_greedy_jointly_with_the_monotonic_mixer(seed: int) -> None:
    values = random_values(seed)
    with torch.no_grad():
        joint = joint_values(values, random_states(seed), random_mixer(seed, AGENTS, STATE))
    assert (value_of(values.argmax(-1), joint) >= joint.amax(-1) - ROUNDING).all()


@pytest.mark.parametrize("seed", range(10))
def test_greedy_per_agent_is_greedy_jointly_with_the_sum(seed: int) -> None:
    values = random_values(seed)
    joint = joint_values(values, random_states(seed), None)
    assert (value_of(values.argmax(-1), joint) >= joint.amax(-1) - ROUNDING).all()


@pytest.mark.parametrize("seed", range(5))
def test_greedy_over_available_actions_is_greedy_over_available_joint_actions(seed: int) -> None:
    values = random_values(seed)
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(values.shape, generator=generator) < 0.5
    mask[..., 0] |= ~mask.any(-1)
    with torch.no_grad():
        joint = joint_values(values, random_states(seed), random_mixer(seed, AGENTS, STATE))
    allowed = mask[:, torch.arange(AGENTS), joint_actions(AGENTS, ACTIONS)].all(-1)  # [game, joint action]
    best = joint.masked_fill(~allowed, -torch.inf).amax(-1)
    assert (value_of(greedy_actions(values, mask), joint) >= best - ROUNDING).all()


def test_a_mixer_with_a_negative_weight_would_break_the_rule() -> None:
    # What the absolute values in the mixer are for: with one agent's value subtracted, the rule fails.
    values = random_values(0)
    chosen = values[:, torch.arange(AGENTS), joint_actions(AGENTS, ACTIONS)]  # [game, joint action, agent]
    joint = (chosen * torch.tensor([1.0, 1.0, -1.0])).sum(-1)
    assert (value_of(values.argmax(-1), joint) < joint.amax(-1)).any()
