"""``rmix-kit reproduce``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmix_kit.cli.kit import FAILURE, CommandError, KitCommand
from rmix_kit.cli.output import note, print_json, print_rows
from rmix_kit.cli.words import Word

if TYPE_CHECKING:
    from rmix_kit.reproduction.cells import Reproduction
    from rmix_kit.sweeps.engine import Plan

SUITE = Word(("didactic", "macn", "smac", "epymarl"))
BACKEND = Word(("builtin", "sc2"))


@click.command("reproduce", cls=KitCommand)
@click.argument("suite", type=SUITE)
@click.option("--out", type=click.Path(path_type=Path), help="Folder; by default reproduction/SUITE. It may be there.")
@click.option("--part", "parts", multiple=True, help="Train the runs of this part alone; repeatable.")
@click.option("--backend", default="builtin", show_default=True, type=BACKEND, help="Where smac is played.")
@click.option(
    "--fraction", type=click.FloatRange(0.0, 1.0, min_open=True), help="Train every run for this share of its steps."
)
@click.option("--seeds", type=click.IntRange(min=1), help="Train the first seeds of every cell alone.")
@click.option("--dry-run", is_flag=True, help="Show what is missing and how long it will take; start nothing.")
@click.option("--report-only", is_flag=True, help="Train nothing; report what is recorded.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(min=1), help="Runs side by side.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
def command(
    suite: str,
    out: Path | None,
    parts: tuple[str, ...],
    backend: str,
    fraction: float | None,
    seeds: int | None,
    dry_run: bool,
    report_only: bool,
    jobs: int,
    as_json: bool,
) -> None:
    """Train every run of a published experiment that is not recorded yet, and report them all.

        rmix-kit reproduce didactic --dry-run
        rmix-kit reproduce macn --out docs/results/macn --jobs 2
        rmix-kit reproduce smac --backend builtin --part maps
        rmix-kit reproduce smac --part scripts --out lines
        rmix-kit reproduce epymarl --part small --fraction 0.25 --seeds 2

    The folder gets records/ (a file per finished run: keep these, nothing else is needed to go on), runs/, logs/,
    report/ and summary.md. The same command goes on after an interruption; cells without a run are shown as not run.
    A folder begun with --fraction or --seeds remembers them (scale.json).
    """
    from rmix_kit.reproduction.cells import check_can_join, check_environments, open_reproduction
    from rmix_kit.reproduction.scale import scale_in, scaled, write_scale
    from rmix_kit.reproduction.suites import SCRIPTS, SUITES
    from rmix_kit.sweeps.local import check_machine

    made = SUITES[suite](backend)
    folder = out or Path("reproduction") / made.name
    scale = scale_in(folder, fraction, seeds)
    made = scaled(made, scale)
    reproduction = open_reproduction(made, folder)
    if unknown := sorted(set(parts) - set(made.part_names)):
        raise click.UsageError(f"{made.name} has no part {unknown[0]!r}; it has {', '.join(made.part_names)}")
    missing = reproduction.missing(parts)
    estimate = _estimate(reproduction, parts, jobs)
    if dry_run:
        _show(estimate, as_json)
        return
    if made.scripted and not report_only and (not parts or SCRIPTS in parts):
        _play_scripts(made.scripted, folder)
    failed = 0
    if missing.runs and not report_only:
        check_can_join(reproduction, missing)
        check_environments(made, missing)
        check_machine(missing)
        write_scale(folder, scale)
        note(f"{made.name}: {len(missing.runs)} of {len(reproduction.runs)} runs to train, {estimate['in_words']}")
        failed = _train(missing, jobs)
        reproduction = open_reproduction(made, folder)
    result = _report(reproduction)
    if as_json:
        print_json(result)
    else:
        click.echo((folder / "summary.md").read_text(encoding="utf-8"))
        note(f"report: {result['report']}")
    if failed:
        raise CommandError(f"{failed} runs failed; {folder / 'status.json'} says why", FAILURE)


def _estimate(reproduction: Reproduction, chosen: tuple[str, ...], jobs: int) -> dict[str, Any]:
    """Say for every part how many runs are missing and how long they take."""
    from rmix_kit.reproduction.estimate import total_hours

    suite = reproduction.suite
    rows = []
    for name, part in reproduction.parts.items():
        runs = [run for run in part.runs if run.name not in reproduction.records]
        hours = total_hours(runs, reproduction.records, suite.seconds_per_step, jobs)
        is_chosen = not chosen or name in chosen
        rows.append({"part": name, "runs": len(part.runs), "missing": len(runs), "hours": hours, "chosen": is_chosen})
    hours = total_hours(reproduction.missing(chosen).runs, reproduction.records, suite.seconds_per_step, jobs)
    words = f"about {hours:.1f} hours with {jobs} at a time, each on a core of its own"
    return {"suite": suite.name, "jobs": jobs, "parts": rows, "hours": hours, "in_words": words}


def _show(estimate: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(estimate)
        return
    rows = [(row["part"], row["runs"], row["missing"], f"{row['hours']:.1f}") for row in estimate["parts"]]
    print_rows(estimate["suite"], rows, ("part", "runs", "not recorded", "hours"))
    note(estimate["in_words"])


def _play_scripts(maps: tuple[str, ...], out: Path) -> None:
    """Write what scripts win on maps, unless that is there."""
    from rmix_kit.files.writing import write_file
    from rmix_kit.reproduction.scripted import EPISODES, scripted_table

    path = out / "scripts.csv"
    if not path.exists():
        note(f"scripts play {EPISODES:,} battles each on {len(maps)} maps, some minutes")
        out.mkdir(parents=True, exist_ok=True)
        write_file(path, scripted_table(maps).to_csv().encode())
    note(f"scripts: {path}")


def _train(missing: Plan, jobs: int) -> int:
    """Train what is missing; give the number of runs that failed."""
    from dataclasses import replace

    from rmix_kit.cli.sweep import swept

    status = swept(replace(missing, jobs=jobs), "local", None)
    return sum(run["state"] == "failed" for run in status["runs"])


def _report(reproduction: Reproduction) -> dict[str, Any]:
    """Write the report and the summary of what is recorded."""
    from rmix_kit.files.writing import write_file
    from rmix_kit.reports.report import write_report
    from rmix_kit.reproduction.page import page_of

    records = list(reproduction.records.values())
    out, suite = reproduction.out, reproduction.suite
    out.mkdir(parents=True, exist_ok=True)
    write_file(out / "summary.md", page_of(reproduction).encode())
    if records:
        write_report(records, out / "report", title=suite.title, expected=reproduction.expected(), score=suite.score)
    return {
        "suite": suite.name,
        "recorded": len(records),
        "runs": len(reproduction.runs),
        "report": str(out / "report" / "index.html") if records else None,
        "summary": str(out / "summary.md"),
    }
