"""``rmix-kit sweep``."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmix_kit.cli.kit import FAILURE, CommandError, KitCommand
from rmix_kit.cli.output import note, print_json, print_rows
from rmix_kit.cli.words import Word
from rmix_kit.console import LastingStream, standard_error

if TYPE_CHECKING:
    from rmix_kit.sweeps.engine import Engine, Plan
    from rmix_kit.sweeps.status import RunStatus


@click.command("sweep", cls=KitCommand)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the sweep; it may be there.")
@click.option("--dry-run", is_flag=True, help="Show the runs, where they stand and their commands; start nothing.")
@click.option("--jobs", type=click.IntRange(min=1), help="Runs side by side; by default what the file says.")
@click.option(
    "--engine",
    default="local",
    show_default=True,
    type=Word(("local", "ray")),
    help="Where runs happen: here, or on a Ray cluster.",
)
@click.option("--address", help="Address of the Ray cluster; by default RAY_ADDRESS, or a new one on this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print the final status as JSON; remarks go to standard error.")
def command(
    file: Path, out: Path, dry_run: bool, jobs: int | None, engine: str, address: str | None, as_json: bool
) -> None:
    """Train every algorithm on every environment with every seed that FILE (YAML) lists, a folder for each run.

        rmix-kit sweep examples/sweep.yaml --out sweeps/first --dry-run
        rmix-kit sweep examples/sweep.yaml --out sweeps/first --jobs 2
        rmix-kit sweep examples/sweep.yaml --out sweeps/first --engine ray --address auto

    The same command goes on after an interruption or a crash: finished runs are skipped, others resume from their
    checkpoints. docs/sweeps.md explains the file. The exit code is 1 if a run failed as often as the file allows.
    """
    if address is not None and engine != "ray":
        raise click.UsageError("--address is for --engine ray; add it, or leave the address out")
    from rmix_kit.sweeps.plan import plan, with_jobs
    from rmix_kit.sweeps.status import RunStatus
    from rmix_kit.sweeps.sweep_file import read_sweep_file

    planned = with_jobs(plan(read_sweep_file(file), out), jobs)
    if dry_run:
        _show(planned, engine, as_json)
        return
    status = swept(planned, engine, address)
    if as_json:
        print_json(status)
    elif not (LastingStream(sys.stdout).isatty() and standard_error().isatty()):  # there the live table stays
        _print_table([RunStatus(**run) for run in status["runs"]])
    failed = [run for run in status["runs"] if run["state"] == "failed"]
    if failed:
        first = failed[0]
        raise CommandError(
            f"{len(failed)} of {len(planned.runs)} runs failed, such as {first['name']} ({first['error']}); see "
            f"{first['log']}, repair the cause and give the same command again",
            FAILURE,
        )


def swept(planned: Plan, engine: str, address: str | None) -> dict[str, Any]:
    """Run the plan; nobody else may work in its folder meanwhile."""
    from rmix_kit.sweeps.display import make_display
    from rmix_kit.sweeps.local import check_machine
    from rmix_kit.sweeps.sweep import Sweep
    from rmix_kit.training.run_folder import RunFolder

    if engine == "local":
        check_machine(planned)
    else:
        import ray  # noqa: F401 - where it is missing nothing has been made yet
    # Ray tells on standard output of nodes that died; that is for the result alone.
    with RunFolder(Path(planned.out)).lock(), contextlib.redirect_stdout(sys.stderr):
        return Sweep(planned, _engine(planned, engine, address), make_display(), engine_name=engine).run()


def _engine(planned: Plan, engine: str, address: str | None) -> Engine:
    if engine == "ray":
        from rmix_kit.sweeps.ray_engine import RayEngine

        return RayEngine(planned, address)
    from rmix_kit.sweeps.local import LocalEngine

    return LocalEngine(planned)


def _show(planned: Plan, engine: str, as_json: bool) -> None:
    """Print the runs of a plan and where they stand."""
    from rmix_kit.sweeps.display import counts_of
    from rmix_kit.sweeps.status import first_status, summary

    runs = {run.name: first_status(planned, run) for run in planned.runs}
    if as_json:
        print_json(summary(planned, engine, "planned", runs))
        return
    _print_table(list(runs.values()))
    for status in runs.values():
        click.echo(status.command)
    note(f"{len(runs)} runs: {counts_of(runs.values())}")


def _print_table(runs: Sequence[RunStatus]) -> None:
    from rmix_kit.sweeps.display import shows_success

    header = ("run", "state", "steps", "return", *(("success",) if shows_success(runs) else ()))
    rows = [
        (
            run.name,
            run.state,
            f"{run.env_steps}/{run.steps}",
            "" if run.return_mean is None else f"{run.return_mean:.2f}",
            "" if run.success_rate is None else f"{run.success_rate:.0%}",
        )[: len(header)]
        for run in runs
    ]
    print_rows("", rows, header)
