"""The command ``rmix-kit``. Its commands are loaded one by one, so that help needs neither torch nor time."""

from __future__ import annotations

import click

from rmix_kit.cli.kit import LazyGroup
from rmix_kit.origin import kit_version

_MODULES = {
    name: f"rmix_kit.cli.{name}"
    for name in (
        *("train", "evaluate", "export", "run", "film", "page", "inspect", "sweep", "report", "plot", "reproduce"),
        *("algos", "envs", "config", "doctor"),
    )
}

_OLD_NAMES = {"replay": "film"}


def _show_version(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    click.echo(f"rmix-kit {kit_version()}")
    ctx.exit()


@click.group(
    "rmix-kit",
    cls=LazyGroup,
    modules=_MODULES,
    old_names=_OLD_NAMES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version, help="Show the version."
)
def main() -> None:
    """Train risk-sensitive multi-agent policies, freeze them, and run them without torch.

        rmix-kit train --algo rmix --env macn:4x12 --seed 0 --steps 400000 --out runs/rmix
        rmix-kit evaluate runs/rmix
        rmix-kit export runs/rmix --out agents
        rmix-kit run agents --isolated

    Every command has its own --help with an example. Exit codes: 0 done, 1 failure, 2 wrong usage, 130 and 143
    interrupted.

    Completion for bash: eval "$(_RMIX_KIT_COMPLETE=bash_source rmix-kit)"; likewise zsh_source and fish_source.
    """


if __name__ == "__main__":
    main()
