"""Every algorithm's agents act by one file as each does by its own: values, actions, levels and memory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import exporters
from exporters.runtime import OnnxTeam
from exporters.sampling import next_carry, random_inputs, zero_carry
from exporters.verify import eager_run
from rmix_kit.policy import GreedyPolicy
from tests.algorithms.cases import SPEC
from tests.algorithms.test_export import AGENTS, FIRST_OF_ITS_KIND

STEPS = 40
BATCH = 3


def team_of(name: str) -> list[GreedyPolicy]:
    return [GreedyPolicy(AGENTS[name], SPEC, agent_index=at, algorithm=name) for at in range(SPEC.n_agents)]


@pytest.mark.parametrize("name", AGENTS)
def test_the_network_that_is_told_the_agent_does_what_each_agents_own_does(name: str) -> None:
    generator = np.random.default_rng(0)
    for policy in team_of(name):
        spec, own = policy.spec, eager_run(policy.spec, policy.module())
        carry = zero_carry(spec, BATCH)
        who = torch.full((BATCH,), spec.agent_index)
        shared = policy.shared_module()
        for _ in range(STEPS):
            inputs = {**random_inputs(spec, BATCH, generator), **carry}
            expected = own(inputs)
            rows = [torch.from_numpy(inputs[tensor]) for tensor in spec.input_names]
            rows.insert(len(rows) - len(spec.carry), who)
            with torch.no_grad():
                found = shared(*rows)
            for tensor, array in zip(spec.output_names, found, strict=True):
                np.testing.assert_allclose(array.numpy(), expected[tensor], atol=1e-6, err_msg=tensor)
            carry = next_carry(spec, expected)


@pytest.mark.parametrize(
    "name",
    # As in test_export: exporting takes seconds.
    [pytest.param(name, marks=() if name in FIRST_OF_ITS_KIND.values() else pytest.mark.slow) for name in AGENTS],
)
def test_a_shared_file_acts_as_the_single_files_do(name: str, tmp_path: Path) -> None:
    """Masks, refused rows, agents that are gone, a level for each agent, and other actions done than proposed."""
    folders = [
        exporters.freeze(team_of(name), tmp_path / f"{shared}", "onnx", shared=shared) for shared in (False, True)
    ]
    single, shared = (OnnxTeam(folder, on_invalid="return") for folder in folders)
    generator, names = np.random.default_rng(1), list(SPEC.agent_ids)
    remembers = any(tensor.name == "last_action" for tensor in single.specs[names[0]].carry)
    refused = 0
    for step in range(STEPS):
        gone = names[step % len(names)] if step % 3 == 2 else None
        given = {who: random_inputs(spec, BATCH, generator) for who, spec in single.specs.items() if who != gone}
        parts = [{who: inputs[part] for who, inputs in given.items()} for part in ("obs", "avail_actions")]
        levels = {who: inputs.get("risk_level", 0.0) for who, inputs in given.items()}
        expected, found = single.act_batch(*parts, levels), shared.act_batch(*parts, levels)
        for who, result in found.items():
            np.testing.assert_array_equal(result.valid, expected[who].valid)
            np.testing.assert_array_equal(result.action, expected[who].action)
            np.testing.assert_allclose(result.action_values, expected[who].action_values, atol=1e-5)
            if result.risk_level_used is not None:
                np.testing.assert_array_equal(result.risk_level_used, expected[who].risk_level_used)
            refused += int((~result.valid).sum())
        done, ended = (
            {who: generator.integers(-1, SPEC.n_actions, BATCH) for who in given},
            generator.random(BATCH) < 0.1,
        )
        for team in (single, shared):
            if remembers:
                team.executed(done)
            team.reset(ended)
        for who, agent in single.agents.items():
            for tensor, array in shared.agents[who].carry().items():
                np.testing.assert_allclose(array, agent.carry()[tensor], atol=1e-5, err_msg=f"{who} {tensor}")
    assert refused > 10
