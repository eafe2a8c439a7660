"""What clients are built and run with; `python -m tests.clients.tools` installs it into .clients, which git ignores.

npm packages without their scripts (one of them would fetch drivers of graphics cards), and the C API's header from
Debian's `libonnxruntime-dev`: the installed one, or that of a release that has it, unpacked and not installed.
`ONNXRUNTIME_INCLUDE` names a folder with the header instead.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from rmix_kit.live.ort_web import VERSION

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".clients"
MODULES = PLACE / "node_modules"
PACKAGES = ("onnxruntime-node@1.24.3", f"onnxruntime-web@{VERSION}", "typescript@5.9.3")
"""Node's library, which C++ uses too, stays at 1.24: 1.30 leaks 14 bytes when it is loaded, and we look for leaks."""
HEADER = "onnxruntime_c_api.h"
RELEASE = "trixie"
"""A Debian release whose `libonnxruntime-dev` is at hand; 12 (bookworm) has none."""
LIBRARY = MODULES / "onnxruntime-node" / "bin" / "napi-v6" / "linux"
ARCHITECTURES = {"x86_64": "x64", "aarch64": "arm64"}


def library() -> Path:
    """Return onnxruntime's shared library of the npm package."""
    return LIBRARY / ARCHITECTURES[os.uname().machine] / "libonnxruntime.so.1"


def include() -> Path | None:
    """Return the folder of the C API's header, or None."""
    places = [os.environ.get("ONNXRUNTIME_INCLUDE", ""), "/usr/include/onnxruntime", str(PLACE / "include")]
    return next((Path(place) for place in places if place and (Path(place) / HEADER).is_file()), None)


def install() -> None:
    """Install what is missing; says in one line what cannot be had."""
    missing = [name for name in ("node", "npm", "g++", "chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        names = {"node": "nodejs", "chromedriver": "chromium-driver"}
        packages = " ".join(names.get(name, name) for name in missing)
        sys.exit(f"test-clients needs {', '.join(missing)}; as root: apt-get install {packages}")
    PLACE.mkdir(exist_ok=True)
    if not all((MODULES / name.split("@")[0]).is_dir() for name in PACKAGES):
        _run("npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", PLACE, *PACKAGES)
    if include() is None:
        _fetch_header()


def _fetch_header() -> None:
    place = PLACE / "apt"
    sources = place / "sources"
    for folder in (sources, place / "lists" / "partial", place / "cache" / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    for file in [Path("/etc/apt/sources.list"), *Path("/etc/apt/sources.list.d").glob("debian*")]:
        if file.is_file():
            text = re.sub(r"\b(bookworm|bullseye)\b", RELEASE, file.read_text(encoding="utf-8"))
            (sources / file.name).write_text(text, encoding="utf-8")
    options = [
        *("-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={sources}"),
        *("-o", f"Dir::State::lists={place / 'lists'}", "-o", f"Dir::Cache={place / 'cache'}"),
    ]
    _run("apt-get", *options, "-qq", "update")
    _run("apt-get", *options, "-qq", "download", "libonnxruntime-dev", where=place)
    (package,) = place.glob("libonnxruntime-dev_*.deb")
    _run("dpkg-deb", "--extract", package, place / "unpacked")
    shutil.copytree(place / "unpacked" / "usr" / "include" / "onnxruntime", PLACE / "include", dirs_exist_ok=True)
    shutil.rmtree(place)


def _run(*command: str | Path, where: Path = ROOT) -> None:
    done = subprocess.run([str(part) for part in command], cwd=where, capture_output=True, text=True)
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        sys.exit(f"test-clients: {' '.join(map(str, command[:2]))} failed: {said}")


if __name__ == "__main__":
    install()
