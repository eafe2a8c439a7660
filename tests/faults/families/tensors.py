"""Tensor files of a run with other tensors in them, their sums and the manifest's own digest made right."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from rmix_kit.files.writing import seal
from tests.faults.cases import Case, SilentAcceptanceError, chosen, judged
from tests.faults.families.runs import READERS, newest

Tensors = dict[str, NDArray[Any]]
OF_FORM = "gone", "renamed", "one more", "another dtype", "another shape", "empty", "nothing at all"
"""What cannot be what was saved, whatever the sums say."""


def changed_tensors(case: Case) -> tuple[str, str]:
    """Change tensors of the newest checkpoint or of a segment: another form is refused, other values are read."""
    reader = chosen(case, [reader for reader in READERS if reader.name in ("resume", "evaluate")])
    run = Path(reader.folder)
    checkpoint = run / "checkpoints" / f"step_{newest(run)}"
    manifest: dict[str, Any] = json.loads((checkpoint / "manifest.json").read_text())
    entries = [(entry, checkpoint) for entry in manifest["files"]]
    entries += [(entry["file"], run / "replay") for entry in manifest["segments"]]
    entry, folder = case.rng.choice(entries[:1] if reader.name == "evaluate" else entries)
    tensors = load((folder / entry["name"]).read_bytes())
    how = changed(tensors, case)
    data = save(tensors)
    entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (folder / entry["name"]).write_bytes(data)
    (checkpoint / "manifest.json").write_bytes(seal(manifest))
    outcome = judged(case, reader, f"{entry['name']}: {how}", may_be_read=True)
    if outcome[0] != "refused" and how.split(":")[0] in OF_FORM:
        raise SilentAcceptanceError(f"{reader.name}: {entry['name']}: {how}")
    return outcome


def changed(tensors: Tensors, case: Case) -> str:
    """Change one tensor, and say how."""
    rng, name = case.rng, case.rng.choice(sorted(tensors))
    array = tensors[name]
    match rng.randrange(10):
        case 0:
            del tensors[name]
            return f"gone: {name}"
        case 1:
            tensors[name + rng.choice(("x", "/step", ".weight"))] = tensors.pop(name)
            return f"renamed: {name}"
        case 2:
            tensors["unknown"] = array
            return "one more"
        case 3:
            other = rng.choice(
                [kind for kind in ("float64", "float16", "int64", "uint8", "bool") if kind != array.dtype]
            )
            tensors[name] = array.astype(other)
            return f"another dtype: {name} {other}"
        case 4 if array.size:
            tensors[name] = rng.choice((array[None], np.concatenate((array.ravel(), array.ravel()))))
            return f"another shape: {name}"
        case 5 if array.size:
            tensors[name] = array.ravel()[:0]
            return f"empty: {name}"
        case 6:
            tensors.clear()
            return "nothing at all"
        case 7:
            values = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, array.nbytes, dtype=np.uint8)
            tensors[name] = values.view(array.dtype).reshape(array.shape) if array.dtype != bool else ~array
            return f"other values: {name}"
        case 8 if array.dtype.kind == "f":
            tensors[name] = np.full_like(array, rng.choice((np.nan, np.inf, -1e38, 0)))
            return f"one value: {name}"
        case _:
            largest = np.iinfo(array.dtype).max if array.dtype.kind in "iu" else 1
            tensors[name] = np.full_like(array, largest)
            return f"the largest: {name}"
