"""The consent of a person to code that a folder names."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

_Command = TypeVar("_Command", bound=Callable[..., object])


def consent_options(command: _Command) -> _Command:
    """Add ``--trust`` and ``--always-trust`` (once ``--trust-environment``), as the parameter ``consent``."""
    once = click.option(
        "--trust",
        "--trust-environment",
        "consent",
        flag_value="once",
        help="Let the environment or algorithm that the folder names run, where it is code.",
    )
    always = click.option(
        "--always-trust",
        "--always-trust-environment",
        "consent",
        flag_value="always",
        help="The same, remembered for the folder as it is (~/.local/state/rmix-kit).",
    )
    return once(always(command))
