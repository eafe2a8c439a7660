"""Files and functions stay short enough to read in one go."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, python_files, syntax_tree

SLACK = 1.1  # the limits are round numbers; a file that is cut at its 301st line reads no better
FILE_LINES = round(300 * SLACK)
FUNCTION_LINES = round(60 * SLACK)


@pytest.mark.parametrize("file", python_files(), ids=str)
def test_file_is_about_three_hundred_lines_at_most(file: Path) -> None:
    lines = len((ROOT / file).read_text(encoding="utf-8").splitlines())
    assert lines <= FILE_LINES, f"{file} has {lines} lines; it probably has two subjects"


@pytest.mark.parametrize("file", python_files(), ids=str)
def test_functions_are_about_sixty_lines_at_most(file: Path) -> None:
    lengths = {
        node.name: (node.end_lineno or node.lineno) - node.lineno + 1
        for node in ast.walk(syntax_tree(file))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    long = {name: length for name, length in lengths.items() if length > FUNCTION_LINES}
    assert not long, f"{file}: {long}"
