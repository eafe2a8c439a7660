"""Words that people write: suggestions for misspelt ones, and dotted names."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any


def suggestion(given: str, known: Iterable[str]) -> str:
    """Give ``; did you mean 'x'?`` for the known word nearest to the given one, or an empty text.

    Args:
        given: What was written.
        known: What could have been meant.
    """
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""


def dotted(values: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Give every value of nested mappings with its dotted name, such as ``training.batch_size``."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from dotted(value, f"{path}{name}.")
        else:
            yield f"{path}{name}", value
