"""What a manifest says of agents that differ."""

from __future__ import annotations

from dataclasses import replace

from exporters.bundle import AgentEntry, Manifest
from rmix_kit.playing.manifest import algorithms, value_kinds
from tests.exporters.policies import plain_policy, risk_aware_policy


def manifest_of(*entries: AgentEntry) -> Manifest:
    return Manifest(
        opset=None, minimum_onnxruntime=None, agents=entries, files={}, facts={}, parity={}, versions={"python": "3.11"}
    )


def test_agents_that_differ_are_not_called_after_the_first() -> None:
    first, second = (AgentEntry(spec=policy.spec, files={}) for policy in (risk_aware_policy(0), plain_policy(1)))
    assert (algorithms(manifest_of(first, second)), value_kinds(manifest_of(first, second))) == (
        "rmix and vdn",
        "cvar and q",
    )
    alike = replace(first, spec=replace(first.spec, agent_id="other", agent_index=1))
    assert (algorithms(manifest_of(first, alike)), value_kinds(manifest_of(first, alike))) == ("rmix", "cvar")
