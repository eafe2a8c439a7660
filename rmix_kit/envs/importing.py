"""From a dotted name to the user's function or class that makes an environment."""

from __future__ import annotations

import functools
import importlib
import inspect
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, cast

from pettingzoo.utils.deprecated_module import DeprecatedModule

from rmix_kit.envs.border import named
from rmix_kit.errors import EnvironmentTextError
from rmix_kit.spelling import suggestion

Factory = Callable[..., Any]
FACTORIES = ("parallel_env", "env")
"""What a module's environments are made by, the first of them that it has."""


def importable_directory() -> Callable[[], None]:
    """Let modules of the current directory be imported, behind all installed ones, from now on.

    Returns:
        What ends it; called again it does nothing. An environment may import when it is reset or stepped.
    """
    here = os.getcwd()
    sys.path.append(here)
    standing = [here]

    def release() -> None:
        while standing:
            path = standing.pop()
            if path in sys.path:
                sys.path.reverse()
                sys.path.remove(path)  # ours is the last of them
                sys.path.reverse()

    return release


def factory_of(dotted: str) -> Factory:
    """Import what a dotted name stands for.

    Args:
        dotted: ``module.attribute``; a module alone stands for its ``parallel_env`` or ``env``, as PettingZoo's
            modules have them.

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
    where = f"environment pettingzoo:{dotted}"
    refuse_standard_library(names[0], where)
    found: object = _module(names[0], dotted)
    if found is None:
        raise EnvironmentTextError(
            f"environment pettingzoo:{dotted}: there is no module {names[0]!r}; is it installed, "
            "or a file in the current directory?"
        )
    for depth, name in enumerate(names[1:], start=1):
        # An attribute goes before a submodule: packages often name both alike, and export the attribute.
        if isinstance(found, DeprecatedModule):
            break
        inner = getattr(found, name, None) or _module(".".join(names[: depth + 1]), dotted)
        if inner is None:
            raise EnvironmentTextError(
                f"environment pettingzoo:{dotted}: {'.'.join(names[:depth])} has no {name!r}"
                f"{suggestion(name, dir(found))}"
            )
        found = inner
        refuse_standard_library(_home_of(found), where)
    if isinstance(found, DeprecatedModule):
        raise EnvironmentTextError(f"environment pettingzoo:{dotted}: {_deprecation(found)}")
    if isinstance(found, ModuleType):
        found = next((made for name in FACTORIES if callable(made := getattr(found, name, None))), found)
    if inspect.isbuiltin(found):
        raise EnvironmentTextError(
            f"{where}: {dotted} is written in C; expected a class or function that gives a PettingZoo environment"
        )
    if not callable(found):
        raise EnvironmentTextError(
            f"environment pettingzoo:{dotted}: {dotted} is a {type(found).__name__}; expected a function or class "
            f"that gives a PettingZoo environment, or a module with {' or '.join(FACTORIES)}"
        )
    refuse_standard_library(_home_of(found), where)
    if isinstance(found, type) and not all(callable(getattr(found, name, None)) for name in ("reset", "step")):
        raise EnvironmentTextError(
            f"environment pettingzoo:{dotted}: the class {found.__name__} has no reset and step; expected a class of "
            "PettingZoo environments, or a function that gives one"
        )
    return cast(Factory, found)


def refuse_standard_library(module: str, where: str) -> None:
    """Refuse what Python brings itself: none of it makes an environment, and much of it does harm when called.

    Args:
        module: Its dotted name; what it lies in decides.

    Raises:
        EnvironmentTextError: It is a part of Python.
    """
    root = module.partition(".")[0]
    if root == "builtins" or root in sys.stdlib_module_names:
        raise EnvironmentTextError(
            f"{where}: {module} is a part of Python and makes no environments; name the module, "
            "function or class that makes yours"
        )


def _home_of(found: object) -> str:
    """Name the module in which something is defined, whoever imported it; of a partial call, that of its function.

    Empty for what is neither a module nor callable.
    """
    while isinstance(found, functools.partial):
        found = found.func
    if isinstance(found, ModuleType):
        return found.__name__
    if not callable(found):
        return ""
    home = getattr(found, "__module__", None)
    return str(home or type(found).__module__)


def _deprecation(module: Any) -> str:  # noqa: ANN401 - PettingZoo's
    """Return what PettingZoo says of a deprecated module: which one stands in its place."""
    try:
        module.env()
    except Exception as error:  # noqa: BLE001 - its message is what is asked for
        return str(error)
    return "it is deprecated; name its newer version"


def _module(path: str, dotted: str) -> ModuleType | None:
    """Import a module; None if there is none of that name."""
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        # Only the absence of this very module means that the name is wrong; one that lacks another module is broken.
        if error.name is not None and (path == error.name or path.startswith(f"{error.name}.")):
            return None
        raise EnvironmentTextError(f"environment pettingzoo:{dotted}: {path} needs {error.name}") from error
    except (Exception, SystemExit) as error:
        raise EnvironmentTextError(
            f"environment pettingzoo:{dotted}: importing {path} failed with {named(error)}"
        ) from error
