"""A suite at a share of its steps and with fewer seeds, as a folder remembers it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rmix_kit.errors import RecordError
from rmix_kit.files.reading import LARGEST_TEXT, read_json
from rmix_kit.files.writing import json_text, write_file
from rmix_kit.reproduction.suites import Part, Suite

FILE = "scale.json"


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of a suite is run.

    Attributes:
        fraction: Share of every run's steps, in (0, 1].
        seeds: Seeds of every cell, the first ones; None for all that the suite has.
    """

    fraction: float = 1.0
    seeds: int | None = None


WHOLE = Scale()


def scale_in(out: Path, fraction: float | None, seeds: int | None) -> Scale:
    """Return a folder's scale: the one it was begun with, which must not differ from the one asked for.

    Args:
        out: The reproduction's folder; it need not exist.
        fraction: Asked for; None takes the folder's, or all steps.
        seeds: Likewise.

    Raises:
        RecordError: The folder holds another scale, or its file cannot be read.
    """
    path = out / FILE
    if not path.exists():
        return Scale(fraction=1.0 if fraction is None else fraction, seeds=seeds)
    kept = _read(path)
    for name, asked in (("fraction", fraction), ("seeds", seeds)):
        if asked is not None and asked != getattr(kept, name):
            raise RecordError(
                f"{path} says {name} {getattr(kept, name) or 'all'}, and {asked} is asked for; give another folder, or "
                f"change the file (runs of other steps are then refused, more seeds are not)"
            )
    return kept


def write_scale(out: Path, scale: Scale) -> None:
    """Remember a scale that is not the whole suite, in a folder that has none.

    Args:
        out: The folder; made if it is not there.
        scale: What its runs are planned with.
    """
    if scale != WHOLE and not (out / FILE).exists():
        out.mkdir(parents=True, exist_ok=True)
        values = {"fraction": scale.fraction, "seeds": scale.seeds}
        write_file(out / FILE, json_text(values).encode() + b"\n")


def scaled(suite: Suite, scale: Scale) -> Suite:
    """Return a suite with a scale's steps and seeds, and a title that says so.

    Args:
        suite: As published.
        scale: How much of it.
    """
    title = suite.title + ("" if scale.fraction == 1.0 else f", {scale.fraction:g} of its steps")
    return replace(suite, title=title, parts=tuple(_scaled(part, scale) for part in suite.parts))


def _scaled(part: Part, scale: Scale) -> Part:
    environments = tuple(
        replace(entry, steps=None if entry.steps is None else max(1, round(entry.steps * scale.fraction)))
        for entry in part.sweep.environments
    )
    sweep = replace(part.sweep, environments=environments, seeds=part.sweep.seeds[: scale.seeds])
    return replace(part, sweep=sweep)


def _read(path: Path) -> Scale:
    try:
        values: Any = read_json(path, LARGEST_TEXT)
        fraction, seeds = values["fraction"], values["seeds"]
    except (ValueError, TypeError, KeyError) as error:
        raise RecordError(f'{path} cannot be read; expected {{"fraction": 0.25, "seeds": 2}}') from error
    is_share = isinstance(fraction, int | float) and not isinstance(fraction, bool) and 0 < fraction <= 1
    is_count = seeds is None or (isinstance(seeds, int) and not isinstance(seeds, bool) and seeds >= 1)
    if not is_share or not is_count:
        raise RecordError(
            f"{path} has fraction {fraction!r} and seeds {seeds!r}; expected a share in (0, 1] and a whole number "
            "above 0 or null"
        )
    return Scale(fraction=float(fraction), seeds=seeds)
