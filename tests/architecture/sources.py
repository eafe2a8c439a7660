"""The project's files as the architecture tests see them: tracked text, modules, syntax trees, imports.

A rule is one test that walks all files and names every place at once. Each file is read, parsed and walked once.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("macn", "exporters", "rmix_kit")


GENERATED = {"__pycache__", "site", "dist", "build"}


@cache
def project_files() -> tuple[Path, ...]:
    """Every file that git tracks or would track, relative to the root; in an unpacked distribution every one there."""
    if not (ROOT / ".git").exists():
        files = (path.relative_to(ROOT) for path in ROOT.rglob("*") if path.is_file())
        hidden = (file for file in files if not any(part.startswith(".") or part in GENERATED for part in file.parts))
        return tuple(sorted(hidden))
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return tuple(sorted(Path(name) for name in listing.split("\0") if name and (ROOT / name).is_file()))


@cache
def python_files(*folders: str) -> tuple[Path, ...]:
    """The project's Python files, all or those under the named folders.

    Raises:
        ValueError: if a named folder has none: a rule that walks nothing holds nothing.
    """
    files = tuple(file for file in project_files() if file.suffix == ".py")
    if empty := set(folders) - {file.parts[0] for file in files}:
        raise ValueError(f"no Python file under {', '.join(sorted(empty))}")
    return tuple(file for file in files if not folders or file.parts[0] in folders)


@cache
def text_lines(file: Path) -> tuple[str, ...]:
    """The file's lines, none if it is no text."""
    content = (ROOT / file).read_bytes()
    return () if b"\0" in content else tuple(content.decode("utf-8").splitlines())


@cache
def syntax_tree(file: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse((ROOT / file).read_text(encoding="utf-8"), filename=str(file))


@cache
def nodes_of(file: Path) -> tuple[ast.AST, ...]:
    """Every node of the parsed file."""
    return tuple(ast.walk(syntax_tree(file)))


def module_name(file: Path) -> str:
    """`macn/layout.py` is `macn.layout`, `macn/__init__.py` is `macn`."""
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Path]:
    """Every module of the three packages with its file."""
    return {module_name(file): file for file in python_files(*PACKAGES)}


@dataclass(frozen=True, kw_only=True)
class Import:
    """One import statement's target.

    Attributes:
        target: dotted name; for `from a import b` it is `a.b` where that is a module of ours, else `a`.
        line: where it stands.
        is_lazy: it stands inside a function.
        is_for_types: it stands under `if TYPE_CHECKING`.
    """

    target: str
    line: int
    is_lazy: bool
    is_for_types: bool


def _is_type_checking(test: ast.expr) -> bool:
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


def _targets(node: ast.Import | ast.ImportFrom, file: Path) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        package = file.parent.parts[: len(file.parent.parts) - (node.level - 1)]
        base = ".".join([*package, *([node.module] if node.module else [])])
    for alias in node.names:
        full = f"{base}.{alias.name}"
        yield full if full in modules() else base


@cache
def imports_of(file: Path) -> tuple[Import, ...]:
    """Every import of the file, with where it stands."""
    found: list[Import] = []

    def visit(node: ast.AST, *, is_lazy: bool, is_for_types: bool) -> None:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.extend(
                Import(target=target, line=node.lineno, is_lazy=is_lazy, is_for_types=is_for_types)
                for target in _targets(node, file)
            )
        inside = is_lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        guarded = node.body if isinstance(node, ast.If) and _is_type_checking(node.test) else []
        for child in ast.iter_child_nodes(node):
            visit(child, is_lazy=inside, is_for_types=is_for_types or child in guarded)

    visit(syntax_tree(file), is_lazy=False, is_for_types=False)
    for call, target in imports_by_name(file):
        if target:
            found.append(Import(target=target, line=call.lineno, is_lazy=True, is_for_types=False))
    return tuple(found)


def dotted_name(node: ast.expr) -> str:
    """`torch.jit.load` for that expression, "" for anything that is not names joined by dots."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else ""


@cache
def calls_of(file: Path) -> tuple[tuple[str, ast.Call], ...]:
    """Every call of the file whose function is a dotted name, with that name."""
    calls = (node for node in nodes_of(file) if isinstance(node, ast.Call))
    return tuple((name, call) for call in calls if (name := dotted_name(call.func)))


@cache
def imports_by_name(file: Path) -> tuple[tuple[ast.Call, str], ...]:
    """Every `import_module(...)` of the file, with the name where it is written there, else ""."""
    return tuple(
        (call, call.args[0].value if isinstance(call.args[0], ast.Constant) else "")
        for name, call in calls_of(file)
        if name.split(".")[-1] in {"import_module", "__import__"} and call.args
    )
