"""docs/recipes.md: what it writes for Triton is what an exported file takes and gives."""

from __future__ import annotations

import re
from pathlib import Path

import onnxruntime
import pytest

from tests.architecture.sources import ROOT
from tests.fixtures.trained import ENVIRONMENT, Trained

PAGE = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
BLOCK = re.compile(r'^```(\w+)(?: title="([\w.]+)")?\n(.*?)^```$', flags=re.DOTALL | re.MULTILINE)
BLOCKS = {name or language: content for language, name, content in BLOCK.findall(PAGE)}
TENSOR = re.compile(r'name: "(\w+)" data_type: TYPE_(\w+) dims: \[ ([\d, ]+) \]( reshape \{ shape: \[ \] \})?')
STATE = re.compile(r'input_name: "(\w+)" output_name: "(\w+)" data_type: TYPE_(\w+) dims: \[ ([\d, ]+) \]')
TYPES = {"tensor(bool)": "BOOL", "tensor(float)": "FP32", "tensor(int8)": "INT8", "tensor(int64)": "INT64"}


@pytest.fixture
def repository(trained: Trained, tmp_path: Path) -> Path:
    names: dict[str, object] = {"__name__": "recipe"}
    exec(compile(BLOCKS["triton_repository.py"], "triton_repository.py", "exec"), names)
    main = names["main"]
    assert callable(main)
    main(trained.agents, tmp_path / "models")
    return tmp_path / "models"


def test_the_page_shows_what_the_program_writes(repository: Path) -> None:
    assert f"`{ENVIRONMENT}`" in PAGE
    assert (repository / "agent_0" / "config.pbtxt").read_text(encoding="utf-8") == BLOCKS["text"]


def test_names_types_and_shapes_are_those_of_the_file(repository: Path) -> None:
    assert sorted(path.name for path in repository.iterdir()) == ["agent_0", "agent_1"]
    for model in repository.iterdir():
        text = (model / "config.pbtxt").read_text(encoding="utf-8")
        session = onnxruntime.InferenceSession(str(model / "1" / "model.onnx"), providers=["CPUExecutionProvider"])
        sides = {"input": session.get_inputs(), "output": session.get_outputs()}
        found: dict[str, dict[str, tuple[str, list[int]]]] = {"input": {}, "output": {}}
        for side in sides:
            for name, kind, dims, squeeze in TENSOR.findall(text.split(f"\n{side} [")[1].split("\n]")[0]):
                found[side][name] = (kind, [] if squeeze else [int(size) for size in dims.split(",")])
                assert not squeeze or dims == "1"
        for name, following, kind, dims in STATE.findall(text):
            found["input"][name] = found["output"][following] = (kind, [int(size) for size in dims.split(",")])
        for side, nodes in sides.items():
            expected = {node.name: (TYPES[node.type], list(node.shape[1:])) for node in nodes}
            assert found[side] == expected


def test_the_node_is_python_and_asks_for_what_an_agent_has() -> None:
    code = BLOCKS["agent_node.py"]
    compile(code, "agent_node.py", "exec")
    from exporters.runtime import OnnxAgent

    used = set(re.findall(r"self\.agent\.(\w+)", code)) - {"spec"}
    assert used == {"act", "reset"}
    assert all(callable(getattr(OnnxAgent, name)) for name in used)
