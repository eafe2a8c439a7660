"""Exported files in OpenVINO: what its answers differ by from the golden steps, as JSON; numpy and openvino alone.

    python tests/clients/openvino_agents.py FOLDER [--precision f32|own]

FOLDER is an exported folder, quantised or not, or one of a profile. `own` leaves the precision to OpenVINO, which takes
bfloat16 by itself where the processor has units for it, and judges nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openvino

from exporters.agent import Agent
from exporters.bundle import MANIFEST_NAME, read_manifest
from exporters.contract import PolicySpec
from exporters.golden import replay_golden
from exporters.team import Team
from exporters.tensors import Tensors

PRECISIONS: dict[str, dict[str, Any]] = {"f32": {"INFERENCE_PRECISION_HINT": "f32"}, "own": {}}


def runner(path: Path, precision: str) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    """A file as a function from named arrays to named arrays."""
    model = openvino.compile_model(str(path), "CPU", {**PRECISIONS[precision], "INFERENCE_NUM_THREADS": 1})
    request = model.create_infer_request()
    names = [output.get_any_name() for output in model.outputs]

    def run(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        results = request.infer(inputs)
        return {name: np.array(results[place]) for place, name in enumerate(names)}

    return run


class OpenVinoAgent(Agent):
    """One exported agent in OpenVINO."""

    def __init__(self, spec: PolicySpec, path: Path, precision: str) -> None:
        self._infer = runner(path, precision)
        super().__init__(spec, "return")

    def compile(self, tensors: Tensors) -> tuple[Callable[[], object], Callable[[], object]]:
        return lambda: self._step(tensors, 0), lambda: self._step(tensors, 1)

    def _step(self, tensors: Tensors, source: int) -> None:
        inputs = [*tensors.step_inputs, *tensors.carry[source]]
        outputs = [*tensors.step_outputs, *tensors.carry[1 - source]]
        found = self._infer(dict(zip(self.spec.input_names, inputs, strict=True)))
        for name, array in zip(self.spec.output_names, outputs, strict=True):
            array[...] = found[name]


def judged(folder: Path) -> dict[str, dict[str, object]]:
    """Repeat the golden steps of an exported folder by its own tolerances; agent id -> figures."""
    manifest = read_manifest(folder)
    agents = {
        entry.spec.agent_id: OpenVinoAgent(entry.spec, folder / entry.files["onnx"], "f32") for entry in manifest.agents
    }
    return {name: figures.to_json() for name, figures in replay_golden(Team(agents, manifest), folder, "onnx").items()}


def measured(folder: Path, precision: str) -> dict[str, dict[str, object]]:
    """How far every output is from the golden one at most, each step begun with the golden inputs."""
    with np.load(folder / "golden.npz") as archive:
        golden = {name: archive[name] for name in archive.files}
    found: dict[str, dict[str, object]] = {}
    for path in sorted(folder.glob("agent_*.onnx")):
        key, run = path.stem, runner(path, precision)
        gaps: dict[str, float] = {}
        inputs = {name.split(".")[2]: array for name, array in golden.items() if name.startswith(f"{key}.input.")}
        for step in range(len(next(iter(inputs.values())))):
            for name, array in run({name: given[step] for name, given in inputs.items()}).items():
                expected = golden[f"{key}.output.{name}"][step]
                same = array.shape == expected.shape
                gap = np.abs(array.astype(float) - expected.astype(float)).max() if same else math.inf
                gaps[name] = max(gaps.get(name, 0.0), float(gap))
        found[key] = dict(gaps)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--precision", choices=tuple(PRECISIONS), default="f32")
    options = parser.parse_args()
    is_exported = (options.folder / MANIFEST_NAME).exists()
    told = {
        "openvino": openvino.__version__,
        "capabilities": openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"),
        "measured": measured(options.folder, options.precision),
        "judged": judged(options.folder) if is_exported and options.precision == "f32" else None,
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
