"""The commands and code blocks of the README and of the pages under docs/."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FACES = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = [
    *(ROOT / name for name in FACES),
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent.name != "guides"),
]
"""But for the guides, all of which is run, in the order in which it stands (tests/examples/test_guides.py)."""
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)
PLACEHOLDERS = {"TEXT": "macn:4x7", "N": "1", "S": "0", "A": "0.5", "STEP": "100", "MORE": "100", "LEVELS": "0.1,0.5"}
"""What stands for a value, where a word in capitals would be none; folders and files may be called anything."""


@dataclass(frozen=True)
class Line:
    """A command line, and where it stands."""

    page: str
    number: int
    text: str

    @property
    def words(self) -> list[str]:
        """Its words, with values in place of placeholders; comments and what follows ``>`` left out."""
        words = shlex.split(self.text.replace("\n", " "), comments=True)
        words = words[: words.index(">")] if ">" in words else words
        return [PLACEHOLDERS.get(word, word) for word in words]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was left out."""
        return "..." not in self.text

    def __str__(self) -> str:
        return f"{self.page}:{self.number}: {self.text}"


def lines(*begins: str) -> list[Line]:
    """Every command line that begins with one of these words, in blocks and within sentences."""
    return [line for page in PAGES for line in _lines_of(page) if line.text.split(" ")[0] in begins]


def _lines_of(page: Path) -> Iterator[Line]:
    text, name = page.read_text(encoding="utf-8"), str(page.relative_to(ROOT))
    blocks = [match for match in FENCE.finditer(text) if match[1] in ("", "bash", "sh")]
    for match in blocks:
        first = text[: match.start(2)].count("\n") + 1
        for number, line in enumerate(match[2].splitlines(), first):
            yield Line(name, number, line.strip())
    outside = FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    for match in re.finditer(r"^    (\S.*)$|(?<!`)`((?:rmix-kit|make|python) [^`]*)`", outside, flags=re.MULTILINE):
        yield Line(name, outside[: match.start()].count("\n") + 1, match[1] or match[2])


def python_blocks() -> list[tuple[str, str]]:
    """Every block of Python, with its page."""
    return [
        (str(page.relative_to(ROOT)), match[2])
        for page in PAGES
        for match in FENCE.finditer(page.read_text(encoding="utf-8"))
        if match[1] == "python"
    ]
