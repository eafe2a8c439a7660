"""A measured frontier as files: tables as CSV and Markdown, the record as JSON, figures as PNG and SVG."""

from __future__ import annotations

import os
from pathlib import Path

from rmix_kit.errors import RunFolderError
from rmix_kit.files.writing import json_text, write_file
from rmix_kit.plotting.style import picture
from rmix_kit.reports.frontier.measuring import Frontier
from rmix_kit.reports.frontier.table import level_table, markdown, visit_table

_KINDS = ("png", "svg")


def check_can_write(folder: Path, option: str = "--frontier") -> None:
    """Refuse before anything is played what would fail after it.

    Args:
        folder: Where the files shall be; it may be missing.
        option: Which named it.

    Raises:
        RunFolderError: There is a file in the folder's place, or nothing may be written there.
        ModuleNotFoundError: matplotlib is not installed.
    """
    import matplotlib.figure  # noqa: F401

    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise RunFolderError(f"{there} is a file; {option} takes a folder, new or old, for its tables and figures")
    if not os.access(there, os.W_OK):
        raise RunFolderError(f"nothing may be written in {there}; give {option} another folder")


def write_frontier(frontier: Frontier, folder: Path) -> list[Path]:
    """Write frontier.csv, .json, .md, .png and .svg, and on MACN visits.csv, .png and .svg; older ones are replaced.

    Args:
        folder: Where; made if it is missing.

    Returns:
        The files, in the order in which they were written.
    """
    from rmix_kit.reports.frontier.figures import draw_frontier, draw_visits

    files = {
        "frontier.csv": level_table(frontier).to_csv().encode(),
        "frontier.json": (json_text(frontier.to_json(), indent=2, ensure_ascii=False) + "\n").encode(),
        "frontier.md": markdown(frontier).encode(),
    }
    drawn = draw_frontier(frontier)
    files |= {f"frontier.{kind}": picture(drawn, kind) for kind in _KINDS}
    if all(level.visits is not None for level in frontier.levels):
        files["visits.csv"] = visit_table(frontier).to_csv().encode()
        drawn = draw_visits(frontier)
        files |= {f"visits.{kind}": picture(drawn, kind) for kind in _KINDS}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_file(folder / name, data)
    return [folder / name for name in files]
