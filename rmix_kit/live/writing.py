"""A page of live agents as a static folder: written aside, and in its place once it is whole."""

from __future__ import annotations

import importlib.resources
import os
from collections.abc import Mapping
from importlib.resources.abc import Traversable
from pathlib import Path
from types import MappingProxyType
from typing import Any

from exporters.aside import folder_aside
from exporters.bundle import MANIFEST_NAME, read_member
from exporters.members import read_bytes
from rmix_kit.errors import MissingExtraError, RunFolderError
from rmix_kit.files.writing import json_text, writing
from rmix_kit.live.describing import Scene

CLIENT = "rmix.mjs"
AGENTS, RUNTIME, FACTS = "agents", "ort", "page.json"
SHARED: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        "dom": ("", ("html", "svg", "byId", "shown", "legendEntry")),
        "scene_macn": ('import { svg, legendEntry } from "./dom.mjs";\n', ("macnScene", "CELL")),
    }
)
"""Scripts of films that are modules here: what each needs at its head, and what it gives."""


def check_target(out: Path) -> None:
    """Refuse a folder that could not be written, before anything is computed.

    Raises:
        RunFolderError: It is there already, or has no folder to lie in.
    """
    if os.path.lexists(out):
        raise RunFolderError(f"{out} exists already; give --out another name")
    if not out.absolute().parent.is_dir():
        raise RunFolderError(f"{out} cannot be written: there is no folder {out.parent}; make it first")


def client_text() -> bytes:
    """Return the JavaScript client: in an installed package beside the page, in a checkout where clients lie.

    Raises:
        MissingExtraError: It is in neither place.
    """
    package = importlib.resources.files("rmix_kit.live")
    for place in (package / "page" / CLIENT, _checkout(package) / "clients" / "javascript" / CLIENT):
        if place.is_file():
            return place.read_bytes()
    raise MissingExtraError(f"{CLIENT} is not in this installation; install rmix-kit from its wheel or its checkout")


def _checkout(package: Traversable) -> Path:
    return Path(str(package)).parents[1]


def write_page(scene: Scene, directory: Path, facts: Mapping[str, Any], runtime: Mapping[str, bytes], out: Path) -> int:
    """Write the folder.

    Args:
        scene: What is played.
        directory: The exported folder.
        facts: From `rmix_kit.live.describing.facts_of`.
        runtime: Files of onnxruntime-web, from `rmix_kit.live.ort_web.files_of`.
        out: Where; it must be new.

    Returns:
        The size of all files in bytes.

    Raises:
        RunFolderError: The folder is there already, or the file system refuses.
        BundleError: The exported folder is damaged.
    """
    check_target(out)
    files = page_files() | {CLIENT: client_text(), FACTS: json_text(facts).encode()}
    files |= {f"{RUNTIME}/{name}": data for name, data in runtime.items()}
    files[f"{AGENTS}/{MANIFEST_NAME}"] = read_bytes(directory / MANIFEST_NAME)
    for entry in scene.manifest.agents:
        name = entry.files["onnx"]
        files[f"{AGENTS}/{name}"] = read_member(directory, scene.manifest, name)
    with writing(str(out), "nothing was left; write it elsewhere"), folder_aside(out) as staging:
        for name, data in files.items():
            (staging / name).parent.mkdir(exist_ok=True)
            (staging / name).write_bytes(data)
        staging.rename(out)
    return sum(map(len, files.values()))


def page_files() -> dict[str, bytes]:
    """Return the page's own files by name: what it shares with films is theirs, made into modules."""
    folder = importlib.resources.files("rmix_kit.live") / "page"
    files = {part.name: part.read_bytes() for part in folder.iterdir() if part.is_file() and part.name != CLIENT}
    films = importlib.resources.files("rmix_kit.films") / "page"
    files["base.css"] = (films / "style.css").read_bytes()
    for name, (head, exported) in SHARED.items():
        body = (films / f"{name}.js").read_text(encoding="utf-8")
        files[f"{name}.mjs"] = f"{head}{body}\nexport {{ {', '.join(exported)} }};\n".encode()
    return files
