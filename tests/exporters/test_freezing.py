from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import NoReturn

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor

import exporters
from exporters import freezing
from exporters.bundle import FORMAT_VERSION, GOLDEN_NAME, entry_of, read_manifest
from exporters.contract import PolicySpec
from exporters.errors import BundleError, ParityError, PolicyError, SpecError, UnsupportedError
from exporters.golden import GOLDEN_STEPS
from exporters.to_onnx import OPSET, to_bytes, to_onnx
from tests.exporters.conftest import FACTS
from tests.exporters.policies import PlainModule, TorchPolicy, plain_policy, risk_aware_policy


class Traced(PlainModule):
    """Answers otherwise while it is traced, so that no file repeats it."""

    def forward(
        self, obs: Tensor, avail_actions: Tensor, last_action: Tensor, hidden_state: Tensor
    ) -> tuple[Tensor, ...]:
        action, values, *rest = super().forward(obs, avail_actions, last_action, hidden_state)
        return (action, values + float(torch.jit.is_tracing()), *rest)  # type: ignore[no-untyped-call]


class Variadic(torch.nn.Module):
    """The same policy behind a signature of `*rest` and a check of shapes in Python."""

    def __init__(self, inner: torch.nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, obs: Tensor, avail_actions: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        if avail_actions.shape[-1] != 4:
            raise ValueError("four actions")
        result: tuple[Tensor, ...] = self.inner(obs, avail_actions, *rest)
        return result


def test_folder_holds_one_file_per_agent_and_format(sealed_team: Path) -> None:
    expected = {"README.md", "manifest.json", "golden.npz", "client.py"}
    expected |= {f"agent_{index}{suffix}" for index in (0, 1) for suffix in (".onnx", ".pt")}
    assert {path.name for path in sealed_team.iterdir()} == expected


def test_no_staging_folder_stays_behind(sealed_team: Path) -> None:
    assert [path.name for path in sealed_team.parent.iterdir()] == ["team"]


def test_manifest_tells_everything(sealed_team: Path) -> None:
    manifest = read_manifest(sealed_team)
    assert [agent.spec for agent in manifest.agents] == [risk_aware_policy(index).spec for index in (0, 1)]
    assert manifest.facts == FACTS
    assert manifest.opset == OPSET
    assert manifest.minimum_onnxruntime == "1.18"
    assert {"torch", "onnx", "onnxruntime", "numpy", "python", "rmix-kit"} == set(manifest.versions)
    others = {path.name for path in sealed_team.iterdir()} - {"manifest.json"}
    assert manifest.files == {name: entry_of(sealed_team / name) for name in others}
    assert set(manifest.parity) == {"agent_0", "agent_1"}


def test_onnx_file_describes_itself(sealed_team: Path) -> None:
    model = onnx.load(sealed_team / "agent_1.onnx")
    metadata = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    assert metadata["format_version"] == FORMAT_VERSION
    assert metadata["agent_id"] == "agent_1"
    assert metadata["facts"] == FACTS
    assert metadata["risk_level"] == {"dynamic": 0.0, "default": None, "range": "(0, 1]", "n_levels": 10}
    assert PolicySpec.from_json(metadata["spec"]) == risk_aware_policy(1).spec
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", OPSET)]


def test_onnx_batch_is_dynamic_and_names_are_those_of_the_spec(sealed_team: Path) -> None:
    model, spec = onnx.load(sealed_team / "agent_0.onnx"), risk_aware_policy().spec
    assert tuple(value.name for value in model.graph.input) == spec.input_names
    assert tuple(value.name for value in model.graph.output) == spec.output_names
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"


def test_no_file_tells_where_it_was_made(sealed_team: Path) -> None:
    here = str(Path(__file__).parent).encode()
    for path in sealed_team.iterdir():
        data = path.read_bytes()
        assert here not in data, path.name
        assert b"policies.py" not in data, path.name
        assert b"site-packages" not in data, path.name


def test_same_policy_gives_the_same_onnx_bytes(sealed_team: Path) -> None:
    model = onnx.load(sealed_team / "agent_0.onnx")
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert to_bytes(to_onnx(risk_aware_policy(0)), metadata) == (sealed_team / "agent_0.onnx").read_bytes()


def test_golden_steps_are_one_episode(sealed_team: Path) -> None:
    with np.load(sealed_team / GOLDEN_NAME, allow_pickle=False) as golden:
        arrays = {name: golden[name] for name in golden.files}
    for tensor in risk_aware_policy().spec.carry:
        given, following = arrays[f"agent_0.input.{tensor.name}"], arrays[f"agent_0.output.next_{tensor.name}"]
        assert given.shape == (GOLDEN_STEPS, 1, *tensor.shape)
        assert not given[0].any()
        assert np.array_equal(given[1:], following[:-1])
    valid = arrays["agent_0.output.valid"]
    assert valid.any()
    assert not valid.all()


def test_one_format_alone_can_be_written(tmp_path: Path) -> None:
    folder = exporters.freeze(plain_policy(), tmp_path / "deep" / "one", ["torchscript"])
    manifest = read_manifest(folder)
    assert set(manifest.files) == {"README.md", "agent_0.pt", "golden.npz"}
    assert manifest.opset is None


def test_module_with_a_variadic_signature_and_shape_checks_can_be_frozen(tmp_path: Path) -> None:
    policy = plain_policy()
    folder = exporters.freeze(TorchPolicy(policy.spec, Variadic(policy.module())), tmp_path / "variadic")
    assert (folder / "agent_0.onnx").exists()


def test_freezing_leaves_the_module_alone(tmp_path: Path) -> None:
    policy = plain_policy()
    module = policy.module().train()
    exporters.freeze(policy, tmp_path / "export", ["torchscript"])
    assert module.training
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_who_comes_second_at_one_folder_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, own = tmp_path / "policy", freezing._check_sealed

    def slowly(*arguments: object) -> None:
        own(*arguments)  # type: ignore[arg-type]
        folder.mkdir()
        (folder / "first").touch()

    monkeypatch.setattr(freezing, "_check_sealed", slowly)
    with pytest.raises(BundleError, match="exists; an export never overwrites"):
        exporters.freeze(plain_policy(0), folder, ("onnx",))
    assert [path.name for path in tmp_path.rglob("*")] == ["policy", "first"]


def test_a_folder_that_cannot_be_named_is_no_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device", target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space left"):
        exporters.freeze(plain_policy(), tmp_path / "policy", ["torchscript"])
    assert list(tmp_path.iterdir()) == []


def test_mismatch_leaves_nothing_and_is_named(tmp_path: Path) -> None:
    spec = plain_policy().spec
    with pytest.raises(ParityError) as caught:
        exporters.freeze(TorchPolicy(spec, Traced(spec, hidden=16)), tmp_path / "export", ["torchscript"])
    assert (caught.value.format, caught.value.output, caught.value.batch) == ("torchscript", "action_values", 1)
    assert list(tmp_path.iterdir()) == []


def test_module_with_the_wrong_outputs_is_refused(tmp_path: Path) -> None:
    wrong = TorchPolicy(risk_aware_policy().spec, risk_aware_policy(n_quantiles=5, hidden=8).module())
    with pytest.raises(PolicyError):
        exporters.freeze(wrong, tmp_path / "export", ["torchscript"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["folder", "file", "dangling link"])
def test_existing_destination_is_refused_and_untouched(tmp_path: Path, kind: str) -> None:
    destination = tmp_path / "export"
    if kind == "folder":
        destination.mkdir()
    elif kind == "file":
        destination.write_text("mine")
    else:
        destination.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BundleError, match="exists"):
        exporters.freeze(plain_policy(), destination)
    assert os.path.lexists(destination)


@pytest.mark.parametrize(
    ("policies", "formats", "facts"),
    [
        ([], ["onnx"], {}),
        ([plain_policy(), plain_policy()], ["onnx"], {}),
        ([plain_policy(0), plain_policy(1, n_agents=3)], ["onnx"], {}),
        (plain_policy(), [], {}),
        (plain_policy(), "onyx", {}),
        (plain_policy(), ["onyx"], {}),
        (plain_policy(), ["onnx"], {"loss": float("nan")}),
        (plain_policy(), ["onnx"], {"path": Path("x")}),
    ],
)
def test_contradicting_request_is_refused_before_anything_is_written(
    tmp_path: Path, policies: TorchPolicy, formats: list[str], facts: dict[str, object]
) -> None:
    with pytest.raises(SpecError):
        exporters.freeze(policies, tmp_path / "export", formats, facts=facts)
    assert list(tmp_path.iterdir()) == []


def test_torchscript_is_refused_on_a_python_that_lacks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporters.to_torchscript.FIRST_PYTHON_WITHOUT", (3, 11))
    with pytest.raises(UnsupportedError, match="onnx"):
        exporters.freeze(plain_policy(), tmp_path / "export")
