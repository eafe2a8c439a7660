"""Algorithms share by calling: no two of their files hold the same block of lines."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

from tests.architecture.sources import nodes_of, python_files, text_lines

FOLDER = Path("rmix_kit", "algorithms")
BLOCK_LINES = 6


def lines_that_count(file: Path) -> list[str]:
    """The file's lines without imports and blank ones, white space made alike."""
    imported = {
        number
        for node in nodes_of(file)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for number in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    lines = enumerate(text_lines(file), start=1)
    kept = (" ".join(line.split()) for number, line in lines if number not in imported)
    return [line for line in kept if line]


def blocks_in_several(lines: dict[str, list[str]]) -> dict[tuple[str, ...], set[str]]:
    """Blocks of consecutive lines that stand in more than one file, with the files' names."""
    found: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for name, kept in lines.items():
        for first in range(len(kept) - BLOCK_LINES + 1):
            found[tuple(kept[first : first + BLOCK_LINES])].add(name)
    return {block: names for block, names in found.items() if len(names) > 1}


def test_no_two_algorithms_share_six_lines() -> None:
    files = [file for file in python_files("rmix_kit") if file.parent == FOLDER]
    assert len(files) > 3
    found = blocks_in_several({file.name: lines_that_count(file) for file in files})
    shown = [f"{' and '.join(sorted(names))}:\n    " + "\n    ".join(block) for block, names in found.items()]
    assert not found, "\n".join(shown)


def test_a_copied_block_is_seen() -> None:
    block = [f"line {number}" for number in range(BLOCK_LINES)]
    found = blocks_in_several({"a.py": ["x", *block], "b.py": [*block, "y"], "c.py": block[1:]})
    assert found == {tuple(block): {"a.py", "b.py"}}
