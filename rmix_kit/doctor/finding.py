"""What a check found, and the line that repairs it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Status = Literal["ok", "warning", "problem", "absent"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The answer of one check.

    Attributes:
        name: What was checked.
        status: ``ok``; ``warning``: it works, with a catch; ``problem``: installed and broken; ``absent``: not
            installed, and nothing that is installed needs it.
        found: What was found, for people.
        fix: One line for a shell; empty where nothing is to be done.
    """

    name: str
    status: Status = "ok"
    found: str
    fix: str = ""


def needed(findings: list[Finding]) -> list[Finding]:
    """Call absent parts a problem, for the case that the other parts are installed.

    Args:
        findings: As if each part could be missing harmlessly.
    """
    return [replace(finding, status="problem") if finding.status == "absent" else finding for finding in findings]
