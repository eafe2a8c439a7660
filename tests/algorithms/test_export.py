"""Every algorithm's agents can be frozen: sealing compares both formats with torch, batch 1, 3 and 7, twenty steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import exporters
from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.policy import GreedyPolicy
from tests.algorithms.cases import CASES, SPEC, build

AGENTS = {kind.name: build(CASES[kind.name])[0].eval().requires_grad_(False).agent for kind in ALGORITHMS}
FIRST_OF_ITS_KIND = {(type(agent), agent.value_kind): name for name, agent in reversed(AGENTS.items())}


@pytest.mark.parametrize(
    "name",
    # Exporting takes seconds: one algorithm of each kind of agent network is enough for the fast tests.
    [pytest.param(name, marks=() if name in FIRST_OF_ITS_KIND.values() else pytest.mark.slow) for name in AGENTS],
)
def test_frozen_agents_do_what_torch_does(name: str, tmp_path: Path) -> None:
    policy = GreedyPolicy(AGENTS[name], SPEC, agent_index=1, algorithm=name)
    folder = exporters.freeze(policy, tmp_path / "agents", ["onnx", "torchscript"])
    assert {"agent_1.onnx", "agent_1.pt"} <= {path.name for path in folder.iterdir()}
    assert f'"value_kind": "{policy.spec.value_kind}"' in json.dumps(
        json.loads((folder / "manifest.json").read_bytes())
    )
