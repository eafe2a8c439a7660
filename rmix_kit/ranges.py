"""Whether a value that a file brings is of the type and in the range that a field's annotation declares."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen

_BOUNDS: Mapping[type, tuple[str, str, Callable[[Any, Any], bool]]] = MappingProxyType(
    {
        Ge: ("ge", "at least", operator.ge),
        Gt: ("gt", "above", operator.gt),
        Le: ("le", "at most", operator.le),
        Lt: ("lt", "below", operator.lt),
    }
)


def expected_instead(value: object, hint: Any) -> str:  # noqa: ANN401 - any annotation
    """Say what a field takes, where it does not take a value.

    Args:
        value: As JSON or YAML gave it; a list stands for a tuple.
        hint: The field's annotation: a plain type, a tuple, a union, a literal, or one of these with bounds.

    Returns:
        In a few words, such as "a number, at least 0, at most 1"; empty where the value is taken.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return expected_instead(value, arguments[0]) or _outside(value, arguments[1:])
    if origin in (Union, UnionType):
        reasons = [expected_instead(value, inner) for inner in arguments]
        return "" if "" in reasons else " or ".join(reasons)
    if origin is Literal:
        is_one = any(value == word and type(value) is type(word) for word in arguments)
        return "" if is_one else f"one of {', '.join(map(repr, arguments))}"
    if origin is tuple:
        if not isinstance(value, list | tuple):
            return "a list"
        return next((reason for entry in value if (reason := expected_instead(entry, arguments[0]))), "")
    return _of_other_type(value, hint)


def _of_other_type(value: object, kind: type) -> str:
    is_bool = isinstance(value, bool)
    if kind is float:
        is_number = isinstance(value, int | float) and not is_bool and math.isfinite(value)
        return "" if is_number else "a finite number"
    if kind is int:
        return "" if isinstance(value, int) and not is_bool else "a whole number"
    names = {bool: "true or false", str: "text", NoneType: "null"}
    return "" if isinstance(value, kind) else names.get(kind, kind.__name__)


def _outside(value: Any, bounds: tuple[object, ...]) -> str:  # noqa: ANN401 - any value of the field's type
    for bound in bounds:
        if isinstance(bound, MinLen) and len(value) < bound.min_length:
            return f"at least {bound.min_length} of them"
        if type(bound) in _BOUNDS:
            name, words, holds = _BOUNDS[type(bound)]
            limit = getattr(bound, name)
            if not holds(value, limit):
                return f"a number {words} {limit:g}"
    return ""
