"""Quantised folders: full ones, with a report of how far they act as before, or none at all."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import exporters
from exporters.agreement import Recording, compare_acting, sampled
from exporters.bundle import QUANTIZATION, read_manifest, read_member
from exporters.contract import PolicySpec
from exporters.errors import AgreementError, BundleError, InvalidInputError, SpecError
from exporters.golden import replay_golden
from exporters.parity import TOLERANCE, Tensors
from exporters.quantizing import KINDS, Quantized
from exporters.runtime import OnnxAgent, OnnxTeam, onnx_run
from exporters.sampling import legal_rows, next_carry, zero_carry
from exporters.standalone import check
from rmix_kit.policy import GreedyPolicy
from tests.algorithms.cases import SPEC
from tests.algorithms.test_export import AGENTS
from tests.exporters.policies import plain_policy

LARGEST = 0.7  # of the size before: graphs and descriptions do not shrink with the weights, and these agents are small


@pytest.fixture(scope="module", params=KINDS)
def quantized(request: pytest.FixtureRequest, sealed_team: Path, tmp_path_factory: pytest.TempPathFactory) -> Quantized:
    folder = tmp_path_factory.mktemp("quantized") / request.param
    return exporters.quantize(sealed_team, folder, request.param, threshold=0.5)


def test_a_quantised_folder_is_a_full_one_with_golden_steps_of_its_own(quantized: Quantized, sealed_team: Path) -> None:
    team = OnnxTeam(quantized.path, on_invalid="return")
    figures = replay_golden(team, quantized.path, "onnx")
    assert {name: figure.largest_difference for name, figure in figures.items()} == dict.fromkeys(team.agents, 0.0)
    before, after = read_manifest(sealed_team), read_manifest(quantized.path)
    assert {"golden.npz", "README.md"} < set(after.files)
    for name in after.files:
        read_member(quantized.path, after, name)
    with np.load(sealed_team / "golden.npz") as float32, np.load(quantized.path / "golden.npz") as own:
        assert set(float32.files) == set(own.files)
        assert not np.array_equal(float32["agent_0.output.action_values"], own["agent_0.output.action_values"])
    assert [entry.spec for entry in after.agents] == [entry.spec for entry in before.agents]
    assert {name: value for name, value in after.facts.items() if name != QUANTIZATION} == before.facts


def test_the_manifest_holds_the_report_that_is_given_back(quantized: Quantized, sealed_team: Path) -> None:
    manifest = read_manifest(quantized.path)
    told = manifest.facts[QUANTIZATION]
    assert isinstance(told, dict)
    assert {key: told[key] for key in quantized.to_json()} == json.loads(json.dumps(quantized.to_json()))
    sizes = [
        sum(read_manifest(folder).files[entry.files["onnx"]].size for entry in manifest.agents)
        for folder in (sealed_team, quantized.path)
    ]
    assert sizes == [quantized.size_before, quantized.size_after]
    assert quantized.size_after < LARGEST * quantized.size_before
    text = (quantized.path / "README.md").read_text(encoding="utf-8")
    assert f"The weights are in {quantized.kind}" in " ".join(text.split())


def test_the_golden_tolerance_is_how_far_one_step_moved(quantized: Quantized, sealed_team: Path) -> None:
    manifest = read_manifest(quantized.path)
    with np.load(quantized.path / "golden.npz") as golden:
        for entry in manifest.agents:
            spec, figures = entry.spec, manifest.parity[entry.spec.agent_id]
            assert isinstance(figures, dict)
            key, run = (
                f"agent_{spec.agent_index}",
                onnx_run((sealed_team / entry.files["onnx"]).read_bytes(), "float32"),
            )
            moved = 0.0
            for step in range(64):
                outputs = run({name: golden[f"{key}.input.{name}"][step] for name in spec.input_names})
                gap = outputs["next_hidden_state"] - golden[f"{key}.output.next_hidden_state"][step].astype(float)
                moved = max(moved, float(np.abs(gap).max()))
            assert moved > 1e-5
            assert max(moved, TOLERANCE) <= figures["onnx"]["tolerance"] < 0.1
            assert figures["onnx"]["tie"] >= figures["onnx"]["tolerance"] / 10


def test_the_client_of_the_readme_keeps_to_the_tolerance_of_the_folder(quantized: Quantized) -> None:
    assert set(check(quantized.path).values()) == {64}


def test_a_quantised_file_runs_on_its_own_and_says_whose_it_is(quantized: Quantized, tmp_path: Path) -> None:
    name = "agent_1.onnx"
    alone = tmp_path / name
    alone.write_bytes((quantized.path / name).read_bytes())
    agent = OnnxAgent(alone)
    assert agent.manifest is None
    model = onnx.load_model(alone)
    assert agent.spec.agent_id in model.doc_string
    assert model.doc_string.endswith(f"Weights in {quantized.kind}.")
    assert {entry.key for entry in model.metadata_props} >= {"format", "spec", "facts", "versions"}
    assert "onnx.infer" not in {entry.key for entry in model.metadata_props}


def test_the_shares_are_those_of_a_count_by_hand(quantized: Quantized, sealed_team: Path) -> None:
    spec = read_manifest(sealed_team).agents[0].spec
    before, after = (
        onnx_run((folder / "agent_0.onnx").read_bytes(), "file") for folder in (sealed_team, quantized.path)
    )
    recording = sampled(spec, np.random.default_rng(5), steps=120)
    found = compare_acting(spec, before, after, recording)
    equal: list[bool] = []
    carries: list[Tensors] = [zero_carry(spec, 1), zero_carry(spec, 1)]
    for step in range(120):
        if step % 50 == 0:
            carries = [zero_carry(spec, 1), zero_carry(spec, 1)]
        inputs = {name: getattr(recording, name)[step : step + 1] for name in ("obs", "avail_actions", "risk_level")}
        outputs = [run(inputs | carry) for run, carry in zip((before, after), carries, strict=True)]
        carries = [next_carry(spec, one) for one in outputs]
        equal.append(outputs[0]["action"][0] == outputs[1]["action"][0])
    assert found.steps == 120
    assert found.own_memory.equal_actions == np.mean(equal)


def test_another_policy_is_told_from_the_reference(sealed_team: Path) -> None:
    spec = read_manifest(sealed_team).agents[0].spec
    run = onnx_run((sealed_team / "agent_0.onnx").read_bytes(), "file")

    def other(inputs: Tensors) -> Tensors:
        outputs = dict(run(inputs))
        second = outputs["action"] % spec.n_actions
        outputs["action"] = np.where(inputs["obs"].sum() % 2 == 0, (second + 1) % spec.n_actions, second)
        outputs["risk_level_used"] = outputs["risk_level_used"] + np.float32(0.25)
        return outputs

    found = compare_acting(spec, run, other, sampled(spec, np.random.default_rng(6), steps=200))
    assert 0.3 < found.own_memory.equal_actions < 0.7
    assert found.own_memory.equal_risk_levels == 0.0
    assert found.own_memory.largest_loss > 0.0
    assert found.own_memory.largest_risk_level_difference == pytest.approx(0.25)
    assert compare_acting(spec, run, run, sampled(spec, np.random.default_rng(6))).own_memory.equal_actions == 1.0


def test_what_was_executed_is_told_to_both(sealed_team: Path) -> None:
    spec = read_manifest(sealed_team).agents[0].spec
    run = onnx_run((sealed_team / "agent_0.onnx").read_bytes(), "file")
    seen: list[int] = []

    def watched(inputs: Tensors) -> Tensors:
        seen.append(int(inputs["last_action"][0].argmax()))
        return run(inputs)

    drawn = sampled(spec, np.random.default_rng(7), steps=4)
    compare_acting(spec, watched, run, dataclasses.replace(drawn, executed=np.array([3, 1, 2, 0])))
    assert seen[1:] == [3, 1, 2]


def test_below_the_threshold_nothing_is_left_behind(sealed_team: Path, tmp_path: Path) -> None:
    out = tmp_path / "deeper" / "int8"
    wild = {name: _wild(spec) for name, spec in _specs(sealed_team).items()}
    with pytest.raises(AgreementError, match=r"agent_\d in int8 acts as before in .* nothing was exported"):
        exporters.quantize(sealed_team, out, "int8", threshold=1.0, recordings=wild, steps_from="drawn wildly")
    assert list(out.parent.iterdir()) == []


def _specs(folder: Path) -> dict[str, PolicySpec]:
    return {entry.spec.agent_id: entry.spec for entry in read_manifest(folder).agents}


def _wild(spec: PolicySpec) -> Recording:
    """So many steps that some near tie falls the other way."""
    return sampled(spec, np.random.default_rng(8), steps=6000)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"kind": "int4"}, SpecError, "kind is 'int4'; expected one of int8, fp16"),
        ({"threshold": 98.0}, SpecError, r"threshold is 98.0; it must be in \[0, 1\]"),
        ({"recordings": {}}, SpecError, "the recordings lack agent_0"),
    ],
)
def test_arguments_are_refused_in_one_line(
    sealed_team: Path, tmp_path: Path, change: dict[str, object], error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        exporters.quantize(sealed_team, tmp_path / "out", **change)  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_a_recording_that_does_not_fit_is_refused(sealed_team: Path, tmp_path: Path) -> None:
    drawn = {name: sampled(spec, np.random.default_rng(1), steps=5) for name, spec in _specs(sealed_team).items()}
    short = {name: dataclasses.replace(one, starts=one.starts[:-1]) for name, one in drawn.items()}
    with pytest.raises(InvalidInputError, match="the recording's starts is"):
        exporters.quantize(sealed_team, tmp_path / "out", recordings=short)
    assert list(tmp_path.iterdir()) == []


def test_steps_that_are_all_refused_are_no_agreement(sealed_team: Path, tmp_path: Path) -> None:
    specs = {entry.spec.agent_id: entry.spec for entry in read_manifest(sealed_team).agents}
    drawn = {name: sampled(spec, np.random.default_rng(0), steps=8) for name, spec in specs.items()}
    empty = {
        name: dataclasses.replace(one, avail_actions=np.zeros_like(one.avail_actions)) for name, one in drawn.items()
    }
    with pytest.raises(InvalidInputError, match="refuses every step that it is compared on"):
        exporters.quantize(sealed_team, tmp_path / "out", threshold=0.0, recordings=empty)
    assert list(tmp_path.iterdir()) == []


def test_the_entry_of_quantised_folders_is_nobodys_else(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="facts have the entry 'quantization'"):
        exporters.freeze(plain_policy(), tmp_path / "out", "onnx", facts={"quantization": "none"})


def test_a_quantised_folder_is_not_quantised_again(quantized: Quantized, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="is quantised already"):
        exporters.quantize(quantized.path, tmp_path / "again")
    with pytest.raises(BundleError, match="is quantised already; give the folder that it was made from"):
        exporters.convert(quantized.path, tmp_path / "again", "mlagents")


def test_drawn_steps_are_legal_ones(specs: dict[str, PolicySpec]) -> None:
    for spec in specs.values():
        drawn = sampled(spec, np.random.default_rng(2), steps=64)
        inputs = {"obs": drawn.obs, "avail_actions": drawn.avail_actions, "risk_level": drawn.risk_level}
        assert legal_rows(spec, inputs).all()
        assert drawn.starts.nonzero()[0].tolist() == [0, 50]


def test_rows_of_a_batch_move_each_other_in_int8_alone(quantized: Quantized) -> None:
    spec = read_manifest(quantized.path).agents[0].spec
    run = onnx_run((quantized.path / "agent_0.onnx").read_bytes(), "file")
    drawn = sampled(spec, np.random.default_rng(3), steps=8)
    inputs = {name: getattr(drawn, name) for name in ("obs", "avail_actions", "risk_level")} | zero_carry(spec, 8)
    inputs["hidden_state"] = np.random.default_rng(4).uniform(-1, 1, inputs["hidden_state"].shape).astype(np.float32)
    together = run(inputs)["next_hidden_state"]
    alone = np.concatenate(
        [run({name: array[row : row + 1] for name, array in inputs.items()})["next_hidden_state"] for row in range(8)]
    )
    moved = float(np.abs(together.astype(float) - alone).max())
    assert (1e-4 < moved < 0.1) if quantized.kind == "int8" else moved < 1e-6


def test_float16_keeps_the_guards_to_the_last_bit(tmp_path: Path) -> None:
    from tests.exporters.policies import plain_policy

    exporters.freeze(plain_policy(), tmp_path / "plain", "onnx")
    made = exporters.quantize(tmp_path / "plain", tmp_path / "fp16", "fp16")
    agent = OnnxAgent(made.path / "agent_0.onnx", on_invalid="return")
    just_above = np.nextafter(np.float32(1.0), np.float32(2.0))
    mask = np.ones(agent.spec.n_actions, dtype=np.bool_)
    obs = np.zeros(agent.spec.obs.shape, dtype=agent.spec.obs.dtype)
    obs[0] = 1.0
    assert agent.act(obs, mask) >= 0
    obs[0] = just_above
    assert agent.act(obs, mask) == -1


@pytest.mark.parametrize("make", [exporters.quantize, lambda folder, out: exporters.convert(folder, out, "rsl_rl")])
def test_one_file_for_all_agents_is_refused(make: Callable[[Path, Path], object], tmp_path: Path) -> None:
    network = AGENTS["rmix"]
    team = [GreedyPolicy(network, SPEC, agent_index=at, algorithm="rmix") for at in range(SPEC.n_agents)]
    folder = exporters.freeze(team, tmp_path / "shared", "onnx", shared=True)
    with pytest.raises(BundleError, match="has one file for all agents; export without --shared, one file each"):
        make(folder, tmp_path / "out")
    assert list(tmp_path.iterdir()) == [folder]
