"""What takes rows of numbers to other people's tools."""

from __future__ import annotations

import abc
import importlib
from collections.abc import Mapping
from types import ModuleType

from rmix_kit.callbacks import Ended, Started
from rmix_kit.errors import MissingExtraError


class Logger(abc.ABC):
    """Takes the rows of ``metrics.jsonl`` elsewhere, each as it is written and each once, also over resumed runs.

    What it raises ends training as a callback's error does; a run that is resumed with it is sent what it lacks.

    Attributes:
        name: Of the file ``loggers/NAME.jsonl`` in the run's folder, which says how far it is.
    """

    name: str

    @abc.abstractmethod
    def begin(self, started: Started, continued: str | None) -> str:
        """Open the remote run.

        Args:
            started: What is trained, and from where.
            continued: What this gave when the run began; None for a run that is new to this logger.

        Returns:
            A text by which the remote run is found again, such as its id.
        """

    @abc.abstractmethod
    def row(self, kind: str, env_steps: int, numbers: Mapping[str, float]) -> None:
        """Send a row.

        Args:
            kind: "training" or "evaluation".
            env_steps: Environment steps taken.
            numbers: Finite ones, by name.
        """

    @abc.abstractmethod
    def end(self, ended: Ended) -> None:
        """Close the remote run for this process, however training ended."""


def library(name: str) -> ModuleType:
    """Import what a logger sends rows through; its extra is named as it is.

    Raises:
        MissingExtraError: It is not installed.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"the logger {name} needs {error.name}; install it with: pip install 'rmix-kit[{name}]'"
        ) from error
