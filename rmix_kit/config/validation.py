"""From plain values to a frozen dataclass: every key known, every value of its type and in its range."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic import ConfigDict, TypeAdapter, ValidationError

from rmix_kit.errors import ConfigError
from rmix_kit.files.forms import hints_of
from rmix_kit.spelling import shortened, suggestion, whole_number

Path = tuple[str, ...]
Where = Callable[[Path], str]
"""Says where the value at a path was given, for an error."""

_STRICTNESS = ConfigDict(allow_inf_nan=False)


def build(cls: type, values: Mapping[str, Any], path: Path, where: Where) -> Any:  # noqa: ANN401 - any dataclass
    """Make a dataclass from a mapping; what is not given keeps its default.

    Args:
        cls: A dataclass whose annotations carry the ranges.
        path: Where the mapping hangs, for errors.
        where: Says which file and line a value came from.

    Returns:
        An instance.

    Raises:
        ConfigError: A key is unknown, or a value of the wrong type or out of range.
    """
    hints = hints_of(cls)
    names = [entry.name for entry in fields(cls)]
    arguments = {}
    for name, value in values.items():
        here = (*path, name)
        if name not in names:
            raise ConfigError(
                f"{where(here)}: there is no {'.'.join(here)}{suggestion(name, names)} "
                f"({'.'.join(path)} has {', '.join(names)})"
            )
        if is_dataclass(hints[name]):
            if not isinstance(value, Mapping):
                raise ConfigError(f"{where(here)}: {'.'.join(here)} is {shortened(value)}; it has keys of its own")
            arguments[name] = build(hints[name], value, here, where)
        else:
            arguments[name] = check_value(hints[name], value, here, where)
    return cls(**arguments)


def check_value(hint: Any, value: Any, path: Path, where: Where) -> Any:  # noqa: ANN401 - any annotation, any value
    """Turn a plain value into a field's type; text such as YAML's ``5e-4`` becomes a number where one is wanted.

    Raises:
        ConfigError: With what was given and what is expected.
    """
    try:
        if isinstance(value, bool) and not _allows_bool(hint):
            raise ConfigError(f"{where(path)}: {'.'.join(path)} is {str(value).lower()}; it must be a number or a word")
        adapter: TypeAdapter[Any] = TypeAdapter(hint, config=_STRICTNESS)
        try:
            return adapter.validate_python(value)
        except ValidationError:
            number = whole_number(value) if isinstance(value, str) else None  # YAML reads 1e6 as text
            if number is None:
                raise
            return adapter.validate_python(number)
    except ValidationError as error:
        reasons = dict.fromkeys(_reason(entry["type"], entry["msg"], entry.get("ctx", {})) for entry in error.errors())
        raise ConfigError(f"{where(path)}: {'.'.join(path)} is {shortened(value)}; {' or '.join(reasons)}") from error


def _allows_bool(hint: Any) -> bool:  # noqa: ANN401 - any annotation
    return hint is bool or any(_allows_bool(entry) for entry in get_args(hint) if get_origin(hint) is not Literal)


def _reason(kind: str, message: str, context: Mapping[str, Any]) -> str:
    """Put pydantic's reason into the words of our other errors."""
    if kind == "literal_error":
        return f"it must be {context['expected']}"
    text = message[0].lower() + message[1:]
    return "it must be " + text.removeprefix("input should be ") if text.startswith("input should be ") else text
