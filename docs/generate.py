"""Writes the pages under docs/ that are made from the code: `make docs`."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import click

import macn

DOCS = Path(__file__).resolve().parent
NOTE = "<!-- Written by `make docs`; edit the code's text instead. -->\n\n"


def environment_page() -> str:
    """The docstring of the parallel face, which is the environment's documentation."""
    return NOTE + (inspect.getdoc(type(macn.parallel_env().unwrapped)) or "") + "\n"


def commands_page() -> str:
    """What `--help` prints, for the command line and each of its commands."""
    module = importlib.import_module("rmix_kit.cli.main")
    group = next(value for value in vars(module).values() if isinstance(value, click.Group))
    context = click.Context(group, info_name="rmix-kit", terminal_width=100, max_content_width=100)
    parts = ["# Commands", f"```\n{group.get_help(context).strip()}\n```"]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise LookupError(f"rmix-kit lists {name} and has no such command")
        inner = click.Context(command, info_name=name, parent=context, terminal_width=100, max_content_width=100)
        parts += [f"## {name}", f"```\n{command.get_help(inner).strip()}\n```"]
    return NOTE + "\n\n".join(parts) + "\n"


def main() -> None:
    """Writes every generated page."""
    pages = {"environments/macn.md": environment_page, "commands.md": commands_page}
    for name, text in pages.items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(text(), encoding="utf-8")
        click.echo(f"wrote docs/{name}")


if __name__ == "__main__":
    main()
