"""A measured frontier as files: tables as CSV and Markdown, the record as JSON, figures as PNG and SVG."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rmix_kit.errors import RunFolderError
from rmix_kit.files.writing import json_text, write_file
from rmix_kit.reports.frontier.measuring import Frontier
from rmix_kit.reports.frontier.table import markdown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEAM = "mean"
_DECIMALS = 6
_PIXELS_PER_INCH = 200


def check_can_write(folder: Path) -> None:
    """Refuse before anything is played what would fail after it.

    Args:
        folder: Where the files shall be; it may be missing.

    Raises:
        RunFolderError: There is a file in the folder's place, or nothing may be written there.
        ModuleNotFoundError: matplotlib is not installed.
    """
    import matplotlib.figure  # noqa: F401

    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not there.is_dir():
        raise RunFolderError(f"{there} is a file; --frontier takes a folder, new or old, for its tables and figures")
    if not os.access(there, os.W_OK):
        raise RunFolderError(f"nothing may be written in {there}; give --frontier another folder")


def write_frontier(frontier: Frontier, folder: Path) -> list[Path]:
    """Write frontier.csv, .json, .md, .png and .svg, and on MACN visits.csv, .png and .svg; older ones are replaced.

    Args:
        folder: Where; made if it is missing.

    Returns:
        The files, in the order in which they were written.
    """
    from rmix_kit.reports.frontier.figures import draw_frontier, draw_visits

    text = json_text(frontier.to_json(), indent=2, ensure_ascii=False) + "\n"
    files = {
        "frontier.csv": csv_of(frontier.rows()),
        "frontier.json": text.encode(),
        "frontier.md": markdown(frontier).encode(),
    }
    files |= _pictures("frontier", draw_frontier(frontier))
    if all(level.visits is not None for level in frontier.levels):
        files |= {"visits.csv": csv_of(visit_rows(frontier))} | _pictures("visits", draw_visits(frontier))
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_file(folder / name, data)
    return [folder / name for name in files]


def visit_rows(frontier: Frontier) -> list[dict[str, float | str | None]]:
    """Return one row per level, agent (and their mean) and cell that is no wall."""
    rows: list[dict[str, float | str | None]] = []
    for level in frontier.levels:
        if level.visits is None:
            continue
        layout, share, steps = level.visits.layout, level.visits.share, level.visits.steps
        names = [f"agent_{agent}" for agent in range(len(share))] + [TEAM]
        tables = zip(names, [*share, share.mean(0)], [*steps, steps.mean(0)], strict=True)
        rows += [
            {
                "risk_level": level.name,
                "agent": name,
                "row": cell // layout.width,
                "column": cell % layout.width,
                "mark": mark,
                "share_of_episodes": float(shares[cell]),
                "steps_per_episode": float(means[cell]),
            }
            for name, shares, means in tables
            for cell, mark in enumerate(layout.cells)
            if mark != "#"
        ]
    return rows


def csv_of(rows: Sequence[Mapping[str, float | str | None]]) -> bytes:
    """Return rows as CSV, numbers with six decimals at most, an empty field where there is no number.

    Args:
        rows: At least one, all with the same keys.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows(["" if value is None else _rounded(value) for value in row.values()] for row in rows)
    return text.getvalue().encode()


def _rounded(value: float | str) -> float | str:
    return round(value, _DECIMALS) if isinstance(value, float) else value


def _pictures(name: str, figure: Figure) -> dict[str, bytes]:
    """Return a figure as PNG and as SVG, the same bytes for the same figure."""
    import matplotlib

    found = {}
    with matplotlib.rc_context({"svg.hashsalt": "rmix-kit"}):
        for kind, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            data = io.BytesIO()
            figure.savefig(data, format=kind, dpi=_PIXELS_PER_INCH, metadata=metadata, bbox_inches="tight")
            found[f"{name}.{kind}"] = data.getvalue()
    return found
