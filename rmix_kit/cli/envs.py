"""``rmix-kit envs``."""

from __future__ import annotations

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import print_json, print_rows


@click.command("envs", cls=KitCommand)
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def command(as_json: bool) -> None:
    """List the environments, with a text for --env that works.

        rmix-kit envs

    An environment text is KIND:NAME[?key=value&...]; quote it in a shell. A character that would separate is written
    as %XX, such as %26 for &.
    """
    from macn import NAMED_LAYOUTS
    from rmix_kit.envs.make import KINDS

    if as_json:
        kinds = {name: {"summary": kind.summary, "example": kind.example} for name, kind in KINDS.items()}
        print_json({"kinds": kinds, "layouts": dict(NAMED_LAYOUTS)})
        return
    rows = [(name, kind.summary, kind.example) for name, kind in KINDS.items()]
    print_rows("", rows, header=("kind", "what it is", "example of --env"))
    click.echo(f"layouts of macn: {', '.join(NAMED_LAYOUTS)}; or a drawing of . C G # S, or its path")
