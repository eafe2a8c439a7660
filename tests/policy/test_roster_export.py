"""Every algorithm's policy says what its values are; tests/algorithms/test_export.py freezes one of each kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from exporters.sampling import legal_rows, random_inputs, zero_carry
from rmix_kit.algorithms import ALGORITHMS, Algorithm
from rmix_kit.policy import GreedyPolicy, TeamPolicy
from rmix_kit.testing.episodes import CPU, random_mask, random_obs
from tests.algorithms.cases import SPEC, build, small

KINDS = {"coma": "probability", "dop": "probability", "rmix": "cvar", "rdn": "cvar", "rmix-averse": "cvar", "qmix": "q"}


def policy_of(kind: type[Algorithm]) -> GreedyPolicy:
    agent = build(small(kind))[0].agent
    return GreedyPolicy(agent, SPEC, agent_index=1, algorithm=kind.name)


@pytest.mark.parametrize("kind", ALGORITHMS, ids=lambda kind: kind.name)
def test_the_kind_of_values_is_declared(kind: type[Algorithm]) -> None:
    declared = policy_of(kind).spec.value_kind
    assert declared == KINDS.get(kind.name, declared)
    assert declared in {"q", "cvar", "probability"}


@pytest.mark.parametrize("name", ["coma", "dop"])
def test_exported_probabilities_add_up_to_one(name: str) -> None:
    policy = policy_of(next(kind for kind in ALGORITHMS if kind.name == name))
    inputs = random_inputs(policy.spec, 50, np.random.default_rng(0))
    rows = [*inputs.values(), *zero_carry(policy.spec, 50).values()]
    with torch.no_grad():
        action, values, valid, *_ = policy.module()(*(torch.from_numpy(row) for row in rows))
    assert valid.tolist() == legal_rows(policy.spec, inputs).tolist()
    torch.testing.assert_close(values.sum(-1), torch.ones(50))
    best = values.masked_fill(~torch.from_numpy(inputs["avail_actions"]), -1.0).argmax(-1)
    assert (action == best)[valid].all()


@pytest.mark.parametrize("name", ["coma", "dop"])
def test_a_team_draws_from_what_the_loss_takes_for_its_policy(name: str) -> None:
    kind = next(kind for kind in ALGORITHMS if kind.name == name)
    team = TeamPolicy(build(small(kind))[0].agent, SPEC, CPU)
    rng = np.random.default_rng(0)
    obs, mask = random_obs(SPEC, (4, 2), rng), random_mask((4, 2, 3), rng)
    choice, _ = team.act(obs, mask, np.zeros(4, dtype=np.float32), team.initial_carry(4))
    assert choice.probabilities is not None
    assert (choice.probabilities[~mask] == 0).all()
    np.testing.assert_allclose(choice.probabilities.sum(-1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(choice.probabilities.argmax(-1), choice.actions)
