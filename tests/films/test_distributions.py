"""The distributions that a film shows are those that the networks act on."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.envs.interface import scenery_of
from rmix_kit.envs.make import make_vector_env
from rmix_kit.films.watching import Decision, WatchedEnvs
from rmix_kit.networks.carry import zero_carry
from rmix_kit.networks.implicit_quantile import ImplicitQuantileAgent
from rmix_kit.networks.quantile import QuantileAgent
from rmix_kit.risk.operators import cvar_weights
from tests.fixtures.breaking_env import BreakingEnv

ROWS = 5


def agent_of(name: str) -> QuantileAgent | ImplicitQuantileAgent:
    spec = make_vector_env("macn:4x7", 1).spec
    algorithm = {cls.name: cls for cls in ALGORITHMS}[name]()
    torch.manual_seed(0)
    agent = algorithm.build(spec).agent
    assert isinstance(agent, QuantileAgent | ImplicitQuantileAgent)
    return agent


@pytest.mark.parametrize(
    ("name", "level"), [("rmix", 0.3), ("rmix-averse", 0.05), ("rmix-averse", 0.7), ("lh-iqn", 1.0)]
)
@torch.no_grad()
def test_values_are_the_cvar_of_the_distributions(name: str, level: float) -> None:
    agent = agent_of(name)
    levels = torch.full((ROWS,), level)
    observed = torch.randint(0, 4, (ROWS, 3, 3), generator=torch.Generator().manual_seed(1))
    output = agent.step(
        observed, torch.eye(2)[[0] * ROWS], levels, zero_carry(agent.carry_sizes, ROWS, torch.device("cpu"))
    )
    quantiles = agent.quantiles_of(output.carry["hidden_state"])  # [row, action, quantile]
    found = (quantiles * cvar_weights(levels, agent.edges).unsqueeze(-2)).sum(-1)
    torch.testing.assert_close(found, output.action_values, rtol=0, atol=1e-5)  # the same sums in another order


class WithoutScenes(BreakingEnv):
    """A battle that does not say where anything stands, like that of the real game."""


def test_the_dead_are_known_by_their_masks_where_there_is_no_scene() -> None:
    inner = make_vector_env("smac:3m?backend=builtin", 1)
    watched = WatchedEnvs(WithoutScenes(inner))
    step = watched.reset([1])
    outs: list[list[bool]] = []
    while not step.has_ended.all():
        actions = step.avail_actions.argmax(-1)  # stand still
        watched.decided(Decision(step.avail_actions.astype("float32"), actions.astype("float32")))
        step = watched.step(actions)
        outs.append(scenery_of(inner).scene(0)["is_out"])  # type: ignore[union-attr]
    (episode,) = watched.episodes(SimpleNamespace(returns=[0.0], success=[False], fell=[False]))
    assert any(map(any, outs))
    assert [scene["is_out"] for scene in episode.scenes[1:]] == outs
    assert watched.stage["kind"] == "table"


def test_broken_episodes_are_left_out() -> None:
    """Of seeds 1, 3 and 4 the second breaks; what was counted is the two others."""
    envs = WatchedEnvs(BreakingEnv(make_vector_env("macn:4x7?max_steps=3", 3)))
    step = envs.reset([1, 3, 4])
    while not step.has_ended.all():
        values = torch.zeros(3, 2, 4).numpy()
        envs.decided(Decision(values, values[..., 0]))
        step = envs.step(values[..., 0].astype("int64"))
    episodes = envs.episodes(SimpleNamespace(returns=[-3.0, -3.0], success=[False] * 2, fell=[False] * 2))
    assert [episode.seed for episode in episodes] == [1, 4]
    assert [episode.length for episode in episodes] == [3, 3]
