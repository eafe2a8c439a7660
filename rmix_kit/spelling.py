"""Words that people write: suggestions for misspelt ones, dotted names, and values in errors."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

LONGEST_SHOWN = 200
"""Characters of a value that an error repeats."""
MOST_DIGITS = 40
"""Of a whole number that is written as people write it; the largest seed has 39."""


def shortened(value: object) -> str:
    """Write a value for an error, its beginning where it is long."""
    text = repr(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the known word nearest to the given one, or an empty text.

    Args:
        given: What was written.
        known: What could have been meant.
    """
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def listed(names: Sequence[str]) -> str:
    """Write names in a row, such as "rmix, qmix and vdn".

    Args:
        names: At least one.
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def dotted(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of nested mappings with its dotted name, such as ``training.batch_size``."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from dotted(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value


def whole_number(text: str) -> int | None:
    """Read a whole number as people write it: ``400000``, ``1e6``, ``1_000_000``, ``2.5e5``.

    Returns:
        The number; None where the text is none, or one of more than `MOST_DIGITS` digits.
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or number.adjusted() >= MOST_DIGITS or number != number.to_integral_value():
        return None
    return int(number)


def is_file_name(given: object) -> bool:
    """Return whether a text may name a file or be a part of its name: letters, digits and a few marks, no path."""
    return isinstance(given, str) and re.fullmatch(r"\w[\w .+=-]*", given) is not None
