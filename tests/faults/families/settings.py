"""What people set: values, options of training, files of configurations."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_type_hints

from tests.faults.cases import READ, REFUSED, Case, SilentAcceptanceError, command, refusal
from tests.faults.families.spoilt_yaml import NUMBERS, WORDS, spoilt_yaml
from tests.faults.families.texts import plain_refusal
from tests.faults.mutate import NASTY, spoilt

_PLAIN = re.compile(r"[-+.]?[A-Za-z0-9_][A-Za-z0-9_.+-]*|")
_TRUTHS = {**dict.fromkeys(("yes", "y", "on", "t", "1"), True), **dict.fromkeys(("no", "n", "off", "f", "0"), False)}


def settings(case: Case) -> tuple[str, str]:
    """Return settings and options: what is taken is what YAML 1.2 says of the text, and in the declared range."""
    from rmix_kit.algorithms import ALGORITHMS
    from rmix_kit.config.load import resolve
    from rmix_kit.config.overrides import paths_of
    from rmix_kit.config.schema import TrainingSettings
    from rmix_kit.errors import ConfigError
    from tests.files.test_forms import bounds_of

    way = case.rng.randrange(5)
    if way == 0:
        return options(case)
    cls = case.rng.choice(ALGORITHMS)
    paths = [*paths_of(cls, ("algorithm",)), *paths_of(TrainingSettings, ("training",))]
    path = case.rng.choice(paths)
    hint = hint_at(cls if path[0] == "algorithm" else TrainingSettings, path[1:])
    if way == 1:
        path, hint = case.rng.choice([(p, h) for p, h in hints(cls, paths) if bounds_of(h)])
        text = outside(hint, case)
    elif way == 2:
        text = case.rng.choice((spoilt, lambda text, rng: text + rng.choice("0_e.x")))(
            str(case.rng.randrange(99)), case.rng
        )
    else:
        text = case.rng.choice((*WORDS, *NUMBERS, *(str(value)[:9_000] for value in NASTY)))
    override = f"{'.'.join(path)}={text}"
    try:
        config = resolve(
            algo=cls.name, env="macn:4x7", seed=0, steps=1_000, overrides=[override], report=lambda told: None
        )
    except ConfigError as error:
        return plain_refusal(error)
    taken: Any = config.algorithm if path[0] == "algorithm" else config.training
    for name in path[1:]:
        taken = getattr(taken, name)
    if way == 1 or not in_range(taken, hint) or (_PLAIN.fullmatch(text) and not is_what_yaml_says(taken, text)):
        raise SilentAcceptanceError(f"{override[:200]} became {taken!r}")
    return READ, ascii(override[:200])


@functools.cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def hint_at(cls: type, path: tuple[str, ...]) -> Any:
    """Return the annotation of a field of a field."""
    hint: Any = cls
    for name in path:
        hint = _hints(hint)[name]
    return hint


def hints(cls: type, paths: list[tuple[str, ...]]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every path of an algorithm and of the training around it with its annotation."""
    from rmix_kit.config.schema import TrainingSettings

    for path in paths:
        yield path, hint_at(cls if path[0] == "algorithm" else TrainingSettings, path[1:])


def outside(hint: Any, case: Case) -> str:
    """Write a number just outside a declared range."""
    from tests.files.test_forms import bounds_of

    bracket, limit = case.rng.choice(sorted(bounds_of(hint).items()))
    least = 1 if re.search(r"\bint\b", str(hint)) else case.rng.choice((1e-9, 1e-3, 1.0, 1e30))
    return repr({"[": limit - least, "(": limit, "]": limit + max(least, 1e-9), ")": limit}[bracket])


def in_range(value: Any, hint: Any) -> bool:
    """Return whether a value lies within the bounds of its annotation, without asking the program."""
    from tests.files.test_forms import bounds_of

    if isinstance(value, tuple):
        return all(in_range(entry, hint) for entry in value)
    if isinstance(value, bool | str) or value is None:
        return type(value) in every_type(hint)
    holds = {"[": lambda limit: value >= limit, "(": lambda limit: value > limit}
    holds |= {"]": lambda limit: value <= limit, ")": lambda limit: value < limit}
    return math.isfinite(value) and all(holds[bracket](limit) for bracket, limit in bounds_of(hint).items())


def every_type(hint: Any) -> set[Any]:
    """Return the types that an annotation names, those of its words among them."""
    inner = get_args(hint)
    return {hint, type(hint)}.union(*map(every_type, inner)) if inner else {hint, type(hint)}


def is_what_yaml_says(taken: Any, text: str) -> bool:
    """Compare with YAML 1.2's core rules; text may stand for a number or a truth that a person means by it."""
    if text in ("null", "Null", "NULL", ""):
        return taken is None
    if text.lower() in ("true", "false"):
        return taken is (text.lower() == "true")
    if isinstance(taken, bool):
        return taken is _TRUTHS.get(text.lower(), float(text) == 1 if re.fullmatch(r"[-+.0-9eE]+", text) else None)
    if isinstance(taken, str):
        return taken == text
    if re.fullmatch(r"0o[0-7]+|0x[0-9a-fA-F]+", text):
        return bool(taken == int(text, 0))
    whole = text.replace("_", "")
    return bool(taken == (int(whole) if re.fullmatch(r"[-+]?[0-9]+", whole) else float(whole)) or taken == float(whole))


def options(case: Case) -> tuple[str, str]:
    """Return train options that are nasty: refused, or the environment is what is refused, since there is none."""
    words = {"--algo": "vdn", "--env": "didactic:nowhere", "--seed": "1", "--steps": "100", "--out": "out"}
    name = case.rng.choice(
        ("--steps", "--seed", "--num-envs", "--checkpoint-every", "--device", "--algo", "--preset", "--config", "--out")
    )
    text = case.rng.choice((*WORDS, *NUMBERS, *(str(value)[:9_000] for value in NASTY), "cpu", "-5", "5.0", "2" * 39))
    words[name] = text if case.rng.random() < 0.7 else spoilt(words.get(name, "7"), case.rng)
    words[name] = words[name].replace("\0", "")  # no command line can have one
    told = refusal(command(("train", *(word for pair in words.items() for word in pair))))
    if "nowhere" in told and re.fullmatch("--(steps|seed|num-envs|checkpoint-every)", name):
        number, least = int(words[name]), 0 if name == "--seed" else 1
        if not least <= number < (2**127 if name == "--seed" else 2**63):
            raise SilentAcceptanceError(f"{name} {words[name]} was taken")
        return READ, f"{name} {number}"
    return REFUSED, told


def configuration_files(case: Case) -> tuple[str, str]:
    """Spoil a configuration file: refused, or every value is of its declared type and in its range."""
    from rmix_kit.algorithms import ALGORITHMS
    from rmix_kit.config.load import resolve
    from rmix_kit.config.schema import RunConfig

    algo = case.rng.choice([cls.name for cls in ALGORITHMS])
    values = resolve(algo=algo, env="macn:4x7", seed=0, steps=1_000, report=lambda told: None).to_dict()
    file = Path("config.yaml")
    file.write_bytes(spoilt_yaml(values, case))
    config = resolve(algo=algo, env="macn:4x7", seed=0, steps=9, config_file=file, report=lambda told: None)
    again = RunConfig.from_dict(json.loads(json.dumps(config.to_dict(), allow_nan=False)))
    if again != config:
        raise SilentAcceptanceError(f"{config} reads back as {again}")
    return READ, "every value is of its type"
