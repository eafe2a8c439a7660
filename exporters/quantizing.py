"""From an exported folder to a smaller one: weights in int8 or float16, with a report of how far it acts alike.

int8 is onnxruntime's dynamic quantisation of products with constant weights: eight bits for a weight, and for the
numbers that it meets eight bits of the range that they have at that step. Weights are unsigned, since the products of
signed ones overflow sixteen bits on x86 without VNNI, and would differ from machine to machine. fp16 rounds weights
alone: they lie in the file as float16 and are cast back when it is loaded, so that guards and sums are as they were.
"""

from __future__ import annotations

import json
import logging
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic

from exporters.agreement import SAME_LEVEL, Agreement, Recording, Run, compare_acting, sampled
from exporters.aside import write_synced
from exporters.bundle import (
    GOLDEN_NAME,
    QUANTIZATION,
    Manifest,
    entry_of,
    read_manifest,
    read_member,
    sha256_of,
    to_json_text,
)
from exporters.contract import LAST_ACTION, PolicySpec
from exporters.errors import AgreementError, SpecError
from exporters.golden import golden_arrays, replay_golden
from exporters.parity import TIE, TOLERANCE, Parity, Tensors
from exporters.readme import readme_text
from exporters.runtime import OnnxTeam, onnx_run
from exporters.sealing import npz_bytes, sealed_folder, write_client, write_manifest

KINDS = ("int8", "fp16")
LEAST_AGREEMENT = 0.98
SAMPLING_SEED = 1000
QUANTIZED_OPERATORS = ["MatMul", "Conv"]  # Gemm becomes MatMul and Add


@dataclass(frozen=True, kw_only=True)
class Quantized:
    """A quantised folder and how far it acts as the one that it was made from.

    Attributes:
        path: the sealed folder.
        kind: one of `KINDS`.
        steps_from: where the compared steps come from, for the reader.
        size_before: bytes of the agents' files.
        size_after: likewise, quantised.
        agents: agent id -> what was found.
    """

    path: Path
    kind: str
    steps_from: str
    size_before: int
    size_after: int
    agents: Mapping[str, Agreement]

    @property
    def agreement(self) -> float:
        """The share of equal actions on its own memory of the agent that has the lowest."""
        return min(agent.own_memory.equal_actions for agent in self.agents.values())

    def to_json(self) -> dict[str, object]:
        """Return a JSON-able mapping, without the path."""
        return {
            "kind": self.kind,
            "steps_from": self.steps_from,
            "size_before": self.size_before,
            "size_after": self.size_after,
            "agreement": self.agreement,
            "agents": {name: agent.to_json() for name, agent in self.agents.items()},
        }


def quantize_bundle(
    directory: str | PathLike[str],
    out: str | PathLike[str],
    kind: str = "int8",
    *,
    threshold: float = LEAST_AGREEMENT,
    recordings: Mapping[str, Recording] | None = None,
    steps_from: str = "",
) -> Quantized:
    """Write a quantised folder beside an exported one, with a report; see `exporters.quantize`."""
    source, destination = Path(directory), Path(out)
    if kind not in KINDS:
        raise SpecError(f"kind is {kind!r}; expected one of {', '.join(KINDS)}")
    if not 0.0 <= threshold <= 1.0:
        raise SpecError(f"threshold is {threshold}; it must be in [0, 1], the least share of equal actions")
    manifest = read_manifest(source)
    _check_source(source, manifest, recordings)
    told = steps_from or ("drawn within the bounds of the observations" if recordings is None else "given")
    with sealed_folder(destination) as staging:
        quantized, arrays, parity = _write_agents(source, manifest, staging, kind, recordings, told)
        quantized = replace(quantized, path=destination)
        _refuse_below(quantized, threshold)
        write_synced(staging / GOLDEN_NAME, npz_bytes(arrays))
        agents = tuple(replace(entry, files={"onnx": entry.files["onnx"]}) for entry in manifest.agents)
        limits = {entry.spec.agent_id: parity[entry.spec.agent_id] for entry in agents}
        readme = readme_text(agents, manifest.minimum_onnxruntime, limits=limits, note=_note(quantized))
        write_synced(staging / "README.md", readme.encode())
        write_client(staging)
        made_from = {"manifest_sha256": sha256_of((source / "manifest.json").read_bytes())}
        facts = {
            **manifest.facts,
            QUANTIZATION: {**quantized.to_json(), "threshold": threshold, "made_from": made_from},
        }
        written = replace(
            manifest,
            agents=agents,
            files={path.name: entry_of(path) for path in sorted(staging.iterdir())},
            facts=json.loads(to_json_text(facts, "facts")),
            parity={name: {"onnx": figures.to_json()} for name, figures in parity.items()},
        )
        write_manifest(staging, written.to_json())
        replay_golden(OnnxTeam(staging, on_invalid="return"), staging, "onnx")
    return quantized


def _check_source(source: Path, manifest: Manifest, recordings: Mapping[str, Recording] | None) -> None:
    manifest.check_convertible(source)
    for entry in manifest.agents:
        name = entry.spec.agent_id
        if recordings is not None and name not in recordings:
            raise SpecError(f"the recordings lack {name}; there are {sorted(recordings)}")


def _write_agents(
    source: Path,
    manifest: Manifest,
    staging: Path,
    kind: str,
    recordings: Mapping[str, Recording] | None,
    told: str,
) -> tuple[Quantized, Tensors, dict[str, Parity]]:
    """Write every agent's file; return the report, the golden arrays, and how far these are from the float ones."""
    agents: dict[str, Agreement] = {}
    parity: dict[str, Parity] = {}
    arrays: Tensors = {}
    before = after = 0
    for entry in manifest.agents:
        spec, name = entry.spec, entry.files["onnx"]
        data = read_member(source, manifest, name)
        smaller = quantize_model(data, kind)
        write_synced(staging / name, smaller)
        before, after = before + len(data), after + len(smaller)
        reference, other = onnx_run(data, str(source / name)), onnx_run(smaller, f"the {kind} file of {spec.agent_id}")
        golden = golden_arrays(spec, other)
        parity[spec.agent_id] = _difference(spec, golden, reference)
        arrays |= golden
        generator = np.random.default_rng(SAMPLING_SEED + spec.agent_index)
        recording = sampled(spec, generator) if recordings is None else recordings[spec.agent_id]
        agents[spec.agent_id] = compare_acting(spec, reference, other, recording)
    quantized = Quantized(path=staging, kind=kind, steps_from=told, size_before=before, size_after=after, agents=agents)
    return quantized, arrays, parity


def _refuse_below(quantized: Quantized, threshold: float) -> None:
    if quantized.agreement < threshold:
        lowest = min(quantized.agents, key=lambda name: quantized.agents[name].own_memory.equal_actions)
        found = quantized.agents[lowest]
        raise AgreementError(
            f"{lowest} in {quantized.kind} acts as before in {found.own_memory.equal_actions:.2%} of {found.steps} "
            f"steps ({quantized.steps_from}), less than the {threshold:.2%} that is asked for; nothing was exported: "
            "take fp16, train on, or ask for less"
        )


def _difference(spec: PolicySpec, golden: Tensors, reference: Run) -> Parity:
    """Return how far the golden steps moved from what the float32 file answers to their inputs.

    That is the tolerance of the quantised file: on another machine a product may fall on the other side of a rounding,
    which moves what follows by as much as quantising did. Half of it is a tie. Neither is below float32's own.
    """
    key = f"agent_{spec.agent_index}"
    names = ["action_values", *(f"next_{tensor.name}" for tensor in spec.carry if tensor.name != LAST_ACTION)]
    figures, moved = Parity(), 0.0
    for step in range(len(golden[f"{key}.input.obs"])):
        before = reference({name: golden[f"{key}.input.{name}"][step] for name in spec.input_names})
        after = {name: golden[f"{key}.output.{name}"][step] for name in spec.output_names}
        figures.rows += 1
        figures.refused_rows += int(not after["valid"][0])
        figures.ties += int(before["action"][0] != after["action"][0])
        level = [float(outputs["risk_level_used"][0]) if spec.is_risk_aware else 0.0 for outputs in (before, after)]
        # Where another level was predicted, other values are no rounding.
        compared = names if abs(level[0] - level[1]) <= SAME_LEVEL else names[1:]
        gaps = [np.abs(before[name].astype(np.float64) - after[name].astype(np.float64)).max() for name in compared]
        moved = max(moved, *map(float, gaps), 0.0)
    figures.largest_difference = moved
    figures.tolerance, figures.tie = max(TOLERANCE, moved), max(TIE, moved / 2)
    return figures


def quantize_model(data: bytes, kind: str) -> bytes:
    """Return an ONNX file with smaller weights; its own description and metadata are kept.

    Args:
        kind: one of `KINDS`.
    """
    model = onnx.load_model_from_string(data)
    kept = {entry.key: entry.value for entry in model.metadata_props}
    description = model.doc_string
    smaller = _int8(model) if kind == "int8" else _fp16(model)
    del smaller.metadata_props[:]
    onnx.helper.set_model_props(smaller, dict(sorted(kept.items())))
    smaller.doc_string = f"{description} Weights in {kind}."
    onnx.checker.check_model(smaller)
    return bytes(smaller.SerializeToString(deterministic=True))


def _int8(model: onnx.ModelProto) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder, _without_advice():
        path = Path(folder) / "int8.onnx"  # the tool writes files only
        quantize_dynamic(model, path, op_types_to_quantize=QUANTIZED_OPERATORS, weight_type=QuantType.QUInt8)
        return onnx.load_model(path)


def _fp16(model: onnx.ModelProto) -> onnx.ModelProto:
    casts = []
    for tensor in model.graph.initializer:
        if tensor.data_type != onnx.TensorProto.FLOAT or len(tensor.dims) < 2:
            continue
        halves = onnx.numpy_helper.to_array(tensor).astype(np.float16)
        if not np.isfinite(halves).all():
            raise SpecError(f"{tensor.name} holds weights beyond 65504, the largest float16; take int8")
        name = tensor.name
        tensor.CopyFrom(onnx.numpy_helper.from_array(halves, f"{name}_fp16"))
        casts.append(onnx.helper.make_node("Cast", [f"{name}_fp16"], [name], f"{name}_cast", to=onnx.TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _note(quantized: Quantized) -> str:
    batch = (
        " A product's inputs are rounded to the range that they have in the whole batch: rows of a batch are not quite "
        "what they are alone."
        if quantized.kind == "int8"
        else ""
    )
    return (
        f"The weights are in {quantized.kind}, {quantized.size_after / quantized.size_before:.0%} of the size. Over "
        f"{min(agent.steps for agent in quantized.agents.values())} steps ({quantized.steps_from}) every agent chose "
        f"what the float32 one chooses in at least {quantized.agreement:.1%}, each on its own memory.{batch} "
        f"`facts` in `manifest.json` holds the whole report under `{QUANTIZATION}`; `golden.npz` holds the answers of "
        "these files, not of the float32 ones."
    )


@contextmanager
def _without_advice() -> Iterator[None]:
    """Silence, for one call, onnxruntime's advice to preprocess the model."""

    def is_ours(record: logging.LogRecord) -> bool:
        return "pre-processing before quantization" not in record.getMessage()

    logger = logging.getLogger()
    logger.addFilter(is_ours)
    try:
        yield
    finally:
        logger.removeFilter(is_ours)
