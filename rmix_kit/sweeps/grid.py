"""Several values for one setting of a sweep: every combination is a variant of its own."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from itertools import product
from typing import Any, get_args, get_origin

from rmix_kit.config.overrides import Values
from rmix_kit.config.schema import TrainingSettings
from rmix_kit.errors import ConfigError
from rmix_kit.files.forms import hints_of
from rmix_kit.files.writing import json_text
from rmix_kit.training.algorithm_names import algorithm_class

Path = tuple[str, ...]
MOST_VARIANTS = 10_000


def combinations(values: Values, algo: str) -> Iterator[tuple[str, Values]]:
    """Give one value to every setting, in all ways: the first setting varies slowest.

    A list stands for several values; of a setting that is a list itself, a list of lists does.

    Args:
        values: By path, some of them lists.
        algo: The algorithm whose settings they are.

    Yields:
        What tells the variant from the others, such as "batch-size=32-rate=0.1", empty where there is one alone; and
        its values.

    Raises:
        ConfigError: A list is empty, or names a value twice; or there are more than `MOST_VARIANTS` combinations.
    """
    varied = {path: _several(path, value, algo) for path, (value, _) in values.items() if _is_grid(path, value, algo)}
    if (count := math.prod(map(len, varied.values()))) > MOST_VARIANTS:
        raise ConfigError(f"set gives {count:,} combinations of values; give at most {MOST_VARIANTS:,}")
    names = _short_names(varied)
    for chosen in product(*varied.values()):
        own = dict(zip(varied, chosen, strict=True))
        label = "-".join(f"{names[path]}={_label(value)}" for path, value in own.items())
        yield label, {path: (own.get(path, value), source) for path, (value, source) in values.items()}


def _is_grid(path: Path, value: object, algo: str) -> bool:
    if not isinstance(value, list):
        return False
    return not _is_list(_hint(path, algo)) or any(isinstance(one, list) for one in value)


def _several(path: Path, value: list[Any], algo: str) -> list[Any]:
    """Return the values of a grid, each known to be there once."""
    name = ".".join(path)
    if not value:
        raise ConfigError(f"set gives {name} no value; give one, or several in a list")
    written = [json_text(one) for one in value]
    if twice := next((one for one in written if written.count(one) > 1), ""):
        raise ConfigError(f"set gives {name} the value {twice} twice; give each once")
    if odd := next((one for one in value if isinstance(one, list) != _is_list(_hint(path, algo))), None):
        raise ConfigError(f"set gives {name} {odd!r} among other values; a list of values may not be mixed like that")
    return value


def _short_names(varied: Mapping[Path, list[Any]]) -> dict[Path, str]:
    """Call each setting by its last word where that tells which one it is; "_" separates the parts of a run's name."""
    last = [path[-1] for path in varied]
    names = {path: path[-1] if last.count(path[-1]) == 1 else ".".join(path) for path in varied}
    return {path: name.replace("_", "-") for path, name in names.items()}


def _label(value: object) -> str:
    """Write a value so that a folder's name may hold it; a number's own minus stays."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return re.sub(r"[^A-Za-z0-9.=-]+", "-", text.strip("[]"))


def _hint(path: Path, algo: str) -> Any:  # noqa: ANN401 - any annotation
    hint: Any = TrainingSettings if path[0] == "training" else algorithm_class(algo)
    for name in path[1:]:
        hint = hints_of(hint)[name] if is_dataclass(hint) and isinstance(hint, type) else object
    return hint


def _is_list(hint: Any) -> bool:  # noqa: ANN401 - any annotation
    return get_origin(hint) is tuple or any(_is_list(inner) for inner in get_args(hint)[:1])
