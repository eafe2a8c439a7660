"""How long an episode may be, under the names that people use."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from rmix_kit.envs.text import Value
from rmix_kit.errors import EnvironmentContractError, EnvironmentTextError
from rmix_kit.types import LARGEST_COUNT

if TYPE_CHECKING:
    from rmix_kit.envs.agreement import Agreement

EPISODE_LIMIT = "episode_limit"
NAMES = (
    EPISODE_LIMIT,
    "max_cycles",
    "max_steps",
    "max_episode_steps",
    "horizon",
    "episode_length",
    "ep_length",
    "time_limit",
)
"""Names of arguments and attributes."""
ARGUMENTS = (
    *NAMES,
    *("max_episode_length", "max_ep_len", "max_ep_length", "episode_len", "episode_steps", "max_timesteps"),
    *("max_num_steps", "max_turns", "max_rounds", "max_iter", "max_iters", "max_iterations", "num_steps", "n_steps"),
)
"""Names of arguments; as attributes some of them count the steps taken."""
ALIKE_ENDS = 3
"""So many first episodes of a copy that the environment cuts at the same step show a limit that it keeps."""


class EarlyEnds:
    """Notices in a copy's first episodes that the environment cuts them before the limit that was asked for."""

    def __init__(self, agreement: Agreement) -> None:
        """Start before the first episode.

        Args:
            agreement: Says what was asked for.
        """
        self._asked, self._seen, self._alike = agreement.asked_limit, 0, 0

    def note(self, elapsed: int) -> str:
        """Count an episode that was truncated, and say what is wrong; empty if nothing is.

        One step less than was asked is taken for another way to count.

        Args:
            elapsed: Its steps.
        """
        if self._asked is None or self._alike < 0:
            return ""
        is_alike = elapsed < self._asked - 1 and (self._alike == 0 or elapsed == self._seen)
        self._seen, self._alike = elapsed, self._alike + 1 if is_alike else -1
        if self._alike < ALIKE_ENDS:
            return ""
        return (
            f"{EPISODE_LIMIT} is {self._asked}, and the environment cut its first {ALIKE_ENDS} episodes at step "
            f"{elapsed}, whatever is asked; ask for {elapsed}, or give it the argument that it takes"
        )


def argument_of(parameters: Mapping[str, inspect.Parameter]) -> str | None:
    """Return the name under which a factory takes the limit; None if it takes none by name."""
    return next((name for name in ARGUMENTS if name in parameters), None)


def own_limit(env: object, options: Mapping[str, Value], parameters: Mapping[str, inspect.Parameter]) -> int | None:
    """Find the limit that an environment keeps by itself: its attribute, its spec, its argument, or that one's default.

    Args:
        options: The arguments that it was made with.
        parameters: Those that its factory takes.
    """
    holders = (env, getattr(env, "unwrapped", None), getattr(env, "aec_env", None))
    own = [limit for holder in holders if (limit := _own_limit(holder)) is not None]
    if own:
        return min(own)  # a wrapper's clock and the environment's own: whichever is first
    given: list[object] = [options.get(name) for name in ARGUMENTS]
    given += [parameters[name].default for name in ARGUMENTS if name in parameters]
    return _first(given)


def _own_limit(holder: object) -> int | None:
    """Return the limit that an object says of itself, by an attribute before a spec."""
    found = [_attribute(holder, name) for name in NAMES]
    found += [_attribute(holder, f"_{name}") for name in NAMES]
    return _first([*found, getattr(getattr(holder, "spec", None), "max_episode_steps", None)])


def _first(values: list[object]) -> int | None:
    """Return the first whole number above zero; zero and -1 mostly mean that there is no limit."""
    return next((limit for value in values if (limit := _whole(value)) is not None and limit > 0), None)


def checked_limit(asked: Value | None, own: int | None, where: str, text: str) -> int:
    """Return the limit of an episode.

    Args:
        asked: The option ``episode_limit``, if it was given.
        own: What the environment keeps by itself, if that is known.

    Raises:
        EnvironmentTextError: What is asked for is no limit, or more than the environment's own.
        EnvironmentContractError: There is none.
    """
    if asked is None and own is None:
        mark = "&" if "?" in text else "?"
        raise EnvironmentContractError(
            f"{where} does not say how long an episode may be (none of {', '.join(NAMES)}); append it: "
            f"{text}{mark}{EPISODE_LIMIT}=100"
        )
    limit = own if asked is None else _whole(asked)
    if limit is None or limit < 1:
        raise EnvironmentTextError(
            f"{where}: {EPISODE_LIMIT} is {asked or own!r}; it must be a whole number, at least 1 and at most "
            f"{LARGEST_COUNT:,}"
        )
    if own is not None and limit > own:
        raise EnvironmentTextError(
            f"{where}: {EPISODE_LIMIT} is {limit}, and the environment ends its episodes after {own} steps whatever is "
            f"asked; ask for at most {own}, or give it the argument that it takes"
        )
    return limit


def _attribute(holder: object, name: str) -> Any:  # noqa: ANN401 - a stranger's attribute
    value = getattr(holder, name, None)
    return None if callable(value) else value


def _whole(value: object) -> int | None:
    """Return a whole number that counts, given as one or as 25.0; None for anything else."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    if isinstance(value, float | np.floating) and not float(value).is_integer():
        return None
    number = int(value)
    return number if abs(number) <= LARGEST_COUNT else None
