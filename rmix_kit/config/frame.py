"""The frames around algorithms: of kinds that no preset knows (`frame.yaml`), of MACN, SMAC, and single games."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from rmix_kit.config.document import Document, read_document
from rmix_kit.config.overrides import Values
from rmix_kit.config.values import SECTIONS, flatten

FILES = ("frame.yaml", "frame-macn.yaml", "frame-smac.yaml", "frame-car-following.yaml")
BACKEND = "backend="


def frame_values(algo: str, env: str, report: Callable[[str], None]) -> Values:
    """Return the frame's values for an algorithm in an environment; none where there is no frame for it.

    They are told of unless the frame says ``is_said: false``: on MACN presets are at home, and the frame is theirs.

    Args:
        env: Environment text.
        report: Told of the values.
    """
    kind, _, rest = env.strip().partition(":")
    kind = kind.lower()
    name, _, rest = rest.partition("?")
    options = rest.split("&")
    backend = next((option.removeprefix(BACKEND) for option in options if option.startswith(BACKEND)), "")
    values: Values = {}
    is_said = True
    for document in map(_document, FILES):
        if kind in document.values.get("kinds", ()) or f"{kind}:{name}" in document.values.get("environments", ()):
            is_said = document.values.get("is_said", True)
            for within in ((), ("of_backend", backend), ("of_kind", kind), *_of_algorithm(document, algo)):
                if _has(document, within):
                    values |= flatten(document, SECTIONS, within=within)
    if values and is_said:
        shown = ", ".join(f"{'.'.join(path)}={value}" for path, (value, _) in values.items())
        report(f"frame for {kind}: environments: {shown}")
    return values


def _of_algorithm(document: Document, algo: str) -> Iterator[tuple[str, str]]:
    """Give the entries for an algorithm, one of whose names may stand for several: ``vdn, qmix``."""
    for names in document.values["algorithms"]:
        if algo in names.split(", "):
            yield "algorithms", names


@cache
def _document(file: str) -> Document:
    return read_document((files("rmix_kit.config") / file).read_text(encoding="utf-8"), file)


def _has(document: Document, within: tuple[str, ...]) -> bool:
    mapping: Any = document.values
    for key in within:
        if not isinstance(mapping, Mapping) or key not in mapping:
            return False
        mapping = mapping[key]
    return True
