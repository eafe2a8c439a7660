"""What commands print: results on standard output, everything else on standard error."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, cast

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rmix_kit.cli.results_alone import results_of
from rmix_kit.console import standard_error
from rmix_kit.metrics import FALLS, SUCCESS, is_share, label_of

_COUNTS = {"checkpoint_step": "checkpoint"}  # what else such a record holds is called what it is there
NO_SUCCESS = "this environment does not report success; the return says how well it went"


class _Results(Console):
    """Standard output for tables; rich itself would end the process without a word where nobody reads any more."""

    def on_broken_pipe(self) -> None:
        """Let the error out, for `rmix_kit.cli.kit` to tell."""
        raise  # what rich caught


def print_json(value: object) -> None:
    """Print one JSON value on standard output; null stands for numbers that are not finite."""
    from rmix_kit.files.writing import json_text

    click.echo(json_text(value, indent=2, ensure_ascii=False), file=results_of(click.get_current_context(silent=True)))


def note(text: str) -> None:
    """Print a remark on standard error."""
    click.echo(text, file=cast(IO[str], standard_error()))


def note_next(remark: str, command: Sequence[str], *, out: str = "", needs: Sequence[str] = ()) -> None:
    """Print what to do next, as a command that works here.

    Args:
        remark: What has been done, for the same line; empty for nothing.
        command: The command's words.
        out: A folder for it to make; another name is given where that is taken.
        needs: Modules that it needs; where one is missing, what installs it comes first.
    """
    from rmix_kit.cli.kit import EXTRAS

    place, number = out, 1
    while place and Path(place).exists():
        number += 1
        place = f"{out}-{number}"
    words = shlex.join([*command, *(["--out", place] if place else [])])
    extras = dict.fromkeys(EXTRAS[name] for name in needs if find_spec(name) is None)
    installs = f"pip install 'rmix-kit[{','.join(extras)}]' && " if extras else ""
    note(f"{remark}{'; ' if remark else ''}next: {installs}{words}")


def print_rows(title: str, rows: Sequence[Sequence[object]], header: Sequence[str] = ()) -> None:
    """Print a small table on standard output.

    Args:
        title: What it shows; empty for none.
        rows: Cells, printed by ``str``.
        header: Column titles; none for a table of names and values.
    """
    table = Table(show_header=bool(header))
    for name in header or ("", ""):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text("".join(c if c.isprintable() or c == "\n" else "?" for c in str(cell))) for cell in row))
    if title:
        click.echo(title)
    _Results(highlight=False).print(table)


def print_episodes(what: str, env: str, record: Mapping[str, object]) -> None:
    """Print the record of evaluated episodes as a table, and below it what must be said of their environment."""
    from rmix_kit.envs.make import remark_on

    is_silent_on_falls = not record.get(FALLS) and not env.startswith("macn:")  # nobody falls in other games
    known = {
        key: value for key, value in record.items() if value is not None and not (key == FALLS and is_silent_on_falls)
    }
    print_rows(
        f"{what} on {env}", [(_COUNTS.get(key, label_of(key)), _shown(key, value)) for key, value in known.items()]
    )
    if record.get(SUCCESS, 0.0) is None:
        click.echo(NO_SUCCESS)
    if remark := remark_on(env):
        click.echo(remark)


def print_joint_table(title: str, record: Mapping[str, Any]) -> None:
    """Print the record of `rmix_kit.training.joint_table.JointTable`; a star marks the agents' greedy joint action.

    Args:
        record: With ``q_tot`` and ``greedy_action``; two agents make a table, others one line per joint action.
    """
    greedy, table = tuple(record["greedy_action"]), record["q_tot"]
    cells = {actions: _value(value) + " *" * (actions == greedy) for actions, value in _entries(table)}
    if len(greedy) == 2:
        columns = range(len(table[0]))
        rows = [(f"agent 0: {first}", *(cells[first, second] for second in columns)) for first in range(len(table))]
        print_rows(title, rows, ("", *(f"agent 1: {second}" for second in columns)))
    else:
        header = ("joint action", "value")
        print_rows(title, [(" ".join(map(str, actions)), cell) for actions, cell in cells.items()], header)
    click.echo(f"greedy: {' '.join(map(str, greedy))}, worth {_value(record['greedy_value'])}")


def _entries(table: Any, actions: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], float | None]]:  # noqa: ANN401
    """Yield the entries of nested lists with their places."""
    if not isinstance(table, list):
        yield actions, table
        return
    for action, inner in enumerate(table):
        yield from _entries(inner, (*actions, action))


def _value(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _shown(key: str, value: object) -> str:
    if isinstance(value, float):
        return f"{100 * value:.1f} %" if is_share(key) else f"{value:.3f}"
    return str(value)
