"""Which actions are allowed, under the names that people use."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

NAMES = ("action_mask", "avail_actions", "available_actions", "action_masks")
"""Keys of an observation or info, and methods of an environment, that give a mask."""
METHODS = (*NAMES, "get_avail_actions")
_HINTS = ("mask", "legal", "avail", "valid", "allowed")


def given_mask(raw: object, info: Mapping[str, Any], names: Sequence[str]) -> object:
    """Give the mask that an observation or an info holds; None where neither does."""
    for holder in (raw, info):
        if isinstance(holder, Mapping):
            for name in names:
                if holder.get(name) is not None:
                    return holder[name]
    return None


def overlooked(raw: object, info: Mapping[str, Any], size: int, names: Sequence[str]) -> str | None:
    """Give the key of what looks like a mask and is not read as one: by its name and by one 0 or 1 per action."""
    for holder in (raw, info):
        for key, value in holder.items() if isinstance(holder, Mapping) else ():
            if key not in names and any(hint in str(key).lower() for hint in _HINTS) and _is_mask(value, size):
                return str(key)
    return None


def mask_method(env: object) -> Callable[[str], Any] | None:
    """Find an environment's method that gives masks.

    Args:
        env: Perhaps wrapped.

    Returns:
        From an agent to what the method says of it, or of all agents: a mapping or a sequence; None without a method.
    """
    for holder in (env, getattr(env, "unwrapped", None)):
        for name in METHODS:
            method = getattr(holder, name, None) if holder is not None else None
            if not callable(method):
                continue
            try:
                required = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty]
            except (TypeError, ValueError):
                continue
            if len(required) <= 1:
                return method if required else _ignoring_agent(method)
    return None


def _ignoring_agent(method: Callable[[], Any]) -> Callable[[str], Any]:
    def ask(agent: str) -> Any:  # noqa: ANN401 - whatever the environment gives
        del agent
        return method()

    return ask


def _is_mask(value: object, size: int) -> bool:
    try:
        array = np.asarray(value)
    except ValueError:
        return False
    return array.shape == (size,) and array.dtype.kind in "biuf" and bool(np.isin(array, (0, 1)).all())
