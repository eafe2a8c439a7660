"""Modules that need numba, and why there are none where it is missing."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any, cast


@cache
def compiled_module(name: str) -> ModuleType | str:
    """Return a module that imports numba, or why it cannot be imported.

    Args:
        name: Such as "rmix_kit.compiling.gru_passes".
    """
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "numba":
            raise
        return "numba is not installed (pip install numba)"
    except ImportError as error:
        return f"numba cannot be imported ({error})"


def is_kept(function: Callable[..., Any]) -> bool:
    """Whether what is compiled of a function serves later processes too."""
    return bool(cast(Any, function).stats.cache_path)
