"""The installed game: its folder, its versions and its program. Nothing is started here."""

from __future__ import annotations

import os
import platform
import re
import shlex
from dataclasses import dataclass
from pathlib import Path

from rmix_kit.doctor.finding import Finding
from rmix_kit.doctor.starcraft.elf import glibc_problem, program_problem

VARIABLE = "SC2PATH"
PROGRAM = "SC2_x64"
PACKAGE = "SC2.4.10.zip"
# Blizzard's archive asks for its password, by which its licence is accepted; the line leaves that to the user.
INSTALL = (
    f"curl -LO https://blzdistsc2-a.akamaihd.net/Linux/{PACKAGE} && unzip -o {PACKAGE} -d ~ && "
    f"export {VARIABLE}=~/StarCraftII"
)
# Base number -> version, from pysc2's table and Blizzard's list of Linux packages.
GAME_VERSIONS = {
    55958: "3.16.1", 56787: "3.17", 59587: "4.0.2", 60321: "4.1.2", 67926: "4.6.0 or 4.6.1", 69232: "4.6.2",
    70154: "4.7", 71663: "4.8.2", 72282: "4.8.3", 73286: "4.8.4", 73620: "4.8.6", 74071: "4.9.0", 74456: "4.9.1",
    74741: "4.9.2", 75025: "4.9.3", 75689: "4.10",
}  # fmt: skip
PAPER = 75689
"""Base number of 4.10, with which RMIX was measured."""
OLDEST = 55958
"""Games before 3.16.1 have no interface for programs."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the game should be.

    Attributes:
        folder: Its folder.
        said_by: What names it: an option, the variable, or nothing (the usual place).
    """

    folder: Path
    said_by: str

    def __str__(self) -> str:
        """Show the folder with what names it."""
        return f"{self.folder} ({self.said_by})"


def place(sc2_path: Path | None = None) -> Place:
    """Say where StarCraft II should be, as pysc2 looks for it.

    Args:
        sc2_path: The folder; None for SC2PATH, or else ``~/StarCraftII``.
    """
    if sc2_path is not None:
        return Place(folder=sc2_path.expanduser(), said_by="--sc2-path")
    if VARIABLE in os.environ:
        return Place(folder=Path(os.environ[VARIABLE]).expanduser(), said_by=VARIABLE)
    return Place(folder=Path("~/StarCraftII").expanduser(), said_by=f"{VARIABLE} is not set")


def bases(folder: Path) -> list[tuple[int, Path]]:
    """List ``Versions/Base*`` of a game with their numbers, ascending."""
    found = []
    for entry in _entries(folder / "Versions"):
        if entry.is_dir() and (match := re.fullmatch(r"Base(\d+)", entry.name)):
            found.append((int(match[1]), entry))
    return sorted(found)


def starcraft_folder() -> Path | None:
    """Return the folder of an installed StarCraft II, None if there is none: a look at the disk, no process.

    It says nothing about smac or about maps; `rmix-kit doctor` does.
    """
    folder = place().folder
    return folder if any((base / PROGRAM).is_file() for _, base in bases(folder)) else None


def examine_game(sc2_path: Path | None) -> list[Finding]:
    """Check folder, versions and program; the first that fails ends it.

    Args:
        sc2_path: The folder; None for SC2PATH, or else ``~/StarCraftII``.
    """
    where = place(sc2_path)
    name = "StarCraft II"
    is_named = where.said_by in (VARIABLE, "--sc2-path")
    if not where.folder.is_dir():
        is_file = where.folder.exists()
        found = f"{where}: {'not a folder' if is_file else 'there is no such folder'}"
        usual = Path("~/StarCraftII").expanduser()
        fix = f"export {VARIABLE}={shlex.quote(str(usual))}" if bases(usual) else INSTALL
        return [Finding(name=name, status="problem" if is_named or is_file else "absent", found=found, fix=fix)]
    if not (where.folder / "Versions").is_dir():
        nothing = "the folder is empty" if not _entries(where.folder) else "it has no folder Versions"
        inner = next((entry for entry in _entries(where.folder) if (entry / "Versions").is_dir()), None)
        fix = f"export {VARIABLE}={shlex.quote(str(inner))}" if inner else INSTALL
        found = f"{where}: {nothing}" + (f", but {inner.name} in it has" if inner else "")
        return [Finding(name=name, status="problem", found=found, fix=fix)]
    findings = [Finding(name=name, status="ok", found=str(where))]
    versions = bases(where.folder)
    if not versions:
        found = f"{where.folder / 'Versions'} has no folder Base*"
        return [*findings, Finding(name="Versions", status="problem", found=found, fix=INSTALL)]
    return [*findings, _version(versions), _program(versions[-1][1])]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _version(versions: list[tuple[int, Path]]) -> Finding:
    """Return which game it is; pysc2 takes the highest number."""
    number = versions[-1][0]
    found = f"{versions[-1][1].name}: StarCraft II {GAME_VERSIONS.get(number, 'of a version not known here')}"
    if len(versions) > 1:
        found += f", the newest of {len(versions)}"
    if number == PAPER:
        return Finding(name="Versions", status="ok", found=f"{found}, the one of the paper")
    if number < OLDEST:
        found += "; versions before 3.16.1 cannot be played by programs"
        return Finding(name="Versions", status="problem", found=found, fix=INSTALL)
    found += "; results of different versions cannot be compared, and the paper's are of 4.10"
    return Finding(name="Versions", status="warning", found=found, fix=INSTALL)


def _program(base: Path) -> Finding:
    name, path = "binary", base / PROGRAM
    if not path.is_file():
        found = f"there is no {path}: the archive was not unpacked to its end"
        return Finding(name=name, status="problem", found=found, fix=INSTALL)
    try:
        trouble = program_problem(path)
    except OSError as error:
        fix = f"chmod u+rx {shlex.quote(str(path))}"
        return Finding(name=name, status="problem", found=f"{path} cannot be read: {error.strerror}", fix=fix)
    if trouble:
        return Finding(name=name, status="problem", found=f"{path} {trouble}", fix=INSTALL)
    if not os.access(path, os.X_OK):
        fix = f"chmod +x {shlex.quote(str(path))}"
        return Finding(name=name, status="problem", found=f"{path} is not executable", fix=fix)
    with path.open("rb") as file:
        if file.read(2) == b"#!":
            found = f"{path} is a script, a stand-in for the game: win rates on it mean nothing"
            return Finding(name=name, status="warning", found=found, fix=INSTALL)
    if platform.system() != "Linux":
        found = f"{path}: known here are only the Linux packages; this is {platform.system()}"
        return Finding(name=name, status="warning", found=found)
    if trouble := glibc_problem(path):
        fix = "ldd --version  # the game needs a newer system, or a container of one"
        return Finding(name=name, status="problem", found=f"{path} {trouble}", fix=fix)
    size = path.stat().st_size
    found = f"{path}, {size / 2**20:.1f} MiB; it was not started (--launch does)"
    return Finding(name=name, status="ok", found=found)
