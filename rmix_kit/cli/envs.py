"""``rmix-kit envs``."""

from __future__ import annotations

import click

from rmix_kit.cli.kit import FAILURE, KitCommand, KitGroup
from rmix_kit.cli.output import print_json, print_rows
from rmix_kit.cli.words import ENVIRONMENT


@click.group("envs", cls=KitGroup, invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
@click.pass_context
def command(context: click.Context, as_json: bool) -> None:
    """List the environments, with a text for --env that works; or check one.

        rmix-kit envs
        rmix-kit envs check pettingzoo:my_module.parallel_env

    An environment text is KIND:NAME[?key=value&...]; quote it in a shell. A character that would separate is written
    as %XX, such as %26 for &.
    """
    if context.invoked_subcommand is not None:
        return
    from macn import NAMED_LAYOUTS
    from rmix_kit.envs.make import KINDS

    if as_json:
        kinds = {name: {"summary": kind.summary, "example": kind.example} for name, kind in KINDS.items()}
        print_json({"kinds": kinds, "layouts": dict(NAMED_LAYOUTS)})
        return
    rows = [(name, kind.summary, kind.example) for name, kind in KINDS.items()]
    print_rows("", rows, header=("kind", "what it is", "example of --env"))
    click.echo(f"layouts of macn: {', '.join(NAMED_LAYOUTS)}; or a drawing of . C G # S, or its path")


@command.command("check", cls=KitCommand)
@click.argument("text", metavar="TEXT", type=ENVIRONMENT)
@click.option("--episodes", default=10, show_default=True, type=click.IntRange(min=1), help="Random episodes to play.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
@click.pass_context
def check_command(context: click.Context, text: str, episodes: int, as_json: bool) -> None:
    """Play random episodes of the environment TEXT, and say what was found and what to do about it.

        rmix-kit envs check pettingzoo:my_module.parallel_env
        rmix-kit envs check "gymnasium:lbforaging:Foraging-8x8-2p-2f-coop-v3" --episodes 100 --json

    It looks at sizes and how each number is coded, masks, limits, agents that leave, rewards, success, whether a seed
    gives the same episode again, and the memory of the replay. The exit code is 1 if something keeps the environment
    from being trained on; what may not be meant is a warning. docs/environments/yours.md explains the findings.
    """
    from rmix_kit.doctor.environment import check

    findings = check(text, episodes)
    if as_json:
        print_json({"environment": text, "findings": [vars(finding) for finding in findings]})
    else:
        for finding in findings:
            fix = f"; {finding.fix}" if finding.fix else ""
            click.echo(f"{finding.status:8} {finding.name}: {' '.join(f'{finding.found}{fix}'.split())}")
    if any(finding.status == "problem" for finding in findings):
        context.exit(FAILURE)
