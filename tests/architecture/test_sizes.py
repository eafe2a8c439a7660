"""Files and functions stay short enough to read in one go."""

from __future__ import annotations

import ast

from tests.architecture.sources import nodes_of, python_files, text_lines

SLACK = 1.1  # the limits are round numbers; a file that is cut at its 301st line reads no better
FILE_LINES = round(300 * SLACK)
FUNCTION_LINES = round(60 * SLACK)


def test_files_are_about_three_hundred_lines_at_most() -> None:
    lengths = {file: len(text_lines(file)) for file in python_files()}
    found = [f"{file}: {lines} lines" for file, lines in lengths.items() if lines > FILE_LINES]
    assert not found, "they probably have two subjects:\n" + "\n".join(found)


def test_functions_are_about_sixty_lines_at_most() -> None:
    found = [
        f"{file}:{node.lineno}: {node.name} has {lines} lines"
        for file in python_files()
        for node in nodes_of(file)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not found, "\n".join(found)
