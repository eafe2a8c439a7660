"""Whether StarCraft II and smac are installed so that they work, and what to do where they are not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rmix_kit.doctor.finding import Finding, Status, needed
from rmix_kit.doctor.starcraft.game import examine_game, place, starcraft_folder
from rmix_kit.doctor.starcraft.interpreter import ask
from rmix_kit.doctor.starcraft.launching import examine_launch
from rmix_kit.doctor.starcraft.maps import examine_maps
from rmix_kit.doctor.starcraft.memory import GIB_PER_GAME, examine_memory
from rmix_kit.doctor.starcraft.packages import examine_packages, has_starcraft_package

__all__ = ["Finding", "Status", "examine", "is_starcraft_absent", "is_starcraft_ready", "starcraft_folder"]

_OPTIONAL = ("smacv2",)


def examine(
    python: str | None = None,
    sc2_path: Path | None = None,
    games: int = 1,
    *,
    gib_per_game: float | None = None,
    launch: bool = False,
) -> list[Finding]:
    """Check everything that StarCraft needs.

    Args:
        python: Interpreter that has smac; None for RMIX_SMAC_PYTHON, or else our own.
        sc2_path: Folder of the game; None for SC2PATH, or else ``~/StarCraftII``.
        games: Games at once, for the memory.
        gib_per_game: GiB that one game needs; None for the assumption that is printed.
        launch: Start the game, if nothing speaks against it.

    Returns:
        One finding per check. A part that is missing is ``absent`` if all of StarCraft is, and else a ``problem``.
    """
    asked, report = ask(python)
    packages = examine_packages(report) if report is not None else []
    game = examine_game(sc2_path)
    has_game = game[0].status == "ok"
    has_package = report is not None and has_starcraft_package(report)
    if has_game:
        game += examine_maps(place(sc2_path).folder, has_smacv2=report is not None and bool(report["smacv2"]))
    if has_game or has_package or game[0].status == "problem":
        packages, game = _all_needed(packages, has_package), needed(game)
    findings = [asked, *packages, *game, examine_memory(games, gib_per_game or GIB_PER_GAME)]
    if launch:
        findings.append(examine_launch(findings, asked_python=python, folder=place(sc2_path).folder))
    return findings


def is_starcraft_absent(findings: list[Finding]) -> bool:
    """Whether StarCraft is simply not installed.

    Args:
        findings: From `examine`.
    """
    return any(finding.name == "StarCraft II" and finding.status == "absent" for finding in findings)


def is_starcraft_ready(python: str | None = None) -> bool:
    """Whether game, packages and maps are installed and nothing speaks against them; the game is not started.

    Args:
        python: Interpreter that has smac; None for RMIX_SMAC_PYTHON, or else our own.
    """
    if starcraft_folder() is None:
        return False
    findings = examine(python)
    return not any(finding.status == "problem" for finding in findings) and not is_starcraft_absent(findings)


def _all_needed(packages: list[Finding], has_package: bool) -> list[Finding]:
    """Call missing packages problems: another part of StarCraft is there.

    Args:
        packages: From `examine_packages`.
        has_package: smac or smacv2 is installed, so that the other of the two is not needed.
    """
    judged = []
    for finding in packages:
        is_wrong_smac = finding.name == "smac" and finding.status == "warning"
        is_needed = finding.name not in _OPTIONAL and not (finding.name == "smac" and has_package)
        if is_needed and (is_wrong_smac or finding.status == "absent"):
            judged.append(replace(finding, status="problem"))
        else:
            judged.append(finding)
    return judged
