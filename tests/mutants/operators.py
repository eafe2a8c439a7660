"""The small changes that make a mutant: for each kind of syntax node, what may stand there instead.

Why not a library: cosmic-ray knows operators, numbers, `and` and `or`, but not the faults of this field: a target
network read where the online one belongs, a lost `detach`, `dim=-2` for `dim=-1`, two arguments changed over. It also
starts an interpreter per mutant, which imports torch each time, and names mutants by numbers that the next edit moves.

Strings, annotations, asserts, imports, what stands in a `raise`, and keywords that change nothing on one machine or in
one process (`device`, `encoding`, `strict`, ...) are left alone; `mutants.py` walks, this file only offers.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

Node = TypeVar("Node", bound=ast.AST)
Offer = tuple[str, ast.AST]

BOUNDARIES = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}
NEGATIONS = {
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
ARITHMETIC = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_PAIRS = (
    *(("min", "max"), ("argmin", "argmax"), ("minimum", "maximum"), ("amin", "amax"), ("any", "all"), ("sum", "mean")),
    *(("floor", "ceil"), ("zeros", "ones"), ("zeros_like", "ones_like"), ("logical_and", "logical_or")),
    *(("startswith", "endswith"), ("softmax", "log_softmax")),
)
BUILT_IN = frozenset({"min", "max", "any", "all"})  # the others are methods; as a bare name they would be unknown
OTHER_NAME = {
    **dict(_PAIRS),
    **{second: first for first, second in _PAIRS},
    "no_grad": "enable_grad",
    "inference_mode": "enable_grad",
    "prod": "sum",
}
DROPPED = frozenset(
    [
        "detach",
        "abs",
        "clamp",
        "clamp_min",
        "clamp_max",
        "clip",
        "copy",
        "clone",
        "masked_fill",
        "flip",
        "roll",
        "round",
        "sqrt",
        "exp",
        "log",
        "tanh",
        "relu",
        "elu",
    ]
)
MODULES = frozenset({"torch", "np", "math", "functional"})  # `torch.abs(x)` has no receiver to fall back on
SYMMETRIC = frozenset({"min", "max", "minimum", "maximum", "isinstance", "issubclass", "equal", "array_equal"})
KEPT_KEYWORDS = frozenset({"device", "encoding", "strict", "stacklevel", "non_blocking", "newline", "errors"})


def _with(node: Node, **fields: Any) -> Node:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _at(items: list[Any], index: int, item: Any) -> list[Any]:
    return [*items[:index], item, *items[index + 1 :]]


def last_name(node: ast.AST) -> str:
    """`clamp` of `x.abs().clamp`, "" for anything that has no name."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _compare(node: ast.Compare) -> Iterator[Offer]:
    for index, operator in enumerate(node.ops):
        for kind, table in (("boundary", BOUNDARIES), ("compare", NEGATIONS)):
            if type(operator) in table:
                yield kind, _with(node, ops=_at(node.ops, index, table[type(operator)]()))


def _is_text_or_list(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.List | ast.Tuple | ast.ListComp) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _arithmetic(node: ast.BinOp | ast.AugAssign) -> Iterator[Offer]:
    operands = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.value,)
    if type(node.op) in ARITHMETIC and not any(map(_is_text_or_list, operands)):
        yield "arithmetic", _with(node, op=ARITHMETIC[type(node.op)]())
    if isinstance(node, ast.AugAssign):
        yield "delete", ast.Pass()


def _logic(node: ast.BoolOp) -> Iterator[Offer]:
    yield "logic", _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    for index in range(len(node.values)):
        rest = [*node.values[:index], *node.values[index + 1 :]]
        yield "logic", rest[0] if len(rest) == 1 else _with(node, values=rest)


def number(node: ast.AST) -> int | float | None:
    """The number that is written there, with its minus; None for anything else, True and False among it."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = number(node.operand)
        return None if value is None else -value
    return node.value if isinstance(node, ast.Constant) and type(node.value) in {int, float} else None


def _unary(node: ast.UnaryOp) -> Iterator[Offer]:
    yield from _constant(node) if number(node) is not None else [("minus", node.operand)]


def _constant(node: ast.Constant | ast.UnaryOp) -> Iterator[Offer]:
    value = number(node)
    if isinstance(value, int):
        yield from (("number", ast.Constant(other)) for other in (value + 1, value - 1))
    elif value is not None:
        yield "number", ast.Constant(2 * value if value else 1.0)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "truth", ast.Constant(not node.value)


def _name(node: ast.Name | ast.Attribute) -> Iterator[Offer]:
    field = "attr" if isinstance(node, ast.Attribute) else "id"
    other = OTHER_NAME.get(last_name(node))
    if other and isinstance(node.ctx, ast.Load) and (field == "attr" or other in BUILT_IN):
        yield "name", _with(node, **{field: other})


def _call(node: ast.Call) -> Iterator[Offer]:
    name = last_name(node.func)
    for index, keyword in enumerate(node.keywords):
        if keyword.arg and keyword.arg not in KEPT_KEYWORDS:
            yield "keyword", _with(node, keywords=[*node.keywords[:index], *node.keywords[index + 1 :]])
    for index, (first, second) in enumerate(zip(node.args, node.args[1:], strict=False)):
        are_alike = all(isinstance(item, ast.Name | ast.Attribute) for item in (first, second))
        if name not in SYMMETRIC and (are_alike or (name == "where" and index == 1)):
            yield "swap", _with(node, args=[*node.args[:index], second, first, *node.args[index + 2 :]])
    if name in DROPPED:
        receiver = node.func.value if isinstance(node.func, ast.Attribute) else None
        if receiver is None or (isinstance(receiver, ast.Name) and receiver.id in MODULES):
            receiver = node.args[0] if node.args else None
        if receiver is not None:
            yield "drop", receiver


def _subscript(node: ast.Subscript) -> Iterator[Offer]:
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    for index, part in enumerate(parts):
        for end in ("lower", "upper", "step"):
            if isinstance(part, ast.Slice) and getattr(part, end) is not None:
                whole = _with(part, **{end: None})
                is_tuple = isinstance(node.slice, ast.Tuple)
                yield (
                    "slice",
                    _with(node, slice=_with(node.slice, elts=_at(parts, index, whole)) if is_tuple else whole),
                )


def _choice(node: ast.IfExp) -> Iterator[Offer]:
    if not (_is_text_or_list(node.body) and _is_text_or_list(node.orelse)):  # two wordings
        yield "swap", _with(node, body=node.orelse, orelse=node.body)


def _statement(node: ast.Expr | ast.Raise | ast.Continue | ast.Break) -> Iterator[Offer]:
    if not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call):
        yield "delete", ast.Pass()


def _assignment(node: ast.Assign) -> Iterator[Offer]:
    if isinstance(node.targets[0], ast.Subscript):  # an entry; without a name's first value nothing would run
        yield "delete", ast.Pass()


OFFERS: dict[type[ast.AST], Callable[[Any], Iterator[Offer]]] = {
    ast.Compare: _compare,
    ast.BinOp: _arithmetic,
    ast.AugAssign: _arithmetic,
    ast.BoolOp: _logic,
    ast.UnaryOp: _unary,
    ast.Constant: _constant,
    ast.Name: _name,
    ast.Attribute: _name,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.IfExp: _choice,
    ast.Assign: _assignment,
    **dict.fromkeys((ast.Expr, ast.Raise, ast.Continue, ast.Break), _statement),
}


ENDS = (("terminated", "truncated"), ("truncated", "terminated"))


def twin(name: str) -> Iterator[str]:
    """The names that a reader could mistake it for: online and target, a step and the next, two ends."""
    for first, second in (("online", "target"), ("target", "online"), ("low", "high"), ("high", "low"), *ENDS):
        if first in name:
            yield name.replace(first, second)
    yield name.removeprefix("next_") if name.startswith("next_") else f"next_{name}"


def twins(node: ast.Name | ast.Attribute, known: frozenset[str]) -> Iterator[Offer]:
    """The node with its twin's name, where the function knows that name too."""
    field = "attr" if isinstance(node, ast.Attribute) else "id"
    for other in twin(last_name(node)):
        if isinstance(node.ctx, ast.Load) and other in known:
            yield "twin", _with(node, **{field: other})
