"""One `RunConfig` from defaults, preset, file and command line; the later one wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from rmix_kit.algorithms import Algorithm
from rmix_kit.config.document import KEYS as PRESET_KEYS
from rmix_kit.config.document import Document, preset_names, read_document, read_preset
from rmix_kit.config.frame import frame_values
from rmix_kit.config.overrides import Values, parse_overrides
from rmix_kit.config.schema import Device, RunConfig, TrainingSettings, with_newer_settings
from rmix_kit.config.validation import build
from rmix_kit.config.values import SECTIONS, flatten, nest
from rmix_kit.console import standard_error
from rmix_kit.errors import ConfigError
from rmix_kit.files.reading import LARGEST_TEXT, read_plain
from rmix_kit.spelling import shortened, suggestion
from rmix_kit.training.algorithm_names import algorithm_class, text_of

RULED: Mapping[str, str] = {"updates_per_episode": "updates_per_step", "epsilon_steps": "epsilon_share"}
"""Training settings that are unused while another is above 0, which a preset or a frame may have set."""
FILE_KEYS = ("algo", "preset", "env", "seed", "steps", "device", *SECTIONS)


def say(text: str) -> None:
    """Write a line to standard error."""
    standard_error().write(text + "\n")


def resolve(
    *,
    algo: str | type[Algorithm[Any]],
    env: str,
    seed: int,
    steps: int,
    preset: str | None = None,
    config_file: Path | None = None,
    overrides: Sequence[str] = (),
    num_envs: int | None = None,
    checkpoint_every: int | None = None,
    device: str = "auto",
    report: Callable[[str], None] = say,
) -> RunConfig:
    """Put a run's configuration together: defaults, then the preset, then the file, then the overrides.

    Args:
        algo: The algorithm's name, ``package.module:Class`` for one of your own, or the class.
        seed: Seed of every random stream, not negative.
        steps: Environment steps, at least 1.
        preset: A preset's name; the algorithm's own if None.
        config_file: A YAML file with ``algorithm:`` and ``training:``; a run's ``config.yaml`` serves too. Where it
            also names an environment, seed, steps or device, those given here win.
        overrides: ``a.b=c``, such as ``training.batch_size=64``; a name that only one section has may stand alone.
        num_envs: ``training.num_envs``.
        checkpoint_every: ``training.checkpoint_interval``.
        device: "auto", "cpu" or "cuda".
        report: Told which values apply only because of the map.

    Returns:
        The validated configuration.

    Raises:
        ConfigError: Something is unknown, contradictory, of the wrong type or out of range; it says where.
    """
    cls = algorithm_class(algo) if isinstance(algo, str) else algo
    algo = text_of(cls)
    file = read_config_file(config_file, algo=algo, preset=preset)
    preset = preset or (file.values.get("preset") if file else None) or algo
    values: Values = preset_values(algo, preset, env, report)
    if file is not None:
        values.update(flatten(of_its_time(file, cls), SECTIONS))
    given = command_line(overrides, cls, num_envs=num_envs, checkpoint_every=checkpoint_every)
    values.update(given)
    refuse_unused(given, values)
    nested = nest(values)

    def where(path: tuple[str, ...]) -> str:
        if path in values:  # a number where keys belong stands beside the keys of an earlier source
            return values[path][1]
        return next((source for found, (_, source) in values.items() if found[: len(path)] == path), "configuration")

    if device not in get_args(Device):
        raise ConfigError(f"device is {device!r}; it must be one of {', '.join(get_args(Device))}")
    return RunConfig(
        algorithm=build(cls, nested.get("algorithm", {}), ("algorithm",), where),
        preset=preset,
        env=env,
        seed=seed,
        steps=steps,
        device=device,  # type: ignore[arg-type]
        training=build(TrainingSettings, nested.get("training", {}), ("training",), where),
    )


def command_line(
    overrides: Sequence[str], cls: type[Algorithm[Any]], *, num_envs: int | None, checkpoint_every: int | None
) -> Values:
    """Return the overrides, and the two values that have options of their own.

    Raises:
        ConfigError: An override is wrong, or contradicts an option.
    """
    given = parse_overrides(overrides, cls)
    for option, path, number in (
        ("--num-envs", ("training", "num_envs"), num_envs),
        ("--checkpoint-every", ("training", "checkpoint_interval"), checkpoint_every),
    ):
        if number is not None:
            if path in given and str(given[path][0]) != str(number):
                raise ConfigError(f"{option} {number} and {given[path][1]} contradict each other; give one of them")
            given[path] = (number, option)
    return given


def refuse_unused(given: Values, values: Values) -> None:
    """Refuse a value from the command line that would be silently without effect.

    Args:
        given: From the command line.
        values: All, those among them.

    Raises:
        ConfigError: Another setting rules it out.
    """
    for name, ruling in RULED.items():
        path, ruling_path = ("training", name), ("training", ruling)
        value, source = values.get(ruling_path, (0.0, ""))
        if path in given and ruling_path not in given and isinstance(value, int | float) and value > 0:
            raise ConfigError(
                f"training.{name}={given[path][0]} has no effect while training.{ruling} is {value} ({source}); "
                f"set training.{ruling}=0 too"
            )


def preset_values(algo: str, name: str, env: str, report: Callable[[str], None]) -> Values:
    """Return a preset's values, those for the map that the environment text names among them.

    An algorithm's own preset takes the frame of `rmix_kit.config.frame` on the kinds of environments that have one.

    Args:
        name: The preset; an algorithm without a file of its name has no values of its own.
        report: Told what applies because of the map.

    Raises:
        ConfigError: The preset does not exist or is another algorithm's.
    """
    kind, _, name_and_options = env.strip().partition(":")
    frame = frame_values(algo, env, report) if name == algo else {}
    if name == algo and name not in preset_names():
        return frame
    document = read_preset(name)
    check_keys(document, (), PRESET_KEYS)
    if document.values.get("algo") != algo:
        raise ConfigError(f"preset {name} is for {document.values.get('algo')}, not for {algo}; leave one of them out")
    values = flatten(document, SECTIONS) | frame
    named = f"{kind.lower()}:{name_and_options.partition('?')[0]}"
    for key in (f"{kind.lower()}:*", named):  # the whole kind first, then the single map
        if key in (document.values.get("maps") or {}):
            check_keys(document, ("maps", key), SECTIONS)
            special = flatten(document, SECTIONS, within=("maps", key))
            shown = ", ".join(f"{'.'.join(path)}={value}" for path, (value, _) in special.items())
            report(f"preset {name} sets for {key}: {shown}")
            values.update(special)
    return values


def read_config_file(path: Path | None, *, algo: str, preset: str | None) -> Document | None:
    """Read a configuration file and refuse what contradicts the command line.

    Args:
        algo: The algorithm that was asked for.
        preset: The preset that was asked for, if one was.

    Raises:
        ConfigError: The file cannot be read, has an unknown key, or is for another algorithm or preset.
    """
    if path is None:
        return None
    try:
        text = read_plain(path, LARGEST_TEXT).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    document = read_document(text, str(path))
    check_keys(document, (), FILE_KEYS)
    for key, given in (("algo", algo), ("preset", preset)):
        there = document.values.get(key)
        if not isinstance(there, str | None):
            raise ConfigError(f"{document.where((key,))}: {key} is {shortened(there)}; it must be a name")
        if given is not None and there not in (None, given):
            raise ConfigError(f"{document.where((key,))}: {key} is {there!r} in the file and {given!r} here")
    return document


def of_its_time(file: Document, cls: type[Algorithm[Any]]) -> Document:
    """Return a run's own record with the settings that it leaves out as runs were before them; another file as it is.

    Args:
        file: With keys that are known.
        cls: Its algorithm.
    """
    is_record = set(file.values) == set(FILE_KEYS)
    return replace(file, values=dict(with_newer_settings(file.values, cls))) if is_record else file


def check_keys(document: Document, path: tuple[str, ...], known: Sequence[str]) -> None:
    """Refuse unknown keys of a mapping.

    Raises:
        ConfigError: With the nearest known key and all of them.
    """
    mapping: Any = document.values
    for key in path:
        mapping = mapping[key]
    for key in mapping:
        if key not in known:
            raise ConfigError(
                f"{document.where((*path, str(key)))}: there is no {key!r}{suggestion(str(key), known)}; "
                f"there are {', '.join(known)}"
            )
