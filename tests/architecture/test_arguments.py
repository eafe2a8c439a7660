"""Every argument is described: in its docstring, or once for all in docs/legend.md."""

from __future__ import annotations

import ast
import re

from tests.architecture.sources import PACKAGES, ROOT, python_files, syntax_tree

Function = ast.FunctionDef | ast.AsyncFunctionDef


def legend() -> set[str]:
    """The names in the table of the page."""
    return set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "legend.md").read_text(encoding="utf-8"), re.MULTILINE))


def names_of(function: Function) -> set[str]:
    """The names of a function's arguments."""
    taken = function.args
    every = [*taken.posonlyargs, *taken.args, *taken.kwonlyargs, *filter(None, (taken.vararg, taken.kwarg))]
    return {argument.arg for argument in every}


def described(docstring: str) -> set[str]:
    """The names that the section on arguments describes."""
    section = re.search(r"^Args:\n((?:    .*\n?)+)", docstring, re.MULTILINE)
    return set(re.findall(r"^    \*{0,2}(\w+):", section[1], re.MULTILINE)) if section else set()


def test_arguments_are_described_or_in_the_legend() -> None:
    known = legend()
    assert len(known) > 50
    found = [
        f"{file}:{node.lineno}: {node.name}: {', '.join(sorted(missing))}"
        for file in python_files(*PACKAGES)
        for node in ast.walk(syntax_tree(file))
        if isinstance(node, Function) and "Args:" in (text := ast.get_docstring(node) or "")
        if (missing := names_of(node) - described(text) - known - {"self", "cls"})
    ]
    assert not found, "\n".join(found)


def test_docstrings_describe_no_argument_that_is_not_taken() -> None:
    found = [
        f"{file}:{node.lineno}: {node.name}: {', '.join(sorted(foreign))}"
        for file in python_files(*PACKAGES)
        for node in ast.walk(syntax_tree(file))
        if isinstance(node, Function) and (foreign := described(ast.get_docstring(node) or "") - names_of(node))
    ]
    assert not found, "\n".join(found)
