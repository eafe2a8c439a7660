"""Says on standard output, as JSON, what an interpreter has of the packages that StarCraft needs.

A program of its own, run by that interpreter: Python 3.8 or newer, the standard library alone. It imports none of the
packages (smac parses the command line when it is imported); it looks where they lie and reads their metadata.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import sys
from typing import Dict, List, Optional  # noqa: UP035 - this file runs on Python 3.8

DISTRIBUTIONS = (
    "smac", "smacv2", "pysc2", "s2clientprotocol", "pys2clientprotocol", "protobuf", "absl-py", "portpicker",
    "websocket-client", "numpy", "onnx",
)  # fmt: skip
MODULES = ("pysc2", "absl", "portpicker", "websocket", "numpy", "google.protobuf")


def folders(module: str) -> List[str]:  # noqa: UP006
    """Find the folders of a package, without importing it; none if there is no such package."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, AttributeError, ValueError):
        return []
    if spec is None:
        return []
    return [str(folder) for folder in spec.submodule_search_locations or [os.path.dirname(spec.origin or "")]]


def version(distribution: str) -> Optional[str]:  # noqa: UP045
    """Return the version that an installed distribution says it has."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def has_file(module: str, *path: str) -> bool:
    """Whether a package has this file or folder."""
    return any(os.path.exists(os.path.join(folder, *path)) for folder in folders(module))


def which_smac() -> str:
    """Tell StarCraft's smac from the optimiser of the same name: ``starcraft``, ``smac3``, ``other`` or ``none``."""
    if not folders("smac"):
        return "none"
    if has_file("smac", "env", "starcraft2", "starcraft2.py"):
        return "starcraft"
    return "smac3" if has_file("smac", "facade") else "other"


def protocol_flavour() -> str:
    """Return how the generated messages of StarCraft's protocol build themselves.

    Returns:
        ``descriptors``: in a way that protobuf 4 and newer refuse; ``builder``: for protobuf 3.20 or newer;
        ``checked``: for the protobuf named in the file or newer; ``stripped``: the folder has no such file;
        ``none``: there is no folder.
    """
    found = folders("s2clientprotocol")
    for folder in found:
        path = os.path.join(folder, "common_pb2.py")
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                source = file.read()
            if "_descriptor.EnumValueDescriptor(" in source:
                return "descriptors"
            return "checked" if "runtime_version" in source else "builder"
    return "stripped" if found else "none"


def protocol_made_by() -> str:
    """Return the protobuf version that generated the messages; 5.26, the first that checks it, where none is named."""
    for folder in folders("s2clientprotocol"):
        path = os.path.join(folder, "common_pb2.py")
        if os.path.exists(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                for line in file:
                    if line.startswith("# Protobuf Python Version:"):
                        return line.split(":")[1].strip()
    return "5.26"


def has_fast_protobuf() -> bool:
    """Whether protobuf came with its compiled half."""
    parents = [os.path.dirname(folder) for folder in folders("google.protobuf")]
    places = [os.path.join(parent, *inner) for parent in parents for inner in (("_upb",), ("protobuf", "pyext"))]
    return any(
        name.startswith("_message") and not name.endswith(".py")
        for place in places
        if os.path.isdir(place)
        for name in os.listdir(place)
    )


def onnx_needs() -> str:
    """Return what the installed onnx says about protobuf, such as ``protobuf>=6.31.1``."""
    try:
        lines = importlib.metadata.requires("onnx") or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    return next((line for line in lines if line.startswith("protobuf")), "")


def report() -> Dict[str, object]:  # noqa: UP006
    """Collect everything."""
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "smac": which_smac(),
        "smacv2": has_file("smacv2", "env", "starcraft2", "starcraft2.py"),
        "protocol": protocol_flavour(),
        "protocol_made_by": protocol_made_by(),
        "fast_protobuf": has_fast_protobuf(),
        "forced_protobuf": os.environ.get("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", ""),
        "onnx_needs": onnx_needs(),
        "versions": {name: version(name) for name in DISTRIBUTIONS},
        "modules": {name: bool(folders(name)) for name in MODULES},
    }


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))  # its modules are not packages that somebody installed
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != here]
    sys.stdout.write(json.dumps(report()) + "\n")
