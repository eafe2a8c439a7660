"""From an exported folder to one in the tensors of other people's runtimes, verified against it.

Each agent's graph stays what it is; nodes around it translate. The folder has `profile.json` in place of a manifest,
since `OnnxTeam` cannot run it.
"""

from __future__ import annotations

import platform
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from types import MappingProxyType

import numpy as np
import onnx
import onnxruntime

from exporters import profile_mlagents, profile_rsl_rl
from exporters.aside import write_synced
from exporters.bundle import (
    GOLDEN_NAME,
    MANIFEST_NAME,
    entry_of,
    read_manifest,
    read_member,
    sha256_of,
    to_json_text,
)
from exporters.contract import PolicySpec
from exporters.errors import ParityError, SpecError
from exporters.grafting import memory_layout
from exporters.parity import TOLERANCE, Tensors
from exporters.runtime import PROVIDER, onnx_run
from exporters.sampling import next_carry, random_inputs, zero_carry
from exporters.sealing import npz_bytes, sealed_folder

FORMAT = "rmix-kit-profile"
PROFILE_NAME = "profile.json"
STEPS = 64
SEED = 64


@dataclass(frozen=True, kw_only=True)
class Profile:
    """How one runtime names the tensors of a step.

    Attributes:
        graph: puts its tensors around an exported graph: model, specification, risk level -> model.
        inputs_of: a step's inputs of the exported file -> the same in its tensors.
        outputs_of: a step's outputs of the exported file -> the same in its tensors.
        has_masks: whether allowed actions go in; all are allowed otherwise.
        rules: whose tensors these are and in which versions, for the reader.
        refusals: what becomes of -1 and `valid`, for the reader.
    """

    graph: Callable[[onnx.ModelProto, PolicySpec, float], onnx.ModelProto]
    inputs_of: Callable[[PolicySpec, Tensors], Tensors]
    outputs_of: Callable[[PolicySpec, Tensors], Tensors]
    has_masks: bool
    rules: str
    refusals: str


PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile_mlagents.NAME: Profile(
            graph=profile_mlagents.graph,
            inputs_of=profile_mlagents.inputs_of,
            outputs_of=profile_mlagents.outputs_of,
            has_masks=True,
            rules="Unity ML-Agents, model API version 3: com.unity.ml-agents 2 to 4",
            refusals="discrete_actions is -1 where a guard refused, and the memory of that row stays as it was; there "
            "is no tensor for valid",
        ),
        profile_rsl_rl.NAME: Profile(
            graph=profile_rsl_rl.graph,
            inputs_of=profile_rsl_rl.inputs_of,
            outputs_of=profile_rsl_rl.outputs_of,
            has_masks=False,
            rules="policies exported by rsl_rl 5.4 and Isaac Lab: obs, h_in -> actions, h_out, a batch of 1",
            refusals="actions is -1 where a guard refused, and the memory stays as it was; there is no tensor for "
            "valid",
        ),
    }
)


def write_profile(
    directory: str | PathLike[str], out: str | PathLike[str], profile: str, *, risk_level: float | None = None
) -> Path:
    """Write a folder in another runtime's tensors beside an exported one; see `exporters.convert`.

    Args:
        out: the folder to create.
        profile: one of `PROFILES`.
        risk_level: what the dial is fixed to; None leaves it to the policy.
    """
    source, destination = Path(directory), Path(out)
    if profile not in PROFILES:
        raise SpecError(f"profile is {profile!r}; expected one of {', '.join(PROFILES)}")
    if risk_level is not None and not 0.0 < risk_level <= 1.0:
        raise SpecError(f"risk_level is {risk_level}; it must be in (0, 1] (1 = risk-neutral), or None")
    manifest, chosen = read_manifest(source), PROFILES[profile]
    specs = [entry.spec for entry in manifest.agents]
    manifest.check_convertible(source)
    for entry in manifest.agents:
        if risk_level is not None and not entry.spec.is_risk_aware:
            raise SpecError(f"{entry.spec.agent_id} ({entry.spec.algorithm}) has no risk dial; leave risk_level out")
    told = {
        "format": FORMAT,
        "profile": profile,
        "rules": chosen.rules,
        "risk_level": _level_text(risk_level, specs),
        "refusals": chosen.refusals,
        "made_from": {"manifest_sha256": sha256_of((source / MANIFEST_NAME).read_bytes())},
        "facts": dict(manifest.facts),
        "versions": {
            **manifest.versions,
            "python": platform.python_version(),
            "onnx": onnx.__version__,
            "onnxruntime": onnxruntime.__version__,
        },
    }
    with sealed_folder(destination) as staging:
        arrays: Tensors = {}
        agents = []
        for entry in manifest.agents:
            spec, name = entry.spec, entry.files["onnx"]
            data = read_member(source, manifest, name)
            about = {"spec": spec.to_json(), "memory": memory_layout(spec.carry)}
            made = _stamped(chosen.graph(onnx.load_model_from_string(data), spec, risk_level or 0.0), {**told, **about})
            write_synced(staging / name, made)
            arrays |= _verified(spec, chosen, profile, onnx_run(data, str(source / name)), made, risk_level or 0.0)
            agents.append({**about, "file": name})
        write_synced(staging / GOLDEN_NAME, npz_bytes(arrays))
        write_synced(staging / "README.md", _readme(profile, told, specs).encode())
        files = {path.name: vars(entry_of(path)) for path in sorted(staging.iterdir())}
        text = to_json_text({**told, "agents": agents, "files": files}, "profile", indent=2)
        write_synced(staging / PROFILE_NAME, f"{text}\n".encode())
    return destination


def _level_text(risk_level: float | None, specs: list[PolicySpec]) -> object:
    if risk_level is not None:
        return risk_level
    return "the agents' own choice" if any(spec.is_risk_aware for spec in specs) else "no dial"


def _stamped(model: onnx.ModelProto, told: Mapping[str, object]) -> bytes:
    onnx.helper.set_model_props(model, {key: to_json_text(value, key) for key, value in sorted(told.items())})
    model.doc_string = f"Exported by rmix-kit in the tensors of {told['rules']}. {told['refusals']}."
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _verified(
    spec: PolicySpec,
    profile: Profile,
    name: str,
    reference: Callable[[Tensors], Tensors],
    data: bytes,
    risk_level: float,
) -> Tensors:
    """Roll both files out with the same inputs; return the steps in the profile's tensors, `[step, ...]` each.

    Raises:
        ParityError: at the first tensor that differs.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(data, options, providers=[PROVIDER])
    names = [node.name for node in session.get_outputs()]
    generator = np.random.default_rng(SEED + spec.agent_index)
    carry = zero_carry(spec, 1)
    steps: list[Tensors] = []
    for step in range(STEPS):
        inputs = {**random_inputs(spec, 1, generator), **carry}
        if not profile.has_masks:
            inputs["avail_actions"] = np.ones((1, spec.n_actions), dtype=np.bool_)
        if spec.is_risk_aware:
            inputs["risk_level"] = np.full(1, risk_level, dtype=np.float32)
        outputs = reference(inputs)
        given, expected = profile.inputs_of(spec, inputs), profile.outputs_of(spec, outputs)
        found = dict(zip(names, session.run(names, given), strict=True))
        for output, array in expected.items():
            gap = _gap(array, found[output])
            if not gap <= (0.0 if output.endswith("actions") else TOLERANCE):
                raise ParityError(
                    format=name, agent_id=spec.agent_id, output=output, step=step, batch=1, difference=gap
                )
        carry = next_carry(spec, outputs)
        key = f"agent_{spec.agent_index}"
        steps.append(
            {f"{key}.input.{tensor}": array for tensor, array in given.items()}
            | {f"{key}.output.{tensor}": array for tensor, array in expected.items()}
        )
    return {key: np.stack([step[key] for step in steps]) for key in steps[0]}  # [step, ...]


def _gap(expected: np.ndarray, found: np.ndarray) -> float:
    if expected.shape != found.shape or expected.dtype != found.dtype:
        return float("inf")
    return float(np.abs(expected.astype(np.float64) - found.astype(np.float64)).max(initial=0.0))


def _readme(profile: str, told: Mapping[str, object], specs: list[PolicySpec]) -> str:
    """Return the text for whoever opens the folder."""
    lines = [
        f"# {len(specs)} agents, profile {profile}",
        "",
        f"Tensors of {told['rules']}. Risk level: {told['risk_level']}. {told['refusals']}.",
        "",
        "One file per agent; what it takes and gives stands in it, with a sentence for each tensor. The observation is "
        "the environment's own, flattened in C order, as float32. The memory is one tensor, all zero at the start of "
        f"an episode; `memory` in `{PROFILE_NAME}` says what lies where in it.",
        "",
        f"`{GOLDEN_NAME}` holds {STEPS} steps per agent, `agent_INDEX.input.NAME` and `agent_INDEX.output.NAME`, as "
        f"the exported file answered that this one was made from: values may differ by {TOLERANCE:g}, actions not.",
    ]
    return "\n".join(textwrap.fill(line, 110, break_long_words=False) for line in lines) + "\n"
