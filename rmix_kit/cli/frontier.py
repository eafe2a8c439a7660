"""What `rmix-kit evaluate` and `rmix-kit run` do at several risk levels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click
from click.core import ParameterSource

from rmix_kit.cli.output import note, print_json, print_rows
from rmix_kit.cli.words import RISK_LEVELS
from rmix_kit.metrics import RISK_LEVEL, percent_label_of

if TYPE_CHECKING:
    from rmix_kit.reports.frontier.measuring import Frontier, Player

DEFAULT_LEVELS = (0.1, 0.25, 0.5, 1.0, None)
HEADER = ("level", "quantity", "measured", "95 % interval", "exact", "difference")
OPTIONS = ("risk_levels", "frontier")
_Function = TypeVar("_Function", bound=Callable[..., object])


def frontier_options(command: _Function) -> _Function:
    """Add ``--risk-levels`` and ``--frontier`` to a command."""
    for option in (
        click.option(
            "--frontier",
            metavar="OUT",
            type=click.Path(path_type=Path),
            help="Folder for the tables and figures of several risk levels.",
        ),
        click.option(
            "--risk-levels",
            metavar="LEVELS",
            type=RISK_LEVELS,
            help="Play the same episodes at each level, such as 0.1,0.25,0.5,1.0,dynamic (--frontier's default).",
        ),
    ):
        command = option(command)
    return command


def asked_levels(
    context: click.Context, risk_levels: tuple[float | None, ...] | None, frontier: Path | None
) -> tuple[float | None, ...]:
    """Return the levels to play, none where neither option was given.

    Raises:
        UsageError: ``--risk-level`` was given besides.
    """
    if risk_levels is None and frontier is None:
        return ()
    if context.get_parameter_source("risk_level") is ParameterSource.COMMANDLINE:
        raise click.UsageError(
            "--risk-level plays one level, and --risk-levels and --frontier several; leave one of them out", context
        )
    return DEFAULT_LEVELS if risk_levels is None else risk_levels


def show_frontier(
    play: Player,
    levels: tuple[float | None, ...],
    out: Path | None,
    *,
    who: str,
    env_text: str,
    episodes: int,
    seed: int,
    checkpoint_step: int,
    value_kind: str,
    as_json: bool,
) -> None:
    """Play every level, print the table or the record, and write the folder.

    Args:
        play: Plays the episodes at a level.
        levels: The levels.
        out: Folder for tables and figures; None for none.
        who: Who plays.
        env_text: Where.
        checkpoint_step: Environment steps after which the policy was saved.
        value_kind: What the agents maximise, as their specification says.
        as_json: Print JSON alone.
    """
    from rmix_kit.reports.frontier.folder import check_can_write, write_frontier
    from rmix_kit.reports.frontier.measuring import measure

    if out is not None:
        check_can_write(out)
    frontier = measure(
        play,
        levels,
        env_text=env_text,
        episodes=episodes,
        seed=seed,
        who=who,
        checkpoint_step=checkpoint_step,
        value_kind=value_kind,
    )
    written = [] if out is None else write_frontier(frontier, out)
    if as_json:
        print_json(frontier.to_json())
    else:
        print_frontier(frontier)
    if written:
        note(f"wrote {', '.join(path.name for path in written)} to {out}")


def print_frontier(frontier: Frontier) -> None:
    """Print one line per level and quantity, and what must be said of them."""
    from rmix_kit.envs.make import remark_on
    from rmix_kit.reports.frontier.table import shown

    rows = []
    for level in frontier.levels:
        title = str(level.name)
        for quantity, estimate in level.estimates.items():
            if quantity == RISK_LEVEL and level.risk_level is not None:
                continue  # it is the level itself
            numbers = (estimate.measured, estimate.low, estimate.high, estimate.exact, estimate.difference)
            measured, low, high, exact, difference = (shown(number, quantity) for number in numbers)
            rows.append((title, percent_label_of(quantity), measured, f"{low} to {high}", exact, difference))
            title = ""
    print_rows(f"{frontier.who} on {frontier.env}, {frontier.episodes} episodes a level", rows, HEADER)
    for remark in (*frontier.remarks, remark_on(frontier.env)):
        if remark:
            click.echo(remark)
