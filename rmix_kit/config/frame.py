"""The frame for environments that no preset knows: `frame.yaml`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from rmix_kit.config.document import Document, read_document
from rmix_kit.config.overrides import Values
from rmix_kit.config.values import SECTIONS, flatten

FILE = "frame.yaml"


def frame_values(algo: str, kind: str, report: Callable[[str], None]) -> Values:
    """Return the frame's values for an algorithm on a kind of environments; none for kinds that presets were tuned on.

    Args:
        kind: What stands before an environment text's colon.
        report: Told of the values.
    """
    document = _document()
    if kind not in document.values["kinds"]:
        return {}
    values: Values = {}
    for within in ((), ("of_kind", kind), ("algorithms", algo)):
        if _has(document, within):
            values |= flatten(document, SECTIONS, within=within)
    shown = ", ".join(f"{'.'.join(path)}={value}" for path, (value, _) in values.items())
    report(f"frame for {kind}: environments: {shown}")
    return values


@cache
def _document() -> Document:
    return read_document((files("rmix_kit.config") / FILE).read_text(encoding="utf-8"), FILE)


def _has(document: Document, within: tuple[str, ...]) -> bool:
    mapping: Any = document.values
    for key in within:
        if not isinstance(mapping, Mapping) or key not in mapping:
            return False
        mapping = mapping[key]
    return True
