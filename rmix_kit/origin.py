"""What makes a run's numbers besides its configuration: versions, the commit, the machine's kind."""

from __future__ import annotations

import platform
import re
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent
GIT_SECONDS = 10.0
NOT_INSTALLED = "not installed"


def kit_version() -> str:
    """Return this package's version: that of the checkout that it is run from, or the installed one.

    The checkout is asked first: what an editable install wrote down is that of the day on which it was made.
    """
    return _version_of_checkout(PACKAGE) or _version("rmix-kit") or NOT_INSTALLED


def release_of(version: str) -> str:
    """Return the release that a version is, or leads to: a development version counts as that, 0.1.0.dev0 as 0.1.0."""
    return re.sub(r"\.dev\d+.*$", "", version)


def origin_of_process(env_steps: int, device: str, threads: int) -> dict[str, Any]:
    """Describe the process that works on a run from now on.

    Args:
        device: Where it trains, such as "cpu".

    Returns:
        One row of ``origin.jsonl``. ``commit`` and ``is_modified`` are None where the package is not run from its own
        git checkout.
    """
    commit, is_modified = source_commit()
    return {
        "env_steps": env_steps,
        "rmix_kit": kit_version(),
        "commit": commit,
        "is_modified": is_modified,
        "python": platform.python_version(),
        "torch": _version("torch"),
        "numpy": _version("numpy"),
        "numba": _version("numba"),
        "platform": f"{platform.system()} {platform.machine()}",
        "device": device,
        "threads": threads,
    }


def source_commit(package: Path = PACKAGE) -> tuple[str | None, bool | None]:
    """Return the commit of the checkout that a package is run from, and whether its files differ from it.

    Args:
        package: The package's folder, at the top of its checkout.

    Returns:
        None twice where there is no checkout or no git.
    """
    if not (package.parent / ".git").exists():
        return None, None
    commit = _git(package.parent, "rev-parse", "HEAD")
    status = _git(package.parent, "status", "--porcelain", "--untracked-files=no", "--", str(package))
    return (commit, bool(status)) if commit and status is not None else (None, None)


def _version_of_checkout(package: Path) -> str | None:
    try:
        with (package.parent / "pyproject.toml").open("rb") as file:
            project = tomllib.load(file)["project"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        return None
    return str(project["version"]) if project.get("name") == "rmix-kit" else None


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ("git", "-C", str(folder), *arguments), capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
