"""``rmix-kit algos``."""

from __future__ import annotations

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import print_json, print_rows
from rmix_kit.cli.words import preset_names


@click.command("algos", cls=KitCommand)
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def command(as_json: bool) -> None:
    """List the algorithms and presets that `rmix-kit train` knows.

        rmix-kit algos

    A preset is a named set of hyper-parameters; an algorithm's own preset has its name.
    """
    from rmix_kit.algorithms import ALGORITHMS

    rows = [(algorithm.name, (algorithm.__doc__ or "").strip().splitlines()[0]) for algorithm in ALGORITHMS]
    if as_json:
        print_json({"algorithms": dict(rows), "presets": list(preset_names())})
        return
    print_rows("", rows, header=("--algo", "what it is"))
    click.echo(f"presets (--preset): {', '.join(preset_names()) or 'none'}")
