"""``rmix-kit report``."""

from __future__ import annotations

import importlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from rmix_kit.cli.kit import KitCommand, command_line
from rmix_kit.cli.output import note, print_json
from rmix_kit.cli.trust import consent_options
from rmix_kit.cli.words import Word
from rmix_kit.metrics import SUCCESS

if TYPE_CHECKING:
    from rmix_kit.envs.consent import Consent
    from rmix_kit.reports.scores import ScoreName


@click.command("report", cls=KitCommand)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder; an older report is replaced.")
@click.option("--title", default="", help="Heading of the page, in place of the algorithms and environments.")
@click.option("--expect", type=click.Path(path_type=Path), help="YAML list of planned {algo, env, seeds}.")
@click.option(
    "--score", default=SUCCESS, show_default=True, type=Word((SUCCESS, "normalized_return")),
    help="What the statistics count; returns are normalised where MACN's optimum is known, or success not reported.",
)  # fmt: skip
@click.option(
    "--calibration", "calibrated", metavar="FOLDER", multiple=True, type=click.Path(path_type=Path),
    help="What `evaluate --calibration FOLDER` wrote, as rows beside; may be repeated.",
)  # fmt: skip
@click.option("--evaluate", is_flag=True, help="First play the best and last checkpoint of runs that lack it (torch).")
@consent_options
@click.option("--figure-15", is_flag=True, help="The RMIX paper's Figure 15: rmix, rdn, vdn and qmix alone.")
@click.option("--variants", is_flag=True, help="A row per setting of an algorithm that differs, named by it.")
@click.option("--allow-mixed", is_flag=True, help="Label runs that differ, instead of refusing them.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
def command(
    runs: tuple[Path, ...],
    out: Path,
    title: str,
    expect: Path | None,
    score: str,
    calibrated: tuple[Path, ...],
    evaluate: bool,
    consent: Consent | None,
    figure_15: bool,
    variants: bool,
    allow_mixed: bool,
    as_json: bool,
) -> None:
    """Compare RUNS (run folders, records, or folders of them) on one page, with figures and tables as files.

        rmix-kit report runs --out report
        rmix-kit report runs/rmix-* runs/qmix-* --out report --title "RMIX and QMIX"
        rmix-kit report runs --out report --evaluate     for runs of `train`, which end without these episodes
        rmix-kit report runs --out report --calibration forecasts
        rmix-kit report runs --out figure-15 --figure-15

    The page needs no network. Beside it lie figures/ (PNG, SVG), tables/ (CSV) and marl_eval.json. Runs of one
    algorithm on one environment that differ in more than their seed are refused by name, unless --variants tells
    their settings apart. Runs of a preset that is not the algorithm's own are called by its name.
    """
    from rmix_kit.reports.expected import read_expected
    from rmix_kit.reports.forecasts import read_forecasts
    from rmix_kit.reports.page import Made
    from rmix_kit.reports.report import write_report
    from rmix_kit.results import find_records

    importlib.import_module("matplotlib")  # where it is missing, that is said before anything is played or remarked on
    expected = read_expected(expect) if expect is not None else []
    forecasts = read_forecasts(calibrated)
    if evaluate:
        play_missing(runs, consent)
    records = find_records(runs)
    unfinished = [record.name for record in records if not record.is_finished]
    if unfinished:
        note(f"unfinished, left out of figures and statistics: {', '.join(unfinished)}")
    if lacking := [record.name for record in records if record.is_finished and record.best is None]:
        note(f"without episodes of the best checkpoint (--evaluate plays them): {', '.join(lacking)}")
    if unsealed := [record.name for record in records if record.is_finished and not record.is_sealed]:
        note(f"without a seal, not compared with what training wrote at its end: {', '.join(unsealed)}")
    page = write_report(
        records,
        out,
        title=title,
        made=Made(date=f"{datetime.now(UTC):%Y-%m-%d}", command=command_line(click.get_current_context())),
        expected=expected,
        forecasts=forecasts,
        allow_mixed=allow_mixed,
        has_variants=variants,
        score=cast("ScoreName", score),
        is_figure_15=figure_15,
    )
    if as_json:
        left = {"unfinished": unfinished, "without_best_episodes": lacking, "without_seal": unsealed}
        print_json({"page": str(page), "runs": len(records), **left})
        return
    click.echo(page)


def play_missing(runs: tuple[Path, ...], consent: Consent | None = None) -> None:
    """Play the episodes of the best and the last checkpoint of every finished run that has none yet."""
    from rmix_kit.results import run_folders
    from rmix_kit.results.paths import RunPaths
    from rmix_kit.training.absolute import evaluate_run

    for folder in run_folders(runs):
        if RunPaths(folder).is_marked_finished():
            evaluate_run(folder, consent=consent)
