"""What a run is, as one value that reads back equal from plain text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from typing import Any, Literal, get_args

from rmix_kit.algorithms import Algorithm
from rmix_kit.errors import ConfigError
from rmix_kit.files.forms import expected_instead, hints_of
from rmix_kit.seeding import check_seed
from rmix_kit.spelling import shortened
from rmix_kit.training.algorithm_names import algorithm_class, text_of
from rmix_kit.training.settings import BEFORE, TrainingSettings
from rmix_kit.types import LARGEST_COUNT, NonNegativeInt

Device = Literal["auto", "cpu", "cuda"]
KEYS = ("algo", "preset", "env", "seed", "steps", "device", "algorithm", "training")
"""Of a run's record; it has `INIT_FROM` besides where the run begins with another's weights."""
INIT_FROM = "init_from"


@dataclass(frozen=True, kw_only=True)
class InitialWeights:
    """Another run's checkpoint, whose weights a run begins with.

    Attributes:
        run: Folder of that run.
        step: Environment step of the checkpoint.
        weights_sha256: Digest of its weights, by which they are known again.
    """

    run: str
    step: NonNegativeInt
    weights_sha256: str


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides a run's numbers.

    Attributes:
        algorithm: The algorithm with its hyper-parameters.
        preset: Name of the preset it came from, for the record.
        env: Environment text.
        seed: Seed of every random stream, in [0, 2^127).
        steps: Environment steps to train for; the run ends with the round that reaches them.
        device: Where training happens; "auto" takes CUDA if there is one.
        training: The frame around the algorithm.
        init_from: What the weights are at step 0; None for those that the seed draws.
    """

    algorithm: Algorithm[Any]
    preset: str
    env: str
    seed: int = 0
    steps: int
    device: Device = "auto"
    training: TrainingSettings = field(default_factory=TrainingSettings)
    init_from: InitialWeights | None = None

    def __post_init__(self) -> None:
        """Refuse what no run can have."""
        check_seed(self.seed)
        if self.steps < 1:
            raise ConfigError(f"steps is {self.steps}; at least 1 environment step is trained for")
        if self.steps > LARGEST_COUNT:
            raise ConfigError(f"steps has {len(str(self.steps))} digits; it must be at most {LARGEST_COUNT:,}")
        if self.device not in get_args(Device):
            raise ConfigError(f"device is {self.device!r}; it must be one of {', '.join(get_args(Device))}")
        capacity = self.training.buffer_episodes
        sizes = {
            "training.num_envs": self.training.num_envs,
            "training.batch_size": 0 if self.algorithm.data == "round" else self.training.batch_size,
            "the number of newest episodes": self.algorithm.newest_episodes,
        }
        for name, needed in sizes.items():
            if capacity < needed:
                raise ConfigError(
                    f"training.buffer_episodes is {capacity} and {name} {needed}; the replay must hold at "
                    "least one round and one batch"
                )

    @property
    def episodes_per_copy(self) -> int:
        """Episodes that a copy plays in a collection round, on average; 1 where copies wait for each other."""
        return self.training.episodes_per_copy if self.algorithm.data == "replay" else 1

    @property
    def settings(self) -> dict[str, Any]:
        """Plain values of all settings: algorithm, training."""
        return {
            name: _plain(asdict(values))
            for name, values in (("algorithm", self.algorithm), ("training", self.training))
        }

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON and YAML values: algo, preset, env, seed, steps, device, algorithm, training, init_from.

        The last one is there only where the run has it. Settings at what they were before they existed are left out
        (`rmix_kit.training.settings.BEFORE`).
        """
        shown = {
            section: {k: v for k, v in values.items() if k not in BEFORE[section] or v != BEFORE[section][k]}
            for section, values in self.settings.items()
        }
        return {
            "algo": text_of(type(self.algorithm)),
            "preset": self.preset,
            "env": self.env,
            "seed": self.seed,
            "steps": self.steps,
            "device": self.device,
            **shown,
            **({} if self.init_from is None else {INIT_FROM: asdict(self.init_from)}),
        }

    @classmethod
    def from_dict(
        cls, values: Mapping[str, Any], *, find: Callable[[str], type[Algorithm[Any]]] = algorithm_class
    ) -> RunConfig:
        """Read back what `to_dict` gave.

        Args:
            find: Gives the algorithm that a text names, or refuses to import it.

        Returns:
            An equal configuration.

        Raises:
            ConfigError: A key is missing or unknown.
        """
        _check_keys(values, set(KEYS), "the run's configuration", optional=INIT_FROM)
        for name, hint in (
            ("algo", str),
            ("preset", str),
            ("env", str),
            ("seed", int),
            ("steps", int),
            ("device", str),
        ):
            if expected := expected_instead(values[name], hint):
                raise ConfigError(f"{name} is {shortened(values[name])}; it must be {expected}")
        owner = find(values["algo"])
        values = with_newer_settings(values, owner)
        return cls(
            algorithm=_rebuild(owner, values["algorithm"], "algorithm"),
            preset=values["preset"],
            env=values["env"],
            seed=values["seed"],
            steps=values["steps"],
            device=values["device"],
            training=_rebuild(TrainingSettings, values["training"], "training"),
            init_from=None if INIT_FROM not in values else _rebuild(InitialWeights, values[INIT_FROM], INIT_FROM),
        )


def with_newer_settings(values: Mapping[str, Any], owner: type[Algorithm[Any]] | None = None) -> Mapping[str, Any]:
    """Fill in what a configuration of an earlier version does not say.

    Args:
        values: As `RunConfig.to_dict` gave it, then or now.
        owner: The algorithm that it names; None to compare two of one algorithm, whichever it is.
    """
    known = set(BEFORE["algorithm"]) if owner is None else {entry.name for entry in fields(owner)}
    before = {**BEFORE, "algorithm": {k: v for k, v in BEFORE["algorithm"].items() if k in known}}
    given = {name: section for name in BEFORE if isinstance(section := values.get(name), Mapping)}
    return {**values, **{name: {**before[name], **section} for name, section in given.items()}}


def _plain(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return [_plain(entry) for entry in value] if isinstance(value, list | tuple) else value


def _rebuild(cls: type, values: Any, path: str) -> Any:  # noqa: ANN401 - any dataclass
    hints = hints_of(cls)
    _check_keys(values, {entry.name for entry in fields(cls)}, path)
    arguments = {}
    for name, value in values.items():
        hint = hints[name]
        if isinstance(hint, type) and is_dataclass(hint):
            arguments[name] = _rebuild(hint, value, f"{path}.{name}")
        else:
            if expected := expected_instead(value, hint):
                raise ConfigError(f"{path}.{name} is {shortened(value)}; it must be {expected}")
            arguments[name] = tuple(value) if isinstance(value, list) else value
    return cls(**arguments)


def _check_keys(values: Any, expected: set[str], path: str, *, optional: str = "") -> None:  # noqa: ANN401 - of a file
    if not isinstance(values, Mapping):
        raise ConfigError(f"{path} is {type(values).__name__}; it must be a mapping")
    if wrong := sorted((set(values) ^ expected) - {optional}):
        missing = [key for key in wrong if key in expected]
        raise ConfigError(f"{path} lacks {missing} and has unknown keys {sorted(set(values) - expected - {optional})}")
