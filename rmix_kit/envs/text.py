"""Environment texts such as ``macn:4x12?slip=0.1&include_position=true``, read and written."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import quote, unquote

from macn import NAMED_LAYOUTS
from rmix_kit.errors import EnvironmentTextError
from rmix_kit.spelling import suggestion

Value: TypeAlias = bool | int | float | str

FORM = "KIND:NAME[?key=value&...], such as macn:4x12?slip=0.1"
# What a name and a value may hold besides letters and digits without being written as %XX: a text is one line.
_PLAIN_NAME = "".join(chr(code) for code in range(32, 127) if chr(code) not in "?%")
_PLAIN_VALUE = "".join(chr(code) for code in range(32, 127) if chr(code) not in "&%")


@dataclass(frozen=True, kw_only=True)
class EnvironmentText:
    """An environment text, taken apart. ``str()`` puts it together again.

    Attributes:
        kind: Which family of environments, such as "macn".
        name: Which member, such as "4x12".
        options: Arguments by key, in the order given.
    """

    kind: str
    name: str
    options: tuple[tuple[str, Value], ...] = ()

    def __str__(self) -> str:
        """Return the text from which `parse` reads this value."""
        head = f"{self.kind}:{quote(self.name, safe=_PLAIN_NAME)}"
        tail = "&".join(f"{key}={quote(_written(value), safe=_PLAIN_VALUE)}" for key, value in self.options)
        return f"{head}?{tail}" if tail else head


def parse(text: str) -> EnvironmentText:
    """Read an environment text.

    A value is a whole number, a number, ``true`` or ``false``, or text; text in double quotes is always text.
    ``%XX`` stands for a character that would separate, such as ``%26`` for ``&``.

    Returns:
        Its parts. Whether kind, name and keys exist is for `rmix_kit.envs.make` to say.

    Raises:
        EnvironmentTextError: The text has another form.
    """
    head, mark, tail = text.strip().partition("?")
    kind, colon, name = head.partition(":")
    if not colon or not kind or not name:
        raise EnvironmentTextError(f"environment {text!r} must have the form {FORM}{_missing_kind(head)}")
    options: dict[str, Value] = {}
    for part in tail.split("&") if mark else ():
        key, equals, value = part.partition("=")
        if not equals or not key:
            raise EnvironmentTextError(f"environment {text!r}: {part!r} must be key=value; the form is {FORM}")
        if key in options:
            raise EnvironmentTextError(f"environment {text!r} gives {key} twice; give it once")
        options[key] = _read(unquote(value))
    parsed = EnvironmentText(kind=kind.lower(), name=unquote(name), options=tuple(options.items()))
    if not _is_unicode((kind, parsed.name, *options, *options.values())):
        raise EnvironmentTextError(f"environment {text!a} has characters that are none of Unicode; write it in UTF-8")
    return parsed


def known_options(text: EnvironmentText, known: Iterable[str]) -> dict[str, Value]:
    """Return the options as keyword arguments.

    Args:
        known: Keys that the kind takes.

    Raises:
        EnvironmentTextError: A key is not among them.
    """
    keys = sorted(known)
    for key, _ in text.options:
        if key not in keys:
            raise EnvironmentTextError(
                f"environment {str(text)!r} has no option {key!r}; {text.kind} takes {', '.join(keys) or 'none'}"
                f"{suggestion(key, keys)}"
            )
    return dict(text.options)


def _missing_kind(head: str) -> str:
    """Suggest the kind for a text that is only a name, such as ``4x12``."""
    return f"; did you mean 'macn:{head}'?" if head in NAMED_LAYOUTS else ""


def _is_unicode(parts: Iterable[Value]) -> bool:
    """Return whether parts of a text can be written; half of a pair, or a byte of the command line, cannot."""
    return not any("\ud800" <= letter <= "\udfff" for part in parts for letter in str(part))


def _read(text: str) -> Value:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if len(text) > 1 and text[0] == text[-1] == '"':
        try:
            return str(json.loads(text))
        except ValueError:
            return text
    for number in (int, float):
        try:
            value = number(text)
        except ValueError:
            continue
        return value if math.isfinite(value) and "_" not in text else text
    return text


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value if _read(value) == value and isinstance(_read(value), str) else json.dumps(value)
    return repr(value)
