"""Values on the command line: checked while it is read, with a suggestion for a misspelt word."""

from __future__ import annotations

import importlib
import importlib.resources
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from rmix_kit.roster import ROSTER
from rmix_kit.spelling import shortened, suggestion, whole_number

# click's types are generic for the type checker; releases before 8.4 cannot be subscripted when they run.
if TYPE_CHECKING:
    _Choice = click.Choice[str]
    _TextType = click.ParamType[str]
    _CheckpointType = click.ParamType[str | int]
    _SeedType = click.ParamType[int]
    _SeedsType = click.ParamType[tuple[int, ...]]
    _LevelType = click.ParamType[float | None]
    _LevelsType = click.ParamType[tuple[float | None, ...]]
else:
    _Choice = click.Choice
    _TextType = _CheckpointType = _SeedType = _SeedsType = _LevelType = _LevelsType = click.ParamType


MOST_SEEDS = 1000
"""Of one range."""
LONGEST_SHOWN = 60
"""Characters of a refused text that are repeated."""


class Word(_Choice):
    """One of a few words."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        """Return the word, or refuse it with the nearest one."""
        if value not in self.choices:
            self.fail(f"{value!r} is not one of {', '.join(self.choices)}{suggestion(str(value), self.choices)}")
        return str(value)


class Name(_TextType):
    """A name from a list that is read only when it is needed."""

    name = "name"

    def __init__(
        self,
        what: str,
        known: Callable[[], Sequence[str]],
        listed: Collection[str] = (),
        is_other: Callable[[str], bool] = lambda text: False,
    ) -> None:
        """Describe the list.

        Args:
            known: Gives the names.
            listed: Those of them that are known without asking for all.
            is_other: Whether a text is of another form, which is looked at later.
        """
        self._what, self._known, self._listed, self._is_other = what, known, listed, is_other

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        """Return the name, or refuse it with the nearest one."""
        if value not in self._listed and not self._is_other(value) and value not in (known := self._known()):
            self.fail(f"there is no {self._what} {value!r}; known are {', '.join(known)}{suggestion(value, known)}")
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin so."""
        return [CompletionItem(name) for name in self._listed or self._known() if name.startswith(incomplete)]


def algorithm_names() -> tuple[str, ...]:
    """Name the algorithms of the roster and of installed packages (loads torch)."""
    return tuple(importlib.import_module("rmix_kit.training.algorithm_names").algorithm_names())


def preset_names() -> tuple[str, ...]:
    """Name the presets."""
    folder = importlib.resources.files("rmix_kit.config") / "presets"
    return tuple(sorted(entry.name[: -len(".yaml")] for entry in folder.iterdir() if entry.name.endswith(".yaml")))


class EnvironmentType(_TextType):
    """An environment text."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:  # noqa: ANN401
        """Return the text, or refuse its form or kind."""
        from rmix_kit.envs.make import parse_known
        from rmix_kit.errors import EnvironmentTextError

        try:
            parse_known(value)
        except EnvironmentTextError as error:
            self.fail(str(error))
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the kinds, and MACN's layouts."""
        from macn import NAMED_LAYOUTS
        from rmix_kit.envs.make import KINDS

        texts = [f"macn:{name}" for name in NAMED_LAYOUTS] + [f"{kind}:" for kind in KINDS if kind != "macn"]
        return [CompletionItem(text) for text in texts if text.startswith(incomplete)]


class CheckpointType(_CheckpointType):
    """``last``, ``best`` or the number of a step."""

    name = "checkpoint"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | int:  # noqa: ANN401
        """Return the word or the number."""
        number = whole_number(str(value))
        if number is not None and number >= 0:
            return number
        if value not in ("last", "best"):
            self.fail(f"{value!r} is neither last, best nor the number of a step{suggestion(value, ('last', 'best'))}")
        return str(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the words."""
        return [CompletionItem(word) for word in ("last", "best") if word.startswith(incomplete)]


class StepsType(_SeedType):
    """A number of environment steps, as people write it: ``400000``, ``1e6``, ``1_000_000``."""

    name = "steps"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Return the number, or refuse it."""
        number = whole_number(str(value))
        if number is None or number < 1:
            self.fail(
                f"{shortened(value)} is no number of steps; it must be a whole one from 1 on, such as 400000 or 1e6"
            )
        return number


class SeedType(_SeedType):
    """A whole number that `rmix_kit.seeding.check_seed` takes."""

    name = "seed"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:  # noqa: ANN401
        """Return the number, or refuse it."""
        from rmix_kit.errors import ConfigError
        from rmix_kit.seeding import check_seed

        try:
            number = int(str(value))
        except ValueError:
            shown = repr(value) if len(str(value)) <= LONGEST_SHOWN else f"a text of {len(str(value))} characters"
            self.fail(f"{shown} is not a whole number from 0 on and below 2^127")
        try:
            return check_seed(number)
        except ConfigError as error:
            self.fail(str(error))


class SeedsType(_SeedsType):
    """Seeds separated by commas, and ranges of them: ``0-7,20``."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:  # noqa: ANN401
        """Return the seeds; refuse one that stands twice, and more than a process would train together."""
        if isinstance(value, tuple):
            return value
        seeds: list[int] = []
        for part in str(value).split(","):
            first, dash, last = part.strip().partition("-")
            low = SEED.convert(first, param, ctx)
            high = SEED.convert(last, param, ctx) if dash else low
            if not low <= high < low + MOST_SEEDS:
                self.fail(f"{part.strip()!r} is no range of 1 to {MOST_SEEDS} seeds, the lowest first")
            seeds += range(low, high + 1)
        if len(set(seeds)) < len(seeds):
            self.fail(f"{value!r} gives a seed twice; give each seed once")
        return tuple(seeds)


class RiskLevelType(_LevelType):
    """``dynamic`` or a number in (0, 1]."""

    name = "level"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:  # noqa: ANN401
        """Return the number; None for ``dynamic``."""
        if value in (None, "dynamic", "0", 0.0):
            return None
        try:
            level = float(value)
        except ValueError:
            self.fail(f"{value!r} is neither 'dynamic' nor a number in (0, 1]{suggestion(value, ('dynamic',))}")
        if not 0.0 < level <= 1.0:
            self.fail(f"{value} is not in (0, 1] (1 = risk-neutral); 'dynamic' leaves the level to the agents")
        return level

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return the word and some levels."""
        return [
            CompletionItem(word) for word in ("dynamic", "0.1", "0.25", "0.5", "1.0") if word.startswith(incomplete)
        ]


class RiskLevelsType(_LevelsType):
    """Levels separated by commas."""

    name = "levels"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> tuple[float | None, ...]:
        """Return the levels, None for ``dynamic``; refuse one that stands twice."""
        if isinstance(value, tuple):
            return value
        levels = tuple(RISK_LEVEL.convert(word.strip(), param, ctx) for word in str(value).split(","))
        for place, level in enumerate(levels):
            if level in levels[:place]:
                self.fail(f"{value!r} gives {'dynamic' if level is None else level} twice; give each level once")
        return levels


ALGORITHM = Name("algorithm", algorithm_names, ROSTER, lambda text: ":" in text)
PRESET = Name("preset", preset_names)
ENVIRONMENT = EnvironmentType()
CHECKPOINT = CheckpointType()
RISK_LEVEL = RiskLevelType()
RISK_LEVELS = RiskLevelsType()
FORMAT = Word(("onnx", "torchscript"))
QUANTIZATION = Word(("int8", "fp16"))
PROFILE = Word(("mlagents", "rsl_rl"))
ENV_STEPS = StepsType()
SEED = SeedType()
SEEDS = SeedsType()
DEVICE = Word(("auto", "cpu", "cuda"))
