"""What pages and docstrings name is there: files by their path, modules and what is in them by their dotted name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.sources import PACKAGES, ROOT, modules, project_files, python_files, syntax_tree

PATH = re.compile(r"(?<![\w/.-])(?:rmix_kit|macn|exporters|tests|benchmarks|docs|examples)(?:/[\w.-]+)+(?![\w.<*-])")
DOTTED = re.compile(r"`{1,2}((?:rmix_kit|macn|exporters)(?:\.\w+)+)(?![\w*])")
WRITTEN_LATER = ("docs/results/",)  # a command of the page writes them
HISTORY = Path("CHANGELOG.md")


def pages() -> Iterator[tuple[Path, str]]:
    """Every page with its text, but for the one that tells what things were once called."""
    for file in project_files():
        if file.suffix == ".md" and file != HISTORY:
            yield file, (ROOT / file).read_text(encoding="utf-8")


def names_in(module: str) -> set[str]:
    """What stands at the head of a module: classes, functions, constants, imported names."""
    found: set[str] = set()
    for node in ast.walk(syntax_tree(modules()[module])):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        elif isinstance(node, ast.Name | ast.alias):
            found.add(node.id if isinstance(node, ast.Name) else (node.asname or node.name))
    return found


def is_there(name: str) -> bool:
    """Whether a dotted name leads to a module, or to a name in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        module = ".".join(parts[:end])
        if module in modules():
            return end == len(parts) or parts[end] in names_in(module)
    return False


def test_files_that_pages_name_are_there() -> None:
    found = [
        f"{page}: {name}"
        for page, text in pages()
        for name in PATH.findall(text)
        if not name.startswith(WRITTEN_LATER) and not (ROOT / name.rstrip(".")).exists()
    ]
    assert not found, "\n".join(found)


def test_modules_that_pages_and_docstrings_name_are_there() -> None:
    texts = list(pages())
    texts += [
        (file, ast.get_docstring(node) or "")
        for file in python_files(*PACKAGES)
        for node in ast.walk(syntax_tree(file))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert is_there("rmix_kit.types.EnvSpec")
    assert not is_there("rmix_kit.types.Nobody")
    found = [f"{file}: {name}" for file, text in texts for name in DOTTED.findall(text) if not is_there(name)]
    assert not found, "\n".join(found)
