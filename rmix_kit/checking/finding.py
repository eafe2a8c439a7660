"""One thing that was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "problem"]
"""A problem keeps an environment from being trained on; a warning says what may not be meant."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was found.

    Attributes:
        name: Its subject.
        status: How it stands.
        found: What was seen, in one line.
        fix: What to do; empty where nothing is to be done, or what was found says it.
    """

    name: str
    status: Status = "ok"
    found: str
    fix: str = ""
