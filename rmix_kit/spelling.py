"""Suggestions for misspelt words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def suggestion(given: str, known: Iterable[str]) -> str:
    """Give ``; did you mean 'x'?`` for the known word nearest to the given one, or an empty text.

    Args:
        given: What was written.
        known: What could have been meant.
    """
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
