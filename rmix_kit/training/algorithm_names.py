"""Algorithms by the text that names them: of the roster, of an installed package, or ``package.module:Class``."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

from rmix_kit.algorithms import ALGORITHMS, Algorithm
from rmix_kit.envs.importing import importable_directory, refuse_standard_library
from rmix_kit.errors import ConfigError, EnvironmentTextError
from rmix_kit.roster import installed_algorithms, names_code
from rmix_kit.spelling import is_file_name, shortened, suggestion


def algorithm_names() -> list[str]:
    """Name the roster and what installed packages bring."""
    return [*(cls.name for cls in ALGORITHMS), *installed_algorithms()]


def text_of(cls: type[Algorithm[Any]]) -> str:
    """Return the text by which a class is found again: its roster name, an installed one, or ``module:Class``."""
    if cls in ALGORITHMS:
        return cls.name
    package = cls.__module__.partition(".")[0]
    for name, point in installed_algorithms().items():
        if point.value.partition(":")[0].partition(".")[0] == package and point.load() is cls:
            return name
    return f"{cls.__module__}:{cls.__qualname__}"


def algorithm_class(text: str) -> type[Algorithm[Any]]:
    """Return the class that a text names; that of a module is imported, from the current directory too.

    Raises:
        ConfigError: There is none of that name, or it is no algorithm.
    """
    for cls in ALGORITHMS:
        if cls.name == text:
            return cls
    if names_code(text):
        return checked_algorithm(_imported(text), text)
    installed = installed_algorithms()
    if text not in installed:
        names = algorithm_names()
        raise ConfigError(
            f"there is no algorithm {text!r}{suggestion(text, names)}; there are {', '.join(names)}, and your own as "
            "package.module:Class"
        )
    try:
        return checked_algorithm(installed[text].load(), text)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"the algorithm {text} ({installed[text].value}) cannot be imported: {error}") from error


def _imported(text: str) -> object:
    module, _, path = text.partition(":")
    if not all(name.isidentifier() for name in (*module.split("."), *path.split("."))):
        raise ConfigError(
            f"the algorithm {shortened(text)} cannot be imported: expected package.module:Class; a class that was made "
            "in a function is given itself, as algorithm=Class"
        )
    release, is_kept = importable_directory(), False
    try:
        refuse_standard_library(module, f"the algorithm {text}")
        found: object = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
        is_kept = True  # its methods may import from there, whenever they are called
        return found
    except EnvironmentTextError as error:
        raise ConfigError(f"{text} is no algorithm: {module} is a part of Python") from error
    except (Exception, SystemExit) as error:
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise ConfigError(
            f"the algorithm {text} cannot be imported: {told}; is it installed, or a file in the current directory?"
        ) from error
    finally:
        if not is_kept:
            release()


def checked_algorithm(found: object, text: str = "the algorithm") -> type[Algorithm[Any]]:
    """Return a class if it is an algorithm's.

    Args:
        found: What was given, or what a text names.
        text: The text, for the error.

    Raises:
        ConfigError: It is none, with what it lacks.
    """
    if not isinstance(found, type) or not issubclass(found, Algorithm):
        raise ConfigError(f"{text} is {shortened(found)}; expected a class that extends rmix_kit.algorithms.Algorithm")
    problem = next(_problems(found), "")
    if problem:
        raise ConfigError(f"{text} cannot be trained: {problem}")
    return found


def _problems(cls: type[Algorithm[Any]]) -> Iterator[str]:
    """Say what keeps a class from being an algorithm."""
    name = getattr(cls, "name", None)
    if not is_file_name(name):
        yield f"its name is {shortened(name)}; set name: ClassVar[str] to a word for tables, figures and folders"
    if inspect.isabstract(cls):
        yield f"it does not define {', '.join(sorted(cls.__abstractmethods__))}"
    if "__dataclass_params__" not in vars(cls) or not vars(cls)["__dataclass_params__"].frozen:
        yield "it is no frozen dataclass; put @dataclass(frozen=True, kw_only=True) above the class"
