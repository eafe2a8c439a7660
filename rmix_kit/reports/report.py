"""Writing a report's folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from exporters.aside import PARTIAL_SUFFIX, folder_aside
from rmix_kit.errors import RecordError, RunFolderError
from rmix_kit.files.reading import LARGEST_LOG, read_plain
from rmix_kit.files.writing import json_text, writing
from rmix_kit.metrics import SUCCESS
from rmix_kit.plotting.style import picture
from rmix_kit.reports.content import make_page
from rmix_kit.reports.forecasts import Forecasts
from rmix_kit.reports.groups import Cell, group_runs
from rmix_kit.reports.marl_eval import marl_eval
from rmix_kit.reports.page import GENERATOR, Made, Page, render
from rmix_kit.reports.paper import FIGURE_15_ALGORITHMS
from rmix_kit.reports.scores import ScoreName, Scores
from rmix_kit.reports.statistics import RESAMPLES
from rmix_kit.reports.variants import name_presets, name_variants
from rmix_kit.results import RunRecord

PAGE, MARL_EVAL, FIGURES, TABLES = "index.html", "marl_eval.json", "figures", "tables"
PARTS = (FIGURES, TABLES, MARL_EVAL, PAGE)  # the page last: it tells that the folder is a whole report


def write_report(
    records: Sequence[RunRecord],
    out: Path,
    *,
    title: str = "",
    made: Made | None = None,
    expected: Sequence[Cell] = (),
    forecasts: Sequence[Forecasts] = (),
    allow_mixed: bool = False,
    has_variants: bool = False,
    score: ScoreName = SUCCESS,
    is_figure_15: bool = False,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Path:
    """Write a report on runs: a page, its figures, its tables, and marl-eval's JSON.

    Args:
        out: The report's folder: new, or with other things than a report's, or an older report, which is replaced.
        title: Heading of the page; of the algorithms and environments if empty.
        made: When and by which command, for its head; the same runs give the same page where it is left out.
        expected: Planned cells (preset, environment text, seeds); what of them is missing is shown as not run.
        forecasts: Measured calibrations, shown with their environments.
        allow_mixed: Label runs of one algorithm and environment that differ instead of refusing them.
        has_variants: Give settings of one algorithm that differ a name and a row each, as presets always have.
        score: What the statistics count; see `rmix_kit.reports.scores.Scores`.
        is_figure_15: Only the algorithms of the RMIX paper's Figure 15, which comes first.
        seed: Of its draws; the same runs and seed give the same report.

    Returns:
        The page.

    Raises:
        RecordError: There is nothing to report, or runs do not belong together.
        RunFolderError: The folder cannot be written, or holds something else under the name of a report's part.
    """
    records, expected = _chosen(records, expected, is_figure_15=is_figure_15)
    records = name_variants(records) if has_variants else name_presets(records)
    groups = group_runs(records, expected, allow_mixed=allow_mixed)
    if strange := sorted({found.env for found in forecasts} - {group.env for group in groups if group.runs}):
        raise RecordError(
            f"calibrated on {', '.join(strange)}, where no finished run was given; give one, or leave it out"
        )
    _check_folder(out)
    page = make_page(
        groups,
        Scores(groups, score),
        title=title,
        made=made,
        forecasts=forecasts,
        is_figure_15=is_figure_15,
        resamples=resamples,
        seed=seed,
    )
    with writing(str(out), "what was there stands; make room and report again"):
        near = out if out.is_dir() else out.parent  # within a folder that is there, which may be a disk of its own
        near.mkdir(parents=True, exist_ok=True)
        with folder_aside(near / "report") as aside:
            _write(aside, page)
            (aside / MARL_EVAL).write_text(json_text(marl_eval(groups), indent=1) + "\n", encoding="utf-8")
            _move(aside, out)
    return out / PAGE


def _chosen(
    records: Sequence[RunRecord], expected: Sequence[Cell], *, is_figure_15: bool
) -> tuple[Sequence[RunRecord], Sequence[Cell]]:
    """Return the runs and planned cells of a report, those of the paper's figure alone where that is asked for."""
    if is_figure_15:
        records = [record for record in records if record.algo in FIGURE_15_ALGORITHMS]
        shown = {*FIGURE_15_ALGORITHMS, *(record.preset for record in records)}
        expected = [cell for cell in expected if cell[0] in shown] or _all_cells(records)
    if not records and not expected:
        among = f" of {', '.join(FIGURE_15_ALGORITHMS)}" if is_figure_15 else ""
        raise RecordError(f"there are no runs{among} to report; give folders that hold some")
    return records, expected


def _all_cells(records: Sequence[RunRecord]) -> list[Cell]:
    """Every algorithm of the figure, under the presets that it has runs of, with the seeds that any has there."""
    seeds: dict[str, set[int]] = {}
    presets: dict[str, set[str]] = {}
    for record in records:
        seeds.setdefault(record.env, set()).add(record.seed)
        presets.setdefault(record.algo, set()).add(record.preset)
    names = [name for algo in FIGURE_15_ALGORITHMS for name in sorted(presets.get(algo, {algo}))]
    return [(name, env, sorted(seeds[env])) for env in seeds for name in names]


def _check_folder(out: Path) -> None:
    """Refuse to replace what is no report."""
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"{out} is a file; name a folder for the report")
    taken = [name for name in PARTS if (out / name).exists()]
    was_killed = any(out.glob(f".report.*{PARTIAL_SUFFIX}"))  # while it moved the parts of a first report into place
    if taken and not was_killed and not _is_report(out / PAGE):
        raise RunFolderError(f"{out} holds {', '.join(taken)} and is no report; name another folder")


def _is_report(page: Path) -> bool:
    try:
        return f'content="{GENERATOR}"'.encode() in read_plain(page, LARGEST_LOG)[:1000]
    except OSError:
        return False


def _write(folder: Path, page: Page) -> None:
    for name in (FIGURES, TABLES):
        (folder / name).mkdir()
    drawings = {}
    for figure in page.figures:
        drawn = figure.draw()
        for kind in ("png", "svg"):
            data = picture(drawn, kind)
            (folder / FIGURES / f"{figure.name}.{kind}").write_bytes(data)
        drawings[figure.name] = data.decode()
    for table in page.tables:
        (folder / table.file).write_text(table.to_csv(), encoding="utf-8")
    (folder / PAGE).write_text(render(page, drawings), encoding="utf-8")


def _move(aside: Path, out: Path) -> None:
    """Put the whole where it belongs in one step, or, where something is there, each part in one."""
    if not out.exists():
        os.rename(aside, out)
        return
    for name in PARTS:
        old = aside / f"old-{name}"
        if (out / name).is_dir():
            os.replace(out / name, old)
        os.replace(aside / name, out / name)
