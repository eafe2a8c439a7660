"""One `RunConfig` from defaults, preset, file and command line; the later one wins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from rmix_kit.algorithms import Algorithm
from rmix_kit.config.config_file import check_keys, is_record, of_its_time, read_config_files
from rmix_kit.config.document import KEYS as PRESET_KEYS
from rmix_kit.config.document import Document, preset_names, read_preset
from rmix_kit.config.frame import frame_values
from rmix_kit.config.overrides import Values, parse_overrides
from rmix_kit.config.schema import INIT_FROM, Device, InitialWeights, RunConfig, TrainingSettings
from rmix_kit.config.validation import build, check_value
from rmix_kit.config.values import SECTIONS, flatten, nest
from rmix_kit.console import standard_error
from rmix_kit.errors import ConfigError
from rmix_kit.training.algorithm_names import algorithm_class, checked_algorithm, text_of
from rmix_kit.training.run_folder import allowed_algorithm

RULED: Mapping[str, str] = {"updates_per_episode": "updates_per_step", "epsilon_steps": "epsilon_share"}
"""Training settings that are unused while another is above 0, which a preset or a frame may have set."""


def say(text: str) -> None:
    """Write a line to standard error."""
    standard_error().write(text + "\n")


class Asked(TypedDict, total=False):
    """What a configuration is put together from; `settled` says what each of them means."""

    algo: str | type[Algorithm[Any]] | None
    env: str | None
    seed: int | None
    steps: int | None
    preset: str | None
    config_file: Path | None
    kept: Path | None
    overrides: Sequence[str]
    num_envs: int | None
    checkpoint_every: int | None
    device: str | None
    consent: Literal["once", "always"] | None
    report: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Settled:
    """A configuration, and where its values came from.

    Attributes:
        config: The configuration.
        values: What is laid over the defaults, with the place of each.
        layers: By name, "preset", "file" and "given": the values that each of them laid over those before.
        head: By name: where the algorithm, the environment and the like came from; without those left at defaults.
    """

    config: RunConfig
    values: Values
    layers: Mapping[str, Values]
    head: Mapping[str, str]


def resolve(**asked: Unpack[Asked]) -> RunConfig:
    """Put a run's configuration together, as `settled` does.

    Args:
        asked: Its arguments.

    Returns:
        The validated configuration.

    Raises:
        ConfigError: Something is missing, unknown, contradictory, of the wrong type or out of range; it says where.
    """
    return settled(**asked).config


def settled(
    *,
    algo: str | type[Algorithm[Any]] | None = None,
    env: str | None = None,
    seed: int | None = None,
    steps: int | None = None,
    preset: str | None = None,
    config_file: Path | None = None,
    kept: Path | None = None,
    overrides: Sequence[str] = (),
    num_envs: int | None = None,
    checkpoint_every: int | None = None,
    device: str | None = None,
    consent: Literal["once", "always"] | None = None,
    report: Callable[[str], None] = say,
) -> Settled:
    """Put a run's configuration together: defaults, then the preset, then the files, then the overrides.

    Args:
        algo: An algorithm's name, ``package.module:Class`` for one of your own, or the class; None for the file's, and
            so for the environment, seed (0 where nothing has one), steps and device ("auto").
        env: Environment text; it wins over the file's, and so do seed, steps and device.
        seed: Seed of every random stream, not negative.
        steps: Environment steps, at least 1.
        preset: A preset's name; the file's or the algorithm's own if None.
        config_file: A YAML file with ``algorithm:`` and ``training:``; a run's ``config.yaml`` is a whole one. It may
            not contradict the algorithm and preset that are given.
        kept: A run's ``config.yaml`` below it, of a run that goes on.
        overrides: ``a.b=c``, such as ``training.batch_size=64``; a name that only one section has may stand alone.
        num_envs: ``training.num_envs``.
        checkpoint_every: ``training.checkpoint_interval``.
        device: "auto", "cpu" or "cuda".
        consent: To import an algorithm because a file names its module.
        report: Told which values apply only because of the map.

    Returns:
        The validated configuration with its sources.

    Raises:
        ConfigError: Something is missing, unknown, contradictory, of the wrong type or out of range; it says where.
        UntrustedCodeError: A file names its algorithm's module, and nobody has consented to import it.
    """
    cls = algorithm_class(algo) if isinstance(algo, str) else algo and checked_algorithm(algo)
    algo = None if cls is None else text_of(cls)
    given_head = {"algo": algo, "preset": preset, "env": env, "seed": seed, "steps": steps, "device": device}
    paths = [path for path in (config_file, kept) if path is not None]
    files = read_config_files(paths, algo=algo, preset=preset)
    head, places = _head(given_head, files)
    if cls is None:
        named_by = next(path for path, file in zip(paths, files, strict=True) if file.values.get("algo") is not None)
        allowed_algorithm(head["algo"], named_by, consent)
        cls = algorithm_class(head["algo"])
    head["preset"] = head["preset"] or head["algo"]
    is_whole = any(is_record(file) for file in files)
    layers: dict[str, Values] = {
        "preset": {} if is_whole else preset_values(head["algo"], head["preset"], head["env"], report),
        "file": {
            path: value for file in reversed(files) for path, value in flatten(of_its_time(file, cls), SECTIONS).items()
        },
        "given": command_line(overrides, cls, num_envs=num_envs, checkpoint_every=checkpoint_every),
    }
    values = layers["preset"] | layers["file"] | layers["given"]
    refuse_unused(layers["given"], values)
    return Settled(config=_built(cls, head, values, places), values=values, layers=layers, head=places)


def _built(cls: type[Algorithm[Any]], head: Mapping[str, Any], values: Values, places: Mapping[str, str]) -> RunConfig:
    """Check every value, and make the configuration of them.

    Args:
        cls: The algorithm.
        head: What stands beside the sections, by name.
        values: Of the sections.
        places: Where those of the head came from, by name.

    Raises:
        ConfigError: A value is of the wrong type or out of range.
    """
    nested = nest(values)

    def where(path: tuple[str, ...]) -> str:
        if path in values:  # a number where keys belong stands beside the keys of an earlier source
            return values[path][1]
        found = (source for known, (_, source) in values.items() if known[: len(path)] == path)
        return next(found, places.get(path[0], "configuration"))

    def checked(name: str, hint: object) -> Any:  # noqa: ANN401 - of that type
        return check_value(hint, head[name], (name,), where)

    return RunConfig(
        algorithm=build(cls, nested.get("algorithm", {}), ("algorithm",), where),
        preset=head["preset"],
        env=checked("env", str),
        seed=checked("seed", int),
        steps=checked("steps", int),
        device=checked("device", Device),
        training=build(TrainingSettings, nested.get("training", {}), ("training",), where),
        init_from=None if head[INIT_FROM] is None else build(InitialWeights, head[INIT_FROM], (INIT_FROM,), where),
    )


NEEDED = {"algo": "rmix", "env": "macn:4x12", "steps": "400000"}
"""What neither has a default, with an example."""


def _head(given: Mapping[str, Any], files: Sequence[Document]) -> tuple[dict[str, Any], dict[str, str]]:
    """Choose what stands beside the sections: what is given, or what the first file says, or the default.

    Returns:
        Values by name, and where those came from that are no defaults.

    Raises:
        ConfigError: Something is missing that has no default.
    """
    head: dict[str, Any] = {"seed": 0, "device": "auto", "preset": None, INIT_FROM: None}
    places: dict[str, str] = {}
    for file in reversed(files):
        for name in (*given, INIT_FROM):
            if file.values.get(name) is not None:
                head[name], places[name] = file.values[name], file.where((name,))
    for name, value in given.items():
        if value is not None:
            head[name], places[name] = value, f"--{name}"
    for name, example in NEEDED.items():
        if name not in head:
            raise ConfigError(
                f"{name} is missing: give one, such as {example}, or the configuration of a run, which has them all"
            )
    return head, places


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
