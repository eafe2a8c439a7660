"""All mutants of a source text, each with a name that edits elsewhere do not change."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from tests.mutants.operators import OFFERS, Offer, last_name, number, twins

# Functions and calls that only word something for a reader; what a message says is read, not tested.
WORDING_CALLS = frozenset({"warn", "note", "print", "debug", "info", "warning", "cast", "TypeVar", "NewType", "refuse"})
WORDING_FUNCTIONS = frozenset({"__repr__", "__str__"})
CONTEXT = 24  # characters of an expression shown on each side of its change

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One change of one file.

    Attributes:
        id: made of the file, the scope, the line's text, the change and how many like it stand before it there.
        file: relative to the root.
        line: where the changed expression or statement begins.
        scope: qualified name of the function, or of the class, it stands in; "<module>" outside both.
        in_function: it runs when that function is called, not when the module is imported.
        kind: which sort of change.
        change: what stood there, what stands there instead.
        digest: of the function's text, or of the statement's outside functions.
        start: first byte that is replaced.
        end: first byte that is not replaced any more.
        text: what stands there instead.
    """

    id: str
    file: str
    line: int
    scope: str
    in_function: bool
    kind: str
    change: str
    digest: str
    start: int
    end: int
    text: str

    def applied(self, source: str) -> str:
        """The file's text with the change made."""
        data = source.encode()
        return (data[: self.start] + self.text.encode() + data[self.end :]).decode()


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where the walk stands."""

    scope: str
    text: str
    names: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()


def _hash(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:12]


def _identifiers(tree: ast.AST) -> tuple[frozenset[str], frozenset[str]]:
    """The names that a piece of code has by itself, and those it asks of objects."""
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return frozenset(names), frozenset(node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute))


def _is_left_alone(node: ast.AST) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.Assert | ast.JoinedStr):
        return True
    if isinstance(node, ast.If):
        return last_name(node.test) == "TYPE_CHECKING"
    if isinstance(node, ast.Assign):
        return last_name(node.targets[0]) == "__all__"
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or _is_left_alone(node.value)
    if isinstance(node, ast.Call):
        return last_name(node.func) in WORDING_CALLS or last_name(node.func).endswith(("Error", "Warning"))
    return isinstance(node, Function) and node.name in WORDING_FUNCTIONS


def _parts(node: ast.AST) -> Iterator[ast.AST]:
    """What of a node is walked: no annotations, no class decorators, nothing of an error that is raised."""
    if isinstance(node, Function):
        yield from [*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults), *node.body]
    elif isinstance(node, ast.ClassDef):
        yield from node.body
    elif isinstance(node, ast.AnnAssign):
        yield from filter(None, [node.value])
    elif isinstance(node, ast.Call) and last_name(node.func) in {"isinstance", "issubclass"}:
        yield node.args[0]
    elif not isinstance(node, ast.Raise) and number(node) is None:
        yield from ast.iter_child_nodes(node)


def _offers(node: ast.AST, place: _Place) -> Iterator[Offer]:
    yield from OFFERS.get(type(node), lambda _: iter(()))(node)
    if isinstance(node, ast.Name):
        yield from twins(node, place.names)
    if isinstance(node, ast.Attribute):
        yield from twins(node, place.attributes)
    if isinstance(node, ast.If | ast.IfExp | ast.While) and not isinstance(node.test, ast.Compare | ast.BoolOp):
        is_negated = isinstance(node.test, ast.UnaryOp)  # its `not` is taken away already
        yield from () if is_negated else [("negate", ast.UnaryOp(op=ast.Not(), operand=node.test))]


def _shown(old: str, new: str) -> str:
    """The change without the long text around it that stays."""
    old, new = " ".join(old.split()), " ".join(new.split())
    same = next((at for at, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    first = max(0, same - CONTEXT)
    rest = 0
    while rest < min(len(old), len(new)) - same and old[-1 - rest] == new[-1 - rest]:
        rest += 1
    cut = max(0, rest - CONTEXT)
    sides = [text[first : len(text) - cut] for text in (old, new)]
    return " -> ".join(f"{'…' if first else ''}{side}{'…' if cut else ''}" for side in sides)


class _Walk:
    """Goes through one file and keeps what it meets, in the order of the text."""

    def __init__(self, file: str, source: str) -> None:
        self.file, self.source, self.data = file, source, source.encode()
        self.lines = source.splitlines()
        self.starts = [0]
        for line in self.data.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.found: list[Mutant] = []
        self.seen: set[tuple[int, int, str]] = set()
        self.like: Counter[tuple[str, ...]] = Counter()
        self.attributes = _identifiers(ast.parse(source))[1]

    def span(self, node: ast.AST) -> tuple[int, int]:
        start = self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def text(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.data[start:end].decode()

    def walk(self, node: ast.AST, place: _Place) -> None:
        if _is_left_alone(node):
            return
        in_function = bool(place.names)
        if isinstance(node, ast.stmt) and not in_function:
            place = _Place(scope=place.scope, text=self.text(node))
        for kind, new in _offers(node, place):
            is_type = isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and not in_function
            if not is_type:  # `A | B` outside functions is a type
                self.add(node.test if kind == "negate" else node, kind, new, place)  # type: ignore[attr-defined]
        inner = self.inside(node, place)
        for part in _parts(node):
            is_body = isinstance(node, Function | ast.ClassDef) and part in node.body
            self.walk(part, inner if is_body else place)

    def inside(self, node: ast.AST, place: _Place) -> _Place:
        if not isinstance(node, Function | ast.ClassDef):
            return place
        prefix = "" if place.scope == "<module>" else f"{place.scope}."
        scope = f"{prefix}{'<locals>.' if place.names and prefix else ''}{node.name}"
        if isinstance(node, ast.ClassDef):
            return _Place(scope=scope, text="")
        names = _identifiers(node)[0] | {node.name}
        return _Place(scope=scope, text=self.text(node), names=names, attributes=self.attributes)

    def add(self, node: ast.AST, kind: str, new: ast.AST, place: _Place) -> None:
        start, end = self.span(node)
        written = ast.unparse(new)
        text = f"({written})" if isinstance(node, ast.expr) else written
        if ast.dump(new) == ast.dump(node) or (start, end, text) in self.seen:
            return
        self.seen.add((start, end, text))
        line = self.lines[node.lineno - 1].strip()  # type: ignore[attr-defined]
        key = (self.file, place.scope, line, ast.unparse(node), written)
        self.found.append(
            Mutant(
                id=_hash(*key, str(self.like[key])),
                file=self.file,
                line=node.lineno,  # type: ignore[attr-defined]
                scope=place.scope,
                in_function=bool(place.names),
                kind=kind,
                change=_shown(ast.unparse(node), written),
                digest=_hash(place.text),
                start=start,
                end=end,
                text=text,
            )
        )
        self.like[key] += 1


def mutants_of(file: str, source: str) -> list[Mutant]:
    """Every mutant of the file."""
    walk = _Walk(file, source)
    for statement in ast.parse(source).body:
        walk.walk(statement, _Place(scope="<module>", text=""))
    return walk.found
