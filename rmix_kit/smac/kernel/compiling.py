"""How the functions of this package are compiled, and what numba may keep of it between processes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from importlib.resources import files
from typing import Any, TypeAlias, TypeVar, cast

import numba
import numpy as np

from macn import counter_hash

F = TypeVar("F", bound=Callable[..., Any])
Real: TypeAlias = Any
"""One float32."""
Whole: TypeAlias = Any
"""One int64."""

# Without `fastmath` no two operations are contracted into one or put in another order; the error model is numpy's, in
# which a division by zero is no exception.
_OPTIONS: dict[str, Any] = {"fastmath": False, "error_model": "numpy"}
# Handing arrays to a function takes longer than most of these work, so that all of them are compiled in place.
_IN_PLACE = _OPTIONS | {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def compiled(function: F) -> F:
    """Compile a function that others of this package call; nothing of it is kept by itself.

    Python must not call it: what would take Python's arguments apart, a fifth of all that is compiled, is left out.
    """
    return cast(F, numba.njit(**_IN_PLACE)(function))


def kept(function: F) -> F:
    """Compile a function that Python calls, and keep the result for other processes where there is a place for it.

    numba keeps it beside the module, else in the user's cache folder, or in ``NUMBA_CACHE_DIR``. Where none of them can
    be written, every process compiles anew (`is_kept`).

    Args:
        function: A closure over `sources`: numba looks for changes in the function's own file alone, and what is
            kept holds the code and the constants of all others.
    """
    try:
        return cast(F, numba.njit(cache=True, **_OPTIONS)(function))
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return cast(F, numba.njit(**_OPTIONS)(function))


def is_kept(function: F) -> bool:
    """Whether what is compiled of a function serves later processes too."""
    return bool(cast(Any, function).stats.cache_path)


def sources() -> str:
    """Return a digest of everything that is compiled, and of where its constants come from."""
    digest = hashlib.sha256()
    for package in ("rmix_kit.smac", "rmix_kit.smac.kernel", "macn"):
        for file in sorted(files(package).iterdir(), key=lambda file: file.name):
            if file.name.endswith(".py"):
                digest.update(file.read_bytes())
    return digest.hexdigest()


mix = compiled(counter_hash.mix)


@compiled
def root(value: Real) -> Real:
    """Return the correctly rounded square root, as `rmix_kit.smac.arrays.root` does."""
    return np.float32(math.sqrt(value))
