"""One clear error for each ONNX file that is not what it should be, whatever its sum says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from exporters.errors import BundleError, ExportError
from exporters.onnx_scan import scan_onnx
from exporters.runtime import OnnxAgent, open_session


def _changed(sealed_team: Path, change: Callable[[onnx.ModelProto], object]) -> bytes:
    model = onnx.load(sealed_team / "agent_0.onnx")
    change(model)
    return bytes(model.SerializeToString())


def _externalise(tensor: TensorProto) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "weights.bin"


def _hide_in_subgraph(model: onnx.ModelProto) -> None:
    tensor = helper.make_tensor("w", TensorProto.FLOAT, [1], [0.0])
    _externalise(tensor)
    inner = helper.make_graph([helper.make_node("Constant", [], ["w"], value=tensor)], "inner", [], [])
    model.graph.node.add().CopyFrom(helper.make_node("If", ["valid"], ["x"], then_branch=inner, else_branch=inner))


@pytest.mark.parametrize(
    "change",
    [lambda model: _externalise(model.graph.initializer[0]), _hide_in_subgraph],
    ids=["initializer", "subgraph"],
)
def test_external_data_is_refused(sealed_team: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    with pytest.raises(BundleError, match="one file"):
        open_session(_changed(sealed_team, change), "it")


@pytest.mark.parametrize("value", ["", "trained by Ada", "{", "[1, 2", "\u00e9"])
def test_metadata_of_other_tools_is_left_alone(sealed_team: Path, value: str) -> None:
    plain, _ = open_session((sealed_team / "agent_0.onnx").read_bytes(), "it")
    noted = _changed(sealed_team, lambda model: _set_metadata(model, "onnx.quant.pre_process", value))
    session, spec = open_session(noted, "it")
    assert spec == open_session((sealed_team / "agent_0.onnx").read_bytes(), "it")[1]
    assert [node.name for node in session.get_inputs()] == [node.name for node in plain.get_inputs()]


def _set_metadata(model: onnx.ModelProto, key: str, value: str | None) -> None:
    table = {entry.key: entry.value for entry in model.metadata_props if entry.key != key}
    helper.set_model_props(model, table | ({} if value is None else {key: value}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: _set_metadata(model, "format", None), "does not describe"),
        (lambda model: _set_metadata(model, "format_version", "9"), "format number 9"),
        (lambda model: _set_metadata(model, "format_version", "{"), "unreadable metadata"),
        (lambda model: _set_metadata(model, "spec", "{}"), "specification"),
        (lambda model: _set_metadata(model, "minimum_onnxruntime", "7"), "onnxruntime"),
        (lambda model: setattr(model.graph.input[0], "name", "observation"), "cannot be loaded|tensors"),
        (lambda model: setattr(model.opset_import[0], "version", 99), "cannot be loaded"),
        (lambda model: setattr(model, "ir_version", 99), "cannot be loaded"),
        (lambda model: model.graph.output.pop(), "tensors"),
        (lambda model: setattr(model.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", 1), "fixed batch"),
        (
            lambda model: setattr(model.graph.input[4].type.tensor_type.shape.dim[1], "dim_value", 8),
            "hidden_state|Dimension mismatch",
        ),
    ],
)
def test_foreign_onnx_file_is_refused(
    sealed_team: Path, change: Callable[[onnx.ModelProto], object], message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        open_session(_changed(sealed_team, change), "it")


@pytest.mark.parametrize("cut", [1, 2, 100, 5000, 40_000])
def test_truncated_onnx_file_is_refused(sealed_team: Path, cut: int) -> None:
    with pytest.raises(BundleError):
        open_session((sealed_team / "agent_0.onnx").read_bytes()[:-cut], "it")


@pytest.mark.parametrize(
    "data", [b"", b"\x00", b"\xff" * 40, b"\x0a\xff\xff\xff\xff\x0f", b"PK\x03\x04", b"\x3b", b"\x08\x07"]
)
def test_junk_is_no_onnx_file(data: bytes) -> None:
    with pytest.raises(BundleError):
        scan_onnx(data, "it")


def test_scan_agrees_with_onnx(sealed_team: Path) -> None:
    data = (sealed_team / "agent_0.onnx").read_bytes()
    facts, model = scan_onnx(data, "it"), onnx.load_from_string(data)
    assert facts.ir_version == model.ir_version
    assert facts.opsets == {entry.domain: entry.version for entry in model.opset_import}
    assert facts.metadata == {entry.key: entry.value for entry in model.metadata_props}
    assert not facts.has_external_data


def test_a_graph_that_fails_when_it_is_run_is_told_in_one_line(sealed_team: Path, tmp_path: Path) -> None:
    def lose_the_index(model: onnx.ModelProto) -> None:
        table = helper.make_tensor("table", TensorProto.INT64, [1], [0])
        place = helper.make_tensor("place", TensorProto.INT64, [], [7])
        model.graph.initializer.extend([table, place])
        (output,) = [node for node in model.graph.node if "action" in node.output]
        output.output[list(output.output).index("action")] = "chosen"
        model.graph.node.extend(
            [
                helper.make_node("Gather", ["table", "place"], ["nowhere"]),
                helper.make_node("Add", ["chosen", "nowhere"], ["action"]),
            ]
        )

    (tmp_path / "agent_0.onnx").write_bytes(_changed(sealed_team, lose_the_index))
    agent = OnnxAgent(tmp_path / "agent_0.onnx")
    obs = np.zeros(agent.spec.obs.shape, agent.spec.obs.dtype)
    with pytest.raises(BundleError, match="file cannot be run"):
        agent.act(obs, np.ones(agent.spec.n_actions, dtype=bool))
