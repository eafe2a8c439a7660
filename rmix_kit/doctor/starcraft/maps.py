"""The maps, which no package brings."""

from __future__ import annotations

import shlex
from pathlib import Path

from rmix_kit.doctor.finding import Finding

SMAC_MAPS = (
    "3m", "8m", "25m", "5m_vs_6m", "8m_vs_9m", "10m_vs_11m", "27m_vs_30m", "MMM", "MMM2", "2s3z", "3s5z",
    "3s5z_vs_3s6z", "3s_vs_3z", "3s_vs_4z", "3s_vs_5z", "1c3s5z", "2m_vs_1z", "corridor", "6h_vs_8z", "2s_vs_1sc",
    "so_many_baneling", "bane_vs_bane", "2c_vs_64zg",
)  # fmt: skip
SMACV2_MAPS = ("32x32_flat",)
_ARCHIVE = b"MPQ\x1a", b"MPQ\x1b"
"""How every map file begins."""


def examine_maps(game: Path, *, has_smacv2: bool) -> list[Finding]:
    """Look for the map files where smac and smacv2 look.

    Args:
        has_smacv2: smacv2 is installed, so that its map is needed.
    """
    findings = [_maps("maps", "smac", game, SMAC_MAPS)]
    if has_smacv2:
        findings.append(_maps("maps of SMACv2", "smacv2", game, SMACV2_MAPS))
    return findings


def _maps(name: str, package: str, game: Path, wanted: tuple[str, ...]) -> Finding:
    """Check one set of maps.

    Args:
        package: ``smac`` or ``smacv2``, whose repository has the files.
        wanted: Names of maps.
    """
    folder = game / "Maps" / "SMAC_Maps"
    target = shlex.quote(str(folder))
    source = f'"$copy"/{package}/env/starcraft2/maps/SMAC_Maps'
    # One map: that file alone, since the repositories share names and may come to differ in what they name so.
    files = "*" if len(wanted) > 1 else wanted[0]
    fix = (
        f'copy=$(mktemp -d) && git clone --depth 1 https://github.com/oxwhirl/{package}.git "$copy" && '
        f"mkdir -p {target} && "
        f"cp {source}/{files}.SC2Map {target}"
    )
    missing = [entry for entry in wanted if not _file(folder, entry).is_file()]
    if not missing:
        broken = [entry for entry in wanted if not _is_archive(_file(folder, entry))]
        if broken:
            found = f"{folder}: not map files, though named so: {', '.join(broken)}"
            return Finding(name=name, status="problem", found=found, fix=fix)
        found = f"all {len(wanted)} in {folder}" if len(wanted) > 1 else f"{wanted[0]} in {folder}"
        return Finding(name=name, status="ok", found=found)
    elsewhere = _elsewhere(game, missing)
    if elsewhere is not None:
        fix = f"mkdir -p {target} && cp {shlex.quote(str(elsewhere))}/*.SC2Map {target}"
        found = f"expected in {folder}, found in {elsewhere}"
    elif len(missing) == len(wanted):
        found = f"expected in {folder}, and none is there"
    else:
        found = f"expected in {folder}, and missing there: {', '.join(missing)}"
    return Finding(name=name, status="problem", found=found, fix=fix)


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name}.SC2Map"


def _elsewhere(game: Path, missing: list[str]) -> Path | None:
    """Find a folder below Maps that has all the missing maps."""
    candidates = {path.parent for path in sorted((game / "Maps").rglob(f"{missing[0]}.SC2Map"))}
    whole = [folder for folder in sorted(candidates) if all(_file(folder, name).is_file() for name in missing)]
    return whole[0] if whole else None


def _is_archive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) in _ARCHIVE
    except OSError:
        return False
