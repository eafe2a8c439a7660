"""YAML that is wrong in one of the ways in which a file can be, and scalars that are read in more than one way."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from tests.faults.cases import Case
from tests.faults.mutate import damaged, spoilt, with_another_value

WORDS = (
    "yes",
    "no",
    "on",
    "off",
    "auto",
    "dynamic",
    "adam",
    "010",
    "1_0",
    "0o17",
    "0x1F",
    "0b1",
    "1:30",
    "+5",
    ".5",
    "5.",
)
NUMBERS = (
    "1e3",
    "1E-3",
    "-0",
    "1e400",
    ".inf",
    ".NaN",
    "0x" + "f" * 4_000,
    "9" * 400,
    "9" * 5_000,
    "true",
    "False",
    "null",
    "Null",
    "",
)


def bomb(rng_choice: int) -> str:
    """Return YAML whose aliases lead to themselves, or write out more than any memory holds."""
    forms = ("[*a{0}, *a{0}]", "{{x: *a{0}, y: *a{0}}}", "{{<<: [*a{0}, *a{0}]}}", "{{x: *a{1}}}", "[*a{1}]")
    lines = [f"x{i}: &a{i + 1} {forms[rng_choice].format(i, i + 1)}" for i in range(40)]
    return "\n".join(["x: &a0 {z: 1}", *lines, ""])


def spoilt_yaml(values: Any, case: Case) -> bytes:
    """Write values as YAML that is wrong in one of the ways in which such a file can be."""
    text = yaml.safe_dump(values, sort_keys=False)
    lines, place = text.splitlines(), case.rng.randrange(text.count("\n"))
    tags = (
        "!!python/object/apply:os.system [touch ../outside/canary.txt]",
        "!!python/name:os.system",
        "!!bool x",
        "!!set {a}",
    )
    others = (
        "!!timestamp x",
        "!!binary x",
        "!!int ''",
        "!!float {}",
        "2001-01-01",
        '"\\ud800"',
        "&a [*a]",
        "&a {b: *a}",
        "*b",
    )
    match case.rng.randrange(8):
        case 0:
            return spoilt(text, case.rng).encode(errors="surrogatepass")
        case 1:
            return damaged(text.encode(), case.rng)
        case 2:
            return text.encode(case.rng.choice(("utf-16", "utf-32-be", "utf-8-sig", "utf-16-le", "cp037")))
        case 3:
            return (bomb(case.rng.randrange(5)) + text).encode()
        case 4 | 5:
            key = re.match(r"[ -]*(\w+:)?", lines[place])
            lines[place] = f"{key[0] if key else ''} {case.rng.choice((*tags, *others, *NUMBERS, *WORDS))}"
            return "\n".join(lines).encode()
        case _:
            changed = with_another_value(values, case.rng)
            try:
                return yaml.safe_dump(changed, sort_keys=False, allow_unicode=True).encode(errors="surrogatepass")
            except RecursionError:
                return json.dumps(values).encode() + b"[" * 5_000
