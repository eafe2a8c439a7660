"""Whether a value that a file brings is of the type and in the range that a field's annotation declares."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import MappingProxyType, NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from annotated_types import Ge, Gt, Le, Lt, MinLen

from rmix_kit.spelling import shortened

_MAPPINGS = (dict, Mapping)
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


def misfit(value: object, hint: Any, path: str) -> str:  # noqa: ANN401 - any annotation
    """Say what of nested values is not of the form that an annotation declares.

    Args:
        value: As JSON or YAML gave it; a list stands for a tuple.
        hint: As for `expected_instead`; besides ``dict[str, ...]``, ``Mapping[str, ...]``, tuples of a fixed length, a
            TypedDict (whose other keys are passed over) and Any, within one another.
        path: What the value is called, for the account.

    Returns:
        The first misfit in one line, such as "state.episodes is 'x'; it must be a whole number"; empty for none.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return ""
    if is_typeddict(hint) or origin in _MAPPINGS:
        if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
            return f"{path} is {shortened(value)}; it must be a mapping"
        return _misfit_of_keys(value, hint, path) if is_typeddict(hint) else _first(value.items(), arguments[1], path)
    if origin in (Union, UnionType):
        found = [misfit(value, inner, path) for inner in arguments]
        if "" in found or not any(map(_is_nested, arguments)):
            return "" if "" in found else _said(value, expected_instead(value, hint), path)
        return next(reason for reason, inner in zip(found, arguments, strict=True) if _is_nested(inner))
    if origin is tuple and isinstance(value, list | tuple):
        if arguments[-1] is Ellipsis:
            return _first(enumerate(value), arguments[0], path)
        if len(value) != len(arguments):
            return f"{path} is {shortened(value)}; it must be {len(arguments)} values"
        return next((r for n, inner in enumerate(arguments) if (r := misfit(value[n], inner, f"{path}.{n}"))), "")
    return _said(value, expected_instead(value, hint), path)


@cache
def hints_of(form: type) -> Mapping[str, Any]:
    """Return the annotations of a class by name, with their ranges; looked up once."""
    return get_type_hints(form, include_extras=True)


def _misfit_of_keys(value: Mapping[str, object], form: type, path: str) -> str:
    for name, hint in hints_of(form).items():
        is_optional = get_origin(hint) is NotRequired
        if name not in value:
            if not is_optional:
                return f"{path} lacks {name}"
        elif reason := misfit(value[name], get_args(hint)[0] if is_optional else hint, f"{path}.{name}"):
            return reason
    return ""


def _first(entries: Iterable[tuple[object, object]], hint: Any, path: str) -> str:  # noqa: ANN401 - any annotation
    return next((reason for name, entry in entries if (reason := misfit(entry, hint, f"{path}.{name}"))), "")


def _is_nested(hint: Any) -> bool:  # noqa: ANN401 - any annotation
    return is_typeddict(hint) or get_origin(hint) in (*_MAPPINGS, tuple)


def _said(value: object, expected: str, path: str) -> str:
    return f"{path} is {shortened(value)}; it must be {expected}" if expected else ""


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
