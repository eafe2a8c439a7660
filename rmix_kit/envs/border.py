"""Where someone's environment is asked and answers: every fault gets its place, and answers become plain values."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np

from rmix_kit.envs.spaces import MisfitError
from rmix_kit.errors import EnvironmentContractError, RmixKitError

LONGEST_VALUE = 80


class Border:
    """Names environment, copy, episode seed and step in every error of one copy.

    Attributes:
        seed: Of the episode that is played.
        elapsed: Its steps so far.
        is_first_reset: Whether the copy was never reset before.
    """

    def __init__(self, where: str, number: int) -> None:
        """Name a copy."""
        self._where, self._number = where, number
        self.seed, self.elapsed, self.is_first_reset = 0, 0, True

    @contextmanager
    def calling(self, what: str) -> Iterator[None]:
        """Name what the environment was asked for when it failed; its own error is the cause.

        Raises:
            EnvironmentContractError: The environment raised, or ended the process.
        """
        try:
            yield
        except RmixKitError:
            raise
        except MisfitError as error:
            self.refuse(str(error))
        except (Exception, SystemExit) as error:
            words = f"{what}() failed with {named(error)}"
            if self._number and self.is_first_reset:
                words += (
                    "; copies before it could be reset. If the environment can exist only once (a port, a licence), "
                    "append copies=1 to its text and train with --num-envs 1"
                )
            raise EnvironmentContractError(f"{self._place()}: {words}") from error

    def refuse(self, words: str) -> NoReturn:
        """Say what is wrong, and where.

        Raises:
            EnvironmentContractError: Always.
        """
        raise EnvironmentContractError(f"{self._place()}: {' '.join(words.split())}")

    def by_agent(self, given: object, what: str) -> Mapping[str, Any]:
        """Return what was given by agent, under the agents' names as text."""
        if not isinstance(given, Mapping):
            self.refuse(f"the {what} are {type(given).__name__}; expected one entry per agent")
        return {str(agent): value for agent, value in given.items()}

    def notes(self, infos: object) -> dict[str, Any]:
        """Return the infos by agent, or by whatever else they are kept; those that are None are left out."""
        given = self.by_agent({} if infos is None else infos, "infos")
        return {name: note for name, note in given.items() if note is not None}

    def number(self, value: object, what: str) -> float:
        """Return one finite number, which may lie in an array of one."""
        try:
            number = np.asarray(value, dtype=np.float64)
        except OverflowError:
            self.refuse(f"{what} is {shortened(value)}, which float32 cannot hold")
        except Exception as error:  # noqa: BLE001 - a stranger's object says in its own way that it is no number
            self.refuse(f"{what} is {shortened(value)}; expected a number ({type(error).__name__})")
        if number.size != 1 or not np.isfinite(number).all():
            self.refuse(f"{what} is {shortened(value)}; expected one finite number")
        return float(number.reshape(()))

    def truth(self, value: object, what: str) -> bool:
        """Return one truth value, which may lie in an array of one; None is false."""
        try:
            array = np.asarray(False if value is None else value)
        except Exception:  # noqa: BLE001 - as above
            array = np.empty(0)
        if array.size != 1 or array.dtype.kind not in "biuf":
            self.refuse(f"{what} is {shortened(value)}; expected true or false")
        return bool(array.reshape(()))

    def _place(self) -> str:
        return f"{self._where}, copy {self._number}, episode seed {self.seed}, step {self.elapsed}"


def named(error: BaseException) -> str:
    """Write a stranger's error on one line: its class, and its words if it has any."""
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")


def shortened(value: object) -> str:
    """Write a stranger's value on one line, its beginning if it is long."""
    words = " ".join(repr(value).split())
    return words if len(words) <= LONGEST_VALUE else f"{words[:LONGEST_VALUE]}..."


def resetting(env: Any) -> Callable[[int], tuple[Any, Any]]:  # noqa: ANN401 - the user's
    """Return how an environment is reset with a seed: by the argument, or by a seed() of its own, or not at all."""
    try:
        parameters = inspect.signature(env.reset).parameters
    except (TypeError, ValueError):
        takes_seed = True
    else:
        takes_seed = "seed" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())

    def reset(seed: int) -> tuple[Any, Any]:
        if takes_seed:
            given = env.reset(seed=seed)
        else:
            if callable(getattr(env, "seed", None)):
                env.seed(seed)
            given = env.reset()
        # Before PettingZoo 1.23 a reset gave observations alone.
        return given if isinstance(given, tuple) and len(given) == 2 else (given, {})

    return reset
