"""``rmix-kit algos``."""

from __future__ import annotations

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import print_json, print_rows
from rmix_kit.cli.words import preset_names
from rmix_kit.roster import ROSTER, installed_algorithms


@click.command("algos", cls=KitCommand)
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def command(as_json: bool) -> None:
    """List the algorithms and presets that `rmix-kit train` knows.

        rmix-kit algos

    One of your own is named by its module and class: --algo package.module:Class.
    A preset is a named set of hyper-parameters; an algorithm's own preset has its name.
    """
    installed = installed_algorithms()
    known = {**ROSTER, **{name: f"of an installed package: {point.value}" for name, point in installed.items()}}
    if as_json:
        print_json({"algorithms": known, "presets": list(preset_names())})
        return
    print_rows("", list(known.items()), header=("--algo", "what it is"))
    click.echo(f"presets (--preset): {', '.join(preset_names()) or 'none'}")
