"""``rmix-kit plot``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import note, print_json
from rmix_kit.cli.words import Name, Word

if TYPE_CHECKING:
    from rmix_kit.reports.figures import Band


def metric_names() -> tuple[str, ...]:
    """Name what evaluations measure."""
    from rmix_kit.reports.curves import DRAWN

    return DRAWN


@click.command("plot", cls=KitCommand)
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--metric", required=True, type=Name("metric", metric_names), help="Such as success_rate, return_mean.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Picture: .png, .svg or .pdf.")
@click.option("--band", default="std", show_default=True, type=Word(("std", "quartiles")), help="What is shaded.")
@click.option("--variants", is_flag=True, help="A line per setting of an algorithm that differs, named by it.")
@click.option("--allow-mixed", is_flag=True, help="Label runs that differ, instead of refusing them.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
def command(
    runs: tuple[Path, ...], metric: str, out: Path, band: str, variants: bool, allow_mixed: bool, as_json: bool
) -> None:
    """Draw one picture of RUNS: a metric of their evaluations against environment steps.

        rmix-kit plot runs --metric success_rate --out success.png
        rmix-kit plot runs/rmix-* runs/qmix-* --metric return_mean --band quartiles --out return.pdf

    One environment is drawn at the width of a column (85 mm), several side by side at that of a page.
    """
    from rmix_kit.reports.single import plot_runs
    from rmix_kit.results import find_records

    records = find_records(runs)
    unfinished = [record.name for record in records if not record.is_finished]
    if unfinished:
        note(f"unfinished, left out: {', '.join(unfinished)}")
    silent = plot_runs(
        records, out, metric=metric, band=cast("Band", band), allow_mixed=allow_mixed, has_variants=variants
    )
    if silent:
        note(f"success is not reported, left out: {', '.join(silent)}")
    if as_json:
        print_json({"out": str(out), "metric": metric, "unfinished": unfinished, "without_success": list(silent)})
        return
    click.echo(out)
