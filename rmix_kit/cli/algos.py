"""``rmix-kit algos``."""

from __future__ import annotations

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import print_json, print_rows
from rmix_kit.cli.words import preset_names
from rmix_kit.roster import ROSTER


@click.command("algos", cls=KitCommand)
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def command(as_json: bool) -> None:
    """List the algorithms and presets that `rmix-kit train` knows.

        rmix-kit algos

    A preset is a named set of hyper-parameters; an algorithm's own preset has its name.
    """
    if as_json:
        print_json({"algorithms": dict(ROSTER), "presets": list(preset_names())})
        return
    print_rows("", list(ROSTER.items()), header=("--algo", "what it is"))
    click.echo(f"presets (--preset): {', '.join(preset_names()) or 'none'}")
