"""What settings mean, from the docstrings of the classes that hold them."""

from __future__ import annotations

import inspect
import re


def descriptions(cls: type) -> dict[str, str]:
    """Return the sentences under "Attributes:" of a class and those that it inherits from, by the attribute's name."""
    found: dict[str, str] = {}
    for ancestor in reversed(cls.__mro__):
        described = inspect.getdoc(ancestor) or ""
        for name, sentence in re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", described, flags=re.MULTILINE):
            found[name] = re.sub(r"\s+", " ", sentence)
    return found
