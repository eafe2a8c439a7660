"""Reads docs/contracts.md: its sections, its code spans, its command synopses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from tests.architecture.sources import ROOT

PAGE = ROOT / "docs" / "contracts.md"


@cache
def section(title: str) -> str:
    """The text under the `##` heading that starts with the title.

    Raises:
        KeyError: if the page has no such heading.
    """
    for part in re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
        if part.startswith(title):
            return part
    raise KeyError(f"{PAGE.name} has no section {title!r}")


def spans(text: str) -> list[str]:
    """What stands between backticks, in order."""
    return re.findall(r"`([^`]+)`", text)


def span_after(words: str, text: str) -> str:
    """The first code span after the words.

    Raises:
        ValueError: if the words are not in the text.
    """
    return spans(text[text.index(words) + len(words) :])[0]


@dataclass(frozen=True, kw_only=True)
class Option:
    """One option of a synopsis.

    Attributes:
        name: with its dashes.
        values: what may follow it, split at `|`; empty for a flag. Upper case and dots stand for any value.
        is_optional: it stands in brackets.
        is_repeatable: dots follow it, or it stands twice.
    """

    name: str
    values: tuple[str, ...]
    is_optional: bool
    is_repeatable: bool

    @property
    def choices(self) -> tuple[str, ...]:
        """The only values it takes, empty if others are possible."""
        return self.values if self.values and all(re.fullmatch("[a-z]+", value) for value in self.values) else ()

    @property
    def default(self) -> int | None:
        """The number that the synopsis shows in the value's place."""
        return int(self.values[0]) if len(self.values) == 1 and self.values[0].isdigit() else None


@dataclass(frozen=True, kw_only=True)
class Synopsis:
    """One command as the page promises it; one below another has both names."""

    command: str
    arguments: tuple[str, ...]
    options: tuple[Option, ...]


def _option_of(match: re.Match[str]) -> Option:
    value = match["value"] or ""
    return Option(
        name=match["name"],
        values=tuple(value.split("|")) if value else (),
        is_optional=match["open"] == "[",
        is_repeatable=match["dots"] == "...",
    )


def _joined(options: list[Option]) -> tuple[Option, ...]:
    """Options that stand twice, as one that may be repeated."""
    table: dict[str, Option] = {}
    for option in options:
        seen = table.get(option.name)
        table[option.name] = option if seen is None else Option(
            name=option.name, values=seen.values + option.values, is_optional=option.is_optional, is_repeatable=True
        )  # fmt: skip
    return tuple(table.values())


@cache
def synopses() -> tuple[Synopsis, ...]:
    """Every command that the page promises."""
    text = section("Commands").split("\n- ")[0]
    found = []
    for span in spans(text):
        head = re.split(r" \[?--", span.removeprefix("rmix-kit "))[0].split()
        name = " ".join(head[:2]) if head[1:] and head[1].isalpha() and head[1].islower() else head[0]
        pattern = r"(?P<open>\[)?(?P<name>--[\w-]+)(?: (?P<value>[^\s\]\[]+))?\]?(?P<dots>\.\.\.)?"
        options = [_option_of(match) for match in re.finditer(pattern, span)]
        found.append(Synopsis(command=name, arguments=tuple(head[len(name.split()) :]), options=_joined(options)))
    return tuple(found)
