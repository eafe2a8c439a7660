"""From a dotted name to the user's function or class that makes an environment."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, cast

from rmix_kit.errors import EnvironmentTextError
from rmix_kit.spelling import suggestion

Factory = Callable[..., Any]


@contextmanager
def current_directory_importable() -> Iterator[None]:
    """Let modules of the current directory be imported, behind all installed ones."""
    here = os.getcwd()
    sys.path.append(here)
    try:
        yield
    finally:
        sys.path.remove(here)


def factory_of(dotted: str) -> Factory:
    """Import what a dotted name stands for.

    Args:
        dotted: ``module.attribute``; a module alone stands for its ``parallel_env``, as PettingZoo's modules have it.

    Returns:
        Something to call.

    Raises:
        EnvironmentTextError: There is no such module or attribute, or it cannot be called.
    """
    names = dotted.split(".")
    if not all(name.isidentifier() for name in names):
        raise EnvironmentTextError(
            f"environment pettingzoo:{dotted}: {dotted!r} must be a dotted name such as my_module.parallel_env"
        )
    found: object = _module(names[0], dotted)
    if found is None:
        raise EnvironmentTextError(
            f"environment pettingzoo:{dotted}: there is no module {names[0]!r}; is it installed, "
            "or a file in the current directory?"
        )
    for depth, name in enumerate(names[1:], start=1):
        # An attribute goes before a submodule: packages often name both alike, and export the attribute.
        inner = getattr(found, name, None) or _module(".".join(names[: depth + 1]), dotted)
        if inner is None:
            raise EnvironmentTextError(
                f"environment pettingzoo:{dotted}: {'.'.join(names[:depth])} has no {name!r}"
                f"{suggestion(name, dir(found))}"
            )
        found = inner
    if isinstance(found, ModuleType):
        found = getattr(found, "parallel_env", found)
    if not callable(found):
        raise EnvironmentTextError(
            f"environment pettingzoo:{dotted}: {dotted} is a {type(found).__name__}; expected a function or class "
            "that gives a PettingZoo parallel environment"
        )
    return cast(Factory, found)


def _module(path: str, dotted: str) -> ModuleType | None:
    """Import a module; None if there is none of that name."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        # Only the absence of this very module means that the name is wrong; one that lacks another module is broken.
        if error.name is not None and (path == error.name or path.startswith(f"{error.name}.")):
            return None
        raise EnvironmentTextError(f"environment pettingzoo:{dotted}: {path} needs {error.name}") from error
    except Exception as error:
        raise EnvironmentTextError(
            f"environment pettingzoo:{dotted}: importing {path} failed with {type(error).__name__}: {error}"
        ) from error
