"""Loggers by their names."""

from __future__ import annotations

from collections.abc import Sequence

from rmix_kit.errors import ConfigError
from rmix_kit.loggers.interface import Logger
from rmix_kit.loggers.mlflow import MlflowLogger
from rmix_kit.loggers.wandb import WandbLogger
from rmix_kit.spelling import is_file_name, shortened, suggestion

LOGGERS: dict[str, type[WandbLogger] | type[MlflowLogger]] = {"wandb": WandbLogger, "mlflow": MlflowLogger}


def make_loggers(given: Sequence[Logger | str]) -> tuple[Logger, ...]:
    """Return loggers as they were given, and those given by name as their environment variables set them.

    Args:
        given: Each "wandb", "mlflow", or an object.

    Raises:
        ConfigError: One is neither, or two would keep the same file.
    """
    if isinstance(given, str | Logger):
        raise ConfigError(f"loggers is {shortened(given)}; give a list of them, such as loggers=['wandb']")
    made: list[Logger] = []
    for index, logger in enumerate(given):
        if isinstance(logger, str):
            if logger not in LOGGERS:
                raise ConfigError(
                    f"there is no logger {logger!r}{suggestion(logger, LOGGERS)}; there are {', '.join(LOGGERS)}"
                )
            made.append(LOGGERS[logger]())
        elif isinstance(logger, Logger):
            made.append(logger)
        else:
            raise ConfigError(
                f"loggers[{index}] is {shortened(logger)}; expected {' or '.join(map(repr, LOGGERS))}, or an object of "
                "a class that extends rmix_kit.loggers.Logger"
            )
    names = [getattr(logger, "name", None) for logger in made]
    if odd := [name for name in names if not is_file_name(name)]:
        raise ConfigError(f"a logger's name is {shortened(odd[0])}; set name to a word, which names a file in the run")
    if len(set(names)) < len(names):
        raise ConfigError(
            f"the loggers are named {', '.join(map(str, names))}; each name is that of a file, give each once"
        )
    return tuple(made)
