"""Telling callbacks what training does, and hearing from them that it is to stop."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from rmix_kit.callbacks import Callback, Ended, Evaluated, RoundPlayed, Saved, Started, Stop
from rmix_kit.errors import ConfigError, Interrupted
from rmix_kit.loggers import Logger
from rmix_kit.spelling import shortened

_Record = TypeVar("_Record")


@dataclass(frozen=True, kw_only=True)
class Watched:
    """Who else is told of a training.

    Attributes:
        callbacks: Of everything; they may stop it.
        loggers: Of the rows of metrics.
    """

    callbacks: tuple[Callback, ...] = ()
    loggers: tuple[Logger, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no callback, such as a class in place of an object of it."""
        for index, callback in enumerate(self.callbacks):
            if not isinstance(callback, Callback):
                raise ConfigError(
                    f"callbacks[{index}] is {shortened(callback)}; expected an object of a class that extends "
                    "rmix_kit.callbacks.Callback"
                )


UNWATCHED = Watched()


def checked_callbacks(callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
    """Return callbacks as they were given.

    Raises:
        ConfigError: One was given by itself, and not in a list.
    """
    if isinstance(callbacks, Callback):
        raise ConfigError(f"callbacks is {shortened(callbacks)}; give a list of them, such as callbacks=[...]")
    return tuple(callbacks)


class Listeners:
    """All callbacks of a training, in the order in which they were given.

    Attributes:
        stop: What the first one that wants an end has said; None so far.
    """

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        """Take the callbacks."""
        self._callbacks = tuple(callbacks)
        self.stop: Stop | None = None

    def started(self, record: Started) -> None:
        """Tell that training begins."""
        self._tell(record, [callback.started for callback in self._callbacks])

    def round(self, record: RoundPlayed) -> None:
        """Tell of a round."""
        self._tell(record, [callback.round for callback in self._callbacks])

    def evaluation(self, record: Evaluated) -> None:
        """Tell of an evaluation."""
        self._tell(record, [callback.evaluation for callback in self._callbacks])

    def checkpoint(self, record: Saved) -> None:
        """Tell of a checkpoint."""
        self._tell(record, [callback.checkpoint for callback in self._callbacks])

    def ended(self, record: Ended) -> None:
        """Tell of the end; every callback hears of it, whatever another one raises."""
        with ExitStack() as stack:
            for callback in reversed(self._callbacks):
                stack.callback(callback.ended, record)

    def _tell(self, record: _Record, methods: Sequence[Callable[[_Record], Stop | None]]) -> None:
        for method in methods:
            answer = method(record)
            if answer is not None and not isinstance(answer, Stop):
                raise ConfigError(f"{method.__qualname__} returned {shortened(answer)}; expected Stop(reason) or None")
            if answer is not None and not isinstance(answer.reason, str):
                raise ConfigError(f"{method.__qualname__} returned {shortened(answer)}; a reason is a text")
            self.stop = self.stop or answer


def how_it_ended(env_steps: int, error: BaseException | None, stop: Stop | None) -> Ended:
    """Say how training ended.

    Args:
        error: What ended it; None if nothing was raised.
        stop: What a callback wanted; None where training came to its planned end.
    """
    if isinstance(error, Interrupted | KeyboardInterrupt):
        return Ended(env_steps=env_steps, how="interrupted", reason=str(error))
    if error is not None:
        return Ended(env_steps=env_steps, how="failed", reason=f"{type(error).__name__}: {error}")
    if stop is not None:
        return Ended(env_steps=env_steps, how="stopped", reason=stop.reason)
    return Ended(env_steps=env_steps, how="finished", reason="")
