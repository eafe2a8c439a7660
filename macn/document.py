"""Writes the environment's page from its docstring: `python -m macn.document docs/environments/macn.md`."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

from macn.layout import NAMED_LAYOUTS
from macn.parallel_env import MACNParallelEnv


def page() -> str:
    """Return the documentation page: the docstring of `MACNParallelEnv`, and the named layouts as they are drawn."""
    maps = [f"### `{name}`\n\n```text\n{text}\n```" for name, text in NAMED_LAYOUTS.items()]
    docstring = inspect.cleandoc(MACNParallelEnv.__doc__ or "")
    return "\n\n".join([docstring, "## Named Layouts", *maps]) + "\n"


def main(arguments: list[str]) -> int:
    """Write the page to the one path given, or to standard output; return the exit status."""
    if len(arguments) > 1:
        sys.stderr.write("usage: python -m macn.document [PATH]\n")
        return 2
    if arguments:
        Path(arguments[0]).write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
