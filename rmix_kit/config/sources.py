"""Every setting of a configuration, and where its value came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rmix_kit.config.load import Settled
from rmix_kit.spelling import dotted

DEFAULT, PRESET, FRAME, FILE, GIVEN = "default", "preset", "frame", "file", "given"


@dataclass(frozen=True, kw_only=True)
class Sourced:
    """One value.

    Attributes:
        name: Dotted, such as ``training.batch_size``.
        value: As ``config.yaml`` would have it.
        source: "default", "preset", "frame", "file" or "given" (on the command line).
        place: Where exactly, such as ``frame-macn.yaml:10``; empty for a default.
    """

    name: str
    value: Any
    source: str
    place: str


def sourced(settled: Settled) -> list[Sourced]:
    """Return all values of a configuration, those beside the sections first."""
    config = settled.config
    found = []
    for name, value in config.to_dict().items():
        if name in config.settings:
            continue
        place = settled.head.get(name, "")
        source = DEFAULT if not place else GIVEN if place == f"--{name}" else FILE
        found += [Sourced(name=full, value=one, source=source, place=place) for full, one in dotted({name: value})]
    for name, value in dotted(config.settings):
        found.append(_setting(settled, name, value))
    return found


def _setting(settled: Settled, name: str, value: object) -> Sourced:
    path = tuple(name.split("."))
    for layer, values in reversed(list(settled.layers.items())):
        if path in values:
            _, place = values[path]
            source = layer if layer != PRESET or place.startswith("presets/") else FRAME
            return Sourced(name=name, value=value, source=source, place=place)
    return Sourced(name=name, value=value, source=DEFAULT, place="")
