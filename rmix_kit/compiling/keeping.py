"""How functions are compiled, and what numba may keep of them between processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

F = TypeVar("F", bound=Callable[..., Any])

# The error model is numpy's, in which a division by zero is no exception.
_OPTIONS: dict[str, Any] = {"error_model": "numpy"}
# Handing arrays to a function takes longer than most of these work, so that all of them are compiled in place.
_IN_PLACE = _OPTIONS | {"forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def inlined(function: F, *, fused: bool = False) -> F:
    """Compile a function that other compiled ones call; nothing of it is kept by itself.

    Python must not call it: what would take Python's arguments apart, a fifth of all that is compiled, is left out.

    Args:
        function: Called by compiled functions.
        fused: See `kept`.
    """
    return cast(F, numba.njit(fastmath=_fastmath(fused), **_IN_PLACE)(function))


def kept(function: F, *, fused: bool = False) -> F:
    """Compile a function that Python calls, and keep the result for other processes where there is a place for it.

    numba keeps it beside the module, else in the user's cache folder, or in ``NUMBA_CACHE_DIR``. Where none of them can
    be written, every process compiles anew (`rmix_kit.compiling.finding.is_kept`).

    Args:
        function: numba looks for changes in its own file alone. One that holds code or constants of other files has to
            be a closure over a digest of these.
        fused: Whether a product and the sum it goes into may be one operation, with one rounding. No two operations
            are put in another order either way.
    """
    options = _OPTIONS | {"fastmath": _fastmath(fused)}
    try:
        return cast(F, numba.njit(cache=True, **options)(function))
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return cast(F, numba.njit(**options)(function))


def _fastmath(fused: bool) -> set[str] | bool:
    return {"contract"} if fused else False
