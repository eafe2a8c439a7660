"""Exported folders: damage, facts that somebody writes, ONNX files and golden rollouts whose sums are right."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tests.faults.cases import (
    READ,
    REFUSED,
    Answer,
    Case,
    Reader,
    SilentAcceptanceError,
    chosen,
    command,
    judged,
)
from tests.faults.mutate import damaged, with_another_value

SECRET = b"\x00\x00\x80\x3f" * 4096
"""What lies beside the folder under the names that hidden external data would ask for."""


def played(format: str) -> Answer:
    """Let the exported agents act in their environment."""
    return command(("run", "agents", "--episodes", "1", "--format", format, "--json"))


def repeated(format: str) -> Answer:
    """Let the exported agents repeat their golden steps, from Python."""
    from exporters.golden import replay_golden

    if format == "onnx":
        from exporters.runtime import OnnxTeam as Team
    else:
        from exporters.torchscript_runtime import TorchScriptTeam as Team  # type: ignore[assignment]
    team = Team("agents", on_invalid="return")
    return Answer(0, str(replay_golden(team, Path("agents"), format)))


WITHOUT_SUMS = ("no list of sums beside it",)
GOLDEN = Reader("golden", "agents", lambda: repeated("onnx"), 3)
READERS = (
    GOLDEN,
    Reader("inspect", "agents", lambda: command(("inspect", "agents", "--json")), 2),
    Reader("inspect a file", "agents", lambda: command(("inspect", "agents/agent_1.onnx", "--json")), 2, WITHOUT_SUMS),
    Reader("run", "agents", lambda: played("onnx"), 4),
    Reader("run torchscript", "agents", lambda: played("torchscript"), 1),
    Reader("golden torchscript", "agents", lambda: repeated("torchscript"), 1),
    Reader("film", "agents", lambda: command(("film", "agents", "--episodes", "1", "--out", "page.html")), 1),
)


def damaged_bytes(case: Case) -> tuple[str, str]:
    """Damage a file of an export: what is shown is what was exported, or is refused."""
    reader = chosen(case, READERS)
    victim = case.rng.choice(sorted(path for path in Path("agents").iterdir()))
    match case.rng.randrange(8):
        case 0:
            shutil.copyfile(case.base / "other-agents" / victim.name, victim)
            what = f"{victim} of another export"
        case 1:
            victim.unlink()
            what = f"{victim} gone"
        case 2:
            other = case.rng.choice([path for path in sorted(Path("agents").iterdir()) if path != victim])
            first, second = victim.read_bytes(), other.read_bytes()
            victim.write_bytes(second)
            other.write_bytes(first)
            what = f"{victim} and {other} changed places"
        case _:
            victim.write_bytes(damaged(victim.read_bytes(), case.rng))
            what = f"{victim} damaged"
    return judged(case, reader, what)


def changed_facts(case: Case) -> tuple[str, str]:
    """Change values in an export's manifest: refused in one line, or read."""
    reader = chosen(case, READERS)
    manifest = Path("agents/manifest.json")
    values = with_another_value(json.loads(manifest.read_text()), case.rng)
    try:
        text = json.dumps(values)
    except (ValueError, RecursionError):
        text = "[" * 5_000 + "]" * 5_000
    manifest.write_text(text)
    return judged(case, reader, "manifest.json changed", may_be_read=True)


def listed_again(name: str, data: bytes) -> None:
    """Write a file of the export and make the manifest's entry anew, as whoever changes it on purpose would."""
    (Path("agents") / name).write_bytes(data)
    manifest = Path("agents/manifest.json")
    values: dict[str, Any] = json.loads(manifest.read_text())
    values["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    manifest.write_text(json.dumps(values))


def changed_onnx(case: Case) -> tuple[str, str]:
    """Change the bytes of an ONNX file whose sum is right: refused, or what it holds is all in it.

    Files lie beside it under the names that its changed fields may ask for; were one read, the weights would show it.
    """
    from exporters.errors import ExportError
    from exporters.runtime import OnnxAgent

    shutil.copytree(case.base / "agents", "agents")
    for name in ("agent_0.onnx", "weights.bin", "w"):
        Path(name).write_bytes(SECRET)
    data = onnx_changed(Path("agents/agent_0.onnx").read_bytes(), case)
    listed_again("agent_0.onnx", data)
    try:
        agent = OnnxAgent("agents/agent_0.onnx", on_invalid="return")
    except ExportError as error:
        return REFUSED, str(error)
    if refers_elsewhere(data):
        raise SilentAcceptanceError("a file with external data was opened")
    obs = np.zeros((1, *agent.spec.obs.shape), agent.spec.obs.dtype)
    try:
        agent.act_batch(obs, np.ones((1, agent.spec.n_actions), bool), 0.5)
    except ExportError as error:
        return REFUSED, str(error)
    return READ, "opened, and all of it is its own"


def onnx_changed(data: bytes, case: Case) -> bytes:
    """Return a changed ONNX file: single bytes of its structure, longer numbers, fields that lead elsewhere."""
    rng, changed = case.rng, bytearray(data)
    match rng.randrange(7):
        case 0:  # an over-long varint: bits beyond the last that counts
            places = [place for place in range(min(len(data), 4_000)) if data[place] < 0x80]
            place = rng.choice(places)
            changed[place : place + 1] = bytes([data[place] | 0x80, *[0x80] * rng.randrange(9), rng.choice((0, 1, 16))])
        case 1:  # a field more, at the end of the outermost message
            number, wire = rng.randrange(0, 60), rng.randrange(8)
            changed += varint(number << 3 | wire) + bytes(rng.randrange(256) for _ in range(rng.randrange(12)))
        case 2:
            changed += rng.choice((b"\0" * 100_000, varint(7 << 3 | 2) + varint(2**62), varint(1 << 35 | 8) + b"\1"))
        case 3:
            changed[:0] = rng.choice((varint(2**32 | 7 << 3 | 2), varint(7 << 3 | 3), varint(0)))
        case 4:
            return externalised(data, case)
        case _:  # the head holds names, the spec and nodes; weights are most of the rest
            for _ in range(rng.randint(1, 4)):
                place = rng.randrange(min(len(changed), 6_000)) if rng.random() < 0.8 else rng.randrange(len(changed))
                changed[place] = rng.choice((changed[place] ^ 1 << rng.randrange(8), rng.randrange(256)))
    return bytes(changed)


def varint(number: int) -> bytes:
    """Return a number as protobuf writes it."""
    found = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        found.append(low | (0x80 if number else 0))
        if not number:
            return bytes(found)


def externalised(data: bytes, case: Case) -> bytes:
    """Return the file with one tensor's weights in another file."""
    import onnx

    model = onnx.load_model_from_string(data)
    tensor = case.rng.choice(model.graph.initializer)
    tensor.ClearField("raw_data")
    if case.rng.random() < 0.8:
        tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", case.rng.choice(("weights.bin", "../weights.bin", "w"))), ("offset", "0")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value
    return bytes(model.SerializeToString())


def refers_elsewhere(data: bytes) -> bool:
    """Ask onnx's own parser whether any tensor of a file keeps its data in another."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_model_from_string(data)
    except DecodeError:
        return False  # onnxruntime has read it; `tests/exporters/test_onnx_scan.py` compares the parsers
    return _keeps_elsewhere(model)


def _keeps_elsewhere(message: Any) -> bool:
    import onnx

    if isinstance(message, onnx.TensorProto) and (message.external_data or message.data_location):
        return True
    return any(
        _keeps_elsewhere(inner)
        for field, value in message.ListFields()
        if field.message_type is not None
        for inner in (value if hasattr(value, "append") or hasattr(value, "add") else [value])
    )


def changed_golden(case: Case) -> tuple[str, str]:
    """Change the golden rollout, its sum made right: refused in one line, or repeated."""
    shutil.copytree(case.base / "agents", "agents")
    data = Path("agents/golden.npz").read_bytes()
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    listed_again("golden.npz", golden_changed(data, arrays, case))
    return judged(case, GOLDEN, "golden.npz changed", may_be_read=True)


def golden_changed(data: bytes, arrays: dict[str, Any], case: Case) -> bytes:
    """Return other bytes, an archive of other arrays, or one of something else."""
    rng, name = case.rng, case.rng.choice(sorted(arrays))
    array = arrays[name]
    match rng.randrange(8):
        case 0:
            del arrays[name]
        case 1:
            arrays[name] = array.astype(rng.choice(("float64", "int8", "complex64", "U5", "S3", "bool", "M8[s]")))
        case 2:
            arrays[name] = rng.choice((array[:0], array[0], array[..., None], array.ravel(), array[:1], array[:, :0]))
        case 3:
            arrays = {key: value[:0] for key, value in arrays.items()}
        case 4:
            arrays[name] = np.full_like(array, rng.choice((0, 1, 127)))
        case 5:
            content = io.BytesIO()
            with zipfile.ZipFile(content, "w") as archive:
                inner = rng.choice((b"", b"\x93NUMPY", b"cos\nsystem\n(S'true'\ntR.", data[:99]))
                archive.writestr(f"{name}.npy", inner)
            return content.getvalue()
        case _:
            return damaged(data, rng)
    content = io.BytesIO()
    np.savez(content, **arrays)
    return content.getvalue()
