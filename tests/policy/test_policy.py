from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from exporters.contract import Policy
from rmix_kit.networks import QuantileAgent
from rmix_kit.networks.quantile import LevelSource, code_level
from rmix_kit.policy import GreedyPolicy, TeamPolicy
from rmix_kit.testing.episodes import CPU, allowed_actions, float_spec, make_spec, random_mask, random_obs
from rmix_kit.types import EnvSpec

STEPS = 25
ROUNDING = 1e-5  # float32; one row and many rows are multiplied in different orders
SOURCES = [("predicted", False), ("predicted", True), ("static", False), ("input", False)]
Outputs = dict[str, Tensor]


def make_agent(spec: EnvSpec, source: LevelSource = "predicted", *, is_soft: bool = False) -> QuantileAgent:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = QuantileAgent(
            spec,
            hidden_size=16,
            n_quantiles=10,
            level_source=source,
            n_levels=10,
            default_level=0.5,
            has_shared_atom_init=False,
            has_soft_level=is_soft,
        )
        with torch.no_grad():  # louder, so that actions and levels change over an episode
            for parameter in agent.parameters():
                parameter.mul_(2.0)
    return agent


class Runner:
    """One agent's exported module, called by names."""

    def __init__(self, spec: EnvSpec, agent: QuantileAgent, index: int = 0) -> None:
        self.policy = GreedyPolicy(agent, spec, agent_index=index, algorithm="rmix")
        self.module: nn.Module = self.policy.module()

    def carry(self, batch: int = 1) -> Outputs:
        return {tensor.name: torch.zeros(batch, *tensor.shape) for tensor in self.policy.spec.carry}

    @torch.no_grad()
    def __call__(self, obs: Tensor, mask: Tensor, level: Tensor, carry: Outputs) -> Outputs:
        names = ["action", "action_values", "risk_level_used", "valid", *(f"next_{name}" for name in carry)]
        return dict(zip(names, self.module(obs, mask, level, *carry.values()), strict=True))


def test_the_policy_satisfies_the_contract() -> None:
    assert isinstance(Runner(make_spec(), make_agent(make_spec())).policy, Policy)


@pytest.mark.parametrize(("source", "is_soft"), SOURCES)
@pytest.mark.parametrize("spec", [make_spec(episode_limit=STEPS), float_spec()], ids=["int8", "float32"])
def test_exported_agents_do_what_the_team_does(spec: EnvSpec, source: LevelSource, is_soft: bool) -> None:
    agent, rng, envs = make_agent(spec, source, is_soft=is_soft), np.random.default_rng(0), 3
    team, runners = TeamPolicy(agent, spec, CPU), [Runner(spec, agent, index) for index in range(spec.n_agents)]
    carry, carries = team.initial_carry(envs), [runner.carry(envs) for runner in runners]
    for _ in range(STEPS):
        obs = random_obs(spec, (envs, spec.n_agents), rng)
        mask = random_mask((envs, spec.n_agents, spec.n_actions), rng)
        choice, carry = team.act(obs, mask, np.zeros(envs, dtype=np.float32), carry)
        executed = allowed_actions(mask, rng)
        carry = team.executed(carry, executed)
        for index, runner in enumerate(runners):
            out = runner(
                torch.from_numpy(obs[:, index]), torch.from_numpy(mask[:, index]), torch.zeros(envs), carries[index]
            )
            np.testing.assert_array_equal(out["action"].numpy(), choice.actions[:, index])
            carries[index] = {name: out[f"next_{name}"] for name in carries[index]}
            carries[index]["last_action"] = torch.eye(spec.n_actions)[torch.from_numpy(executed[:, index])]


@pytest.mark.parametrize(("source", "is_soft"), SOURCES)
def test_a_given_risk_level_gives_the_cvar_at_that_level(source: LevelSource, is_soft: bool) -> None:
    spec = make_spec()
    agent = make_agent(spec, source, is_soft=is_soft)
    runner = Runner(spec, agent)
    obs, mask = torch.tensor([[1, 2]], dtype=torch.int8), torch.ones(1, 3, dtype=torch.bool)
    level = torch.tensor([0.35])
    out = runner(obs, mask, level, runner.carry())
    inputs = agent.inputs(obs, torch.zeros(1, 3), torch.tensor([[1.0, 0.0]]))
    if source == "input":
        inputs = torch.cat([inputs, code_level(level)], -1)
    quantiles = agent.head(agent.encoder.step(inputs, torch.zeros(1, 16))).view(3, 10).sort(-1).values
    expected = (quantiles[:, :3].sum(-1) + 0.5 * quantiles[:, 3]) / 3.5
    torch.testing.assert_close(out["action_values"][0], expected.detach(), rtol=ROUNDING, atol=ROUNDING)


def test_a_given_risk_level_is_reported() -> None:
    runner = Runner(make_spec(), make_agent(make_spec()))
    obs, mask = torch.tensor([[1, 2]], dtype=torch.int8), torch.ones(1, 3, dtype=torch.bool)
    assert runner(obs, mask, torch.tensor([0.35]), runner.carry())["risk_level_used"].item() == pytest.approx(0.35)


GOOD_OBS = [[0.5, 1.0], [2.0, 7.0]]
BAD_OBS = {
    "nan": [[float("nan"), 1.0], [2.0, 7.0]],
    "infinite": [[0.5, 1.0], [2.0, float("inf")]],
    "nan where unbounded": [[0.5, 1.0], [2.0, float("nan")]],
    "below": [[-1.5, 1.0], [2.0, 7.0]],
    "above": [[0.5, 2.5], [2.0, 7.0]],
}


def guarded(obs: list[list[float]], mask: list[bool], level: float) -> tuple[Outputs, Outputs]:
    """Call with a refused first row and a good second one, mid-episode; give outputs and the carry that went in."""
    runner = Runner(float_spec(), make_agent(float_spec()))
    generator = torch.Generator().manual_seed(0)
    carry = {name: torch.rand(tensor.shape, generator=generator) for name, tensor in runner.carry(2).items()}
    obs_rows = torch.tensor([obs, GOOD_OBS])
    mask_rows = torch.tensor([mask, [True, True, True]])
    return runner(obs_rows, mask_rows, torch.tensor([level, 0.5]), carry), carry


ALL = [True, True, True]
REFUSED = [
    *(pytest.param(obs, ALL, 0.0, id=name) for name, obs in BAD_OBS.items()),
    pytest.param(GOOD_OBS, [False, False, False], 0.0, id="no action"),
    *(pytest.param(GOOD_OBS, ALL, level, id=f"level {level}") for level in (-0.1, 1.01, float("nan"), float("inf"))),
]


@pytest.mark.parametrize(("obs", "mask", "level"), REFUSED)
def test_bad_inputs_are_not_valid(obs: list[list[float]], mask: list[bool], level: float) -> None:
    assert guarded(obs, mask, level)[0]["valid"].tolist() == [False, True]


@pytest.mark.parametrize(("obs", "mask", "level"), REFUSED)
def test_bad_inputs_give_no_action(obs: list[list[float]], mask: list[bool], level: float) -> None:
    refused, good = guarded(obs, mask, level)[0]["action"].tolist()
    assert (refused, good >= 0) == (-1, True)


@pytest.mark.parametrize(("obs", "mask", "level"), REFUSED)
def test_bad_inputs_leave_the_carry_as_it_was(obs: list[list[float]], mask: list[bool], level: float) -> None:
    outputs, carry = guarded(obs, mask, level)
    assert all(torch.equal(outputs[f"next_{name}"][0], tensor[0]) for name, tensor in carry.items())


@pytest.mark.parametrize(("obs", "mask", "level"), REFUSED)
def test_bad_inputs_never_make_a_value_infinite(obs: list[list[float]], mask: list[bool], level: float) -> None:
    outputs, _ = guarded(obs, mask, level)
    assert all(tensor.isfinite().all() for tensor in outputs.values())


def test_a_good_row_moves_its_carry() -> None:
    outputs, carry = guarded(GOOD_OBS, ALL, 0.0)
    assert not torch.equal(outputs["next_hidden_state"][0], carry["hidden_state"][0])


def test_the_policy_proposes_its_action_as_the_last_one() -> None:
    outputs, _ = guarded(GOOD_OBS, ALL, 0.0)
    assert torch.equal(outputs["next_last_action"], torch.eye(3)[outputs["action"]])
