"""Every documented range is the annotation's, and both doors, a person's settings and a run's file, hold to it."""

from __future__ import annotations

import copy
import inspect
import math
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest
from annotated_types import Ge, Gt, Le, Lt

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.config.load import resolve
from rmix_kit.config.validation import check_value
from rmix_kit.errors import ConfigError
from rmix_kit.files.forms import expected_instead
from rmix_kit.training.learner import TargetSettings
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.settings import TrainingSettings

CLASSES = (TrainingSettings, TargetSettings, *ALGORITHMS)
SPANS = {"[": (Ge, "ge"), "(": (Gt, "gt"), "]": (Le, "le"), ")": (Lt, "lt")}
STEP = 1e-6


def fields_of(cls: type) -> Iterator[tuple[str, Any, str]]:
    """Yield each field's name, annotation and sentence."""
    hints = get_type_hints(cls, include_extras=True)
    sentences: dict[str, str] = {}
    for parent in reversed(cls.__mro__):
        for match in re.finditer(
            r"^    (\w+): (.*(?:\n {8}.*)*)", inspect.cleandoc(parent.__doc__ or ""), re.MULTILINE
        ):
            sentences[match[1]] = " ".join(match[2].split())
    for entry in fields(cls):
        yield entry.name, hints[entry.name], sentences.get(entry.name, "")


FIELDS = [(cls, *field) for cls in CLASSES for field in fields_of(cls) if not is_dataclass(field[1])]


def bounds_of(hint: Any) -> dict[str, float]:
    """Return an annotation's bounds by the bracket that stands for each."""
    if get_origin(hint) is Annotated:
        return {
            bracket: getattr(bound, name)
            for bound in get_args(hint)[1:]
            for bracket, (kind, name) in SPANS.items()
            if type(bound) is kind
        }
    return {
        key: value
        for inner in get_args(hint)
        if get_origin(hint) is not Literal
        for key, value in bounds_of(inner).items()
    }


@pytest.mark.parametrize(
    ("cls", "name", "hint", "sentence"), FIELDS, ids=lambda value: getattr(value, "__name__", str(value))[:30]
)
def test_a_documented_range_is_the_declared_one(cls: type, name: str, hint: Any, sentence: str) -> None:
    assert sentence, f"{cls.__name__}.{name} is not described"
    spans = re.findall(r"\bin ([\[(])(-?[\d.]+), (-?[\d.]+)([\])])", sentence)
    if spans:
        low, start, end, high = spans[0]
        assert bounds_of(hint) == {low: float(start), high: float(end)}


def _outside(hint: Any) -> list[float | int]:
    values: list[float | int] = []
    is_whole = int in (hint, *get_args(hint), *(inner for part in get_args(hint) for inner in get_args(part)))
    for bracket, limit in bounds_of(hint).items():
        step = 1 if is_whole else STEP
        values.append({"[": limit - step, "(": limit, "]": limit + step, ")": limit}[bracket])
    return values


@pytest.mark.parametrize(
    ("cls", "name", "hint", "sentence"), FIELDS, ids=lambda value: getattr(value, "__name__", str(value))[:30]
)
def test_both_doors_refuse_the_same_values(cls: type, name: str, hint: Any, sentence: str) -> None:
    junk: list[Any] = [*_outside(hint), math.nan, math.inf, -math.inf, "junk", {}, [], [[]], object()]
    for value in junk:
        assert expected_instead(value, hint), (name, value)
        with pytest.raises(ConfigError):
            check_value(hint, value, (name,), lambda path: "here")


def _leaves(values: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _leaves(value, (*path, key))
        else:
            yield *path, key


@pytest.mark.parametrize("algo", [cls.name for cls in ALGORITHMS])
def test_a_runs_file_is_checked_value_by_value(algo: str) -> None:
    values = resolve(algo=algo, env="macn:4x7", seed=0, steps=1_000).to_dict()
    assert RunConfig.from_dict(values).to_dict() == values
    for path in _leaves(values):
        for junk in ({"a": 1}, object(), [["junk"]]):
            changed = copy.deepcopy(values)
            place = changed
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = junk
            with pytest.raises(ConfigError):
                RunConfig.from_dict(changed)


@pytest.mark.parametrize(
    "override",
    ["training.target.rate=5", "training.threads=100000", "gamma=1.5", "training.num_envs=0", "td_lambda=-0.1"],
)
def test_a_setting_out_of_range_is_refused(override: str) -> None:
    with pytest.raises(ConfigError, match="it must be"):
        resolve(algo="qmix", env="macn:4x7", seed=0, steps=1_000, overrides=[override])
