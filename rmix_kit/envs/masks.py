"""Which actions are allowed, under the names that people use."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rmix_kit.envs.border import Border, shortened
from rmix_kit.types import BoolArray

if TYPE_CHECKING:
    from rmix_kit.envs.agreement import Agreement

NAMES = ("action_mask", "avail_actions", "available_actions", "action_masks")
"""Keys of an observation or info, and methods or attributes of an environment, that give a mask."""
METHODS = (
    *NAMES,
    *("get_avail_actions", "get_available_actions", "get_action_mask", "get_action_masks"),
    *("valid_action_mask", "valid_action_masks"),
)
_HINTS = ("mask", "legal", "avail", "valid", "allow", "permit", "feasib", "possible_a", "possible_m")
_NOUNS = ("action", "move", "mask")
_OR_NONE = "; if it is no mask, append mask=none to the environment's text"


class MaskSource:
    """Finds what an environment allows its agents: in observations, infos or by a method."""

    def __init__(self, env: Any, agreement: Agreement, border: Border) -> None:  # noqa: ANN401 - the user's
        """Wrap an environment.

        Args:
            env: Perhaps wrapped.
            agreement: What all copies have in common.
            border: Names what is wrong.
        """
        self._env, self._agreed, self._border = env, agreement, border
        self._keys = {str(agent): agent for agent in env.possible_agents}

    def masks(
        self,
        seen: Mapping[str, Any],
        notes: Mapping[str, Any],
        gone: Collection[str],
        *,
        is_over: bool,
        is_needed: bool,
    ) -> BoolArray:
        """Return what is allowed, bool ``[agent, action]``; an agent that is gone has action 0 alone.

        Args:
            seen: What was observed, by agent.
            notes: The infos by agent, and what is kept in them for all.
            gone: Agents that left before.
            is_over: Whether the episode is, so that nothing will be chosen.
            is_needed: Whether learning looks at it: the clock's end is bootstrapped from, the task's is not.
        """
        agreed = self._agreed
        full: NDArray[np.bool_] = np.zeros((len(agreed.agents), agreed.n_actions), dtype=np.bool_)
        for_all = {name: note for name, note in notes.items() if name not in self._keys}
        for index, agent in enumerate(agreed.agents):
            if agent in gone:
                full[index, 0] = True
                continue
            given = given_mask(seen.get(agent), notes.get(agent, {}), agreed.mask_names)
            if given is None:
                given = next((self._entry(for_all[key], agent) for key in agreed.mask_names if key in for_all), None)
            if given is None and self._method is not None and is_needed:
                with self._border.calling("action masks"):
                    given = self._entry(self._method(self._keys[agent]), agent)
            size = agreed.action_sizes[agent]
            if given is None and agreed.mask_names:
                shared = {key: self._entry(value, agent) for key, value in for_all.items() if _is_hinting(key)}
                self._notice(agent, size, (seen.get(agent), notes.get(agent), shared))
            full[index, :size] = True if given is None else self._read(given, agent, size, is_over=is_over)
        return full

    @cached_property
    def _method(self) -> Callable[[Any], Any] | None:
        """What the environment itself says of its agents; looked for after a reset, which may set attributes."""
        return mask_method(self._env, self._agreed.mask_names) if self._agreed.mask_names else None

    def _read(self, given: object, agent: str, size: int, *, is_over: bool) -> BoolArray:
        try:
            mask = np.asarray(given)
        except Exception:  # noqa: BLE001 - whatever it is, it is no mask
            mask = np.empty(0)
        if mask.shape != (size,):
            self._border.refuse(
                f"{agent}'s action_mask has shape {mask.shape}; expected ({size},), one per action{_OR_NONE}"
            )
        if mask.dtype.kind not in "biuf" or not np.isin(mask, (0, 1)).all():
            self._border.refuse(
                f"{agent}'s action_mask is {shortened(given)}; expected one 0 or 1 per action{_OR_NONE}"
            )
        own: BoolArray = mask.astype(np.bool_)
        if own.any():
            return own
        if not is_over:
            self._border.refuse(f"{agent} has no allowed action; allow at least one")
        return np.ones_like(own)  # nothing is chosen any more

    def _notice(self, agent: str, size: int, holders: Sequence[object]) -> None:
        """Refuse what looks like a mask and is not read as one."""
        names = self._agreed.mask_names
        if (key := overlooked(holders, size, names)) is not None:
            self._border.refuse(
                f"{agent} is given {key!r}, which looks like a mask and is not read as one; masks are one 0 or 1 per "
                f"action, called {' or '.join(names)}: append mask={key} to the environment's text if it is one, "
                "mask=none if not"
            )

    def _entry(self, given: Any, agent: str) -> Any:  # noqa: ANN401 - the user's
        """Return one agent's part of what was given of all, or what was given as it is if it is of one."""
        if isinstance(given, Mapping):
            return given.get(self._keys[agent], given.get(agent))
        count = len(self._agreed.agents)
        if isinstance(given, Sequence | np.ndarray) and len(given) == count and np.ndim(given[0]) == 1:
            return given[self._agreed.agents.index(agent)]
        return given


def given_mask(raw: object, info: object, names: Sequence[str]) -> Any:  # noqa: ANN401 - the user's
    """Return the mask that an observation or an info holds; None where neither does."""
    for holder in (raw, info):
        if isinstance(holder, Mapping):
            for name in names:
                if holder.get(name) is not None:
                    return holder[name]
    return None


def overlooked(holders: Sequence[object], size: int, names: Sequence[str]) -> str | None:
    """Return the key of what looks like a mask and is not read as one, by its name and its values.

    Args:
        holders: Observations and infos; what is no mapping holds nothing.
    """
    for holder in holders:
        for key, value in holder.items() if isinstance(holder, Mapping) else ():
            if key not in names and _is_hinting(key) and _is_mask(value, size, str(key)):
                return str(key)
    return None


def mask_method(env: object, names: Sequence[str] = NAMES) -> Callable[[Any], Any] | None:
    """Find an environment's method or attribute that gives masks.

    Args:
        env: Perhaps wrapped.
        names: Names of keys, which a method or an attribute may have too.

    Returns:
        From an agent to what is said of it, or of all agents: a mapping or a sequence; None where nothing is.
    """
    for holder in (env, getattr(env, "unwrapped", None)):
        for name in dict.fromkeys((*names, *METHODS)):
            method = getattr(holder, name, None) if holder is not None else None
            if _is_numbers(method):
                return _reading(holder, name)
            if not callable(method):
                continue
            try:
                required = [p for p in inspect.signature(method).parameters.values() if _is_required(p)]
            except (TypeError, ValueError):
                continue
            if len(required) <= 1:
                return method if required else _ignoring_agent(method)
    return None


def unread_masks(env: object, names: Sequence[str]) -> tuple[str, ...]:
    """Name an environment's methods and attributes that may give masks by their names and are not read.

    Args:
        env: Perhaps wrapped.
        names: Names that are read besides the usual ones.

    Returns:
        With ``()`` behind the name of a method.
    """
    inner = getattr(env, "unwrapped", env)
    return tuple(
        f"{name}()" if callable(getattr(type(inner), name, None)) else name
        for name in dict.fromkeys((*dir(type(inner)), *getattr(inner, "__dict__", ())))
        if not name.startswith("_")
        and name not in (*METHODS, *names)
        and _is_hinting(name)
        and any(noun in name.lower() for noun in _NOUNS)
        and _may_give(inner, name)
    )


def _may_give(env: object, name: str) -> bool:
    of_class, of_this = getattr(type(env), name, None), getattr(env, "__dict__", {}).get(name)
    return callable(of_class) or isinstance(of_class, property) or _is_numbers(of_this)


def _is_numbers(given: object) -> bool:
    """Tell whether it is a collection of numbers, by agent or not, and so may be a mask; action names are none."""
    if isinstance(given, Mapping):
        given = next(iter(given.values()), None)
    if not isinstance(given, Sequence | np.ndarray) or isinstance(given, str | bytes):
        return False
    try:
        return np.asarray(given).dtype.kind in "biuf"
    except ValueError:  # rows of unequal lengths: perhaps the allowed actions by number, which is refused when read
        return True


def _reading(holder: object, name: str) -> Callable[[Any], Any]:
    """Read an attribute anew each time, as it may be another object at every step."""
    return _ignoring_agent(lambda: getattr(holder, name))


def _is_required(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind not in (
        parameter.VAR_POSITIONAL,
        parameter.VAR_KEYWORD,
    )


def _ignoring_agent(method: Callable[[], Any]) -> Callable[[Any], Any]:
    def ask(agent: object) -> Any:  # noqa: ANN401 - whatever the environment gives
        del agent
        return method()

    return ask


def _is_hinting(key: object) -> bool:
    return any(hint in str(key).lower() for hint in _HINTS)


def _is_mask(value: object, size: int, key: str) -> bool:
    """Return whether a value is one 0 or 1 per action, or a list of allowed actions under a name that says so."""
    try:
        array = np.asarray(list(value) if isinstance(value, Mapping | set | frozenset) else value)
    except Exception:  # noqa: BLE001 - whatever it is, it is no mask
        return False
    if array.dtype.kind not in "biuf" or array.ndim == 0:
        return False
    if array.size == size and bool(np.isin(array, (0, 1)).all()):
        return True
    is_list = array.ndim == 1 and 0 < array.size <= size and array.dtype.kind in "iu"
    return is_list and any(noun in key.lower() for noun in _NOUNS) and bool(((array >= 0) & (array < size)).all())
