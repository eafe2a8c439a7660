"""What both backends ask of their options and of actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rmix_kit.envs.text import Value
from rmix_kit.errors import ActionError, EnvironmentTextError
from rmix_kit.smac.facts import NO_OP, STOP
from rmix_kit.spelling import suggestion
from rmix_kit.types import BoolArray, IntArray

SHARED: Mapping[str, tuple[type, ...]] = {
    "difficulty": (str, int),
    "illegal_action": (str,),
    "timeout_terminates": (bool,),
}
"""Options of both backends, with their types."""

DIFFICULTY_CODES = "123456789A"
ILLEGAL_ACTIONS = ("raise", "noop")


def checked_options(
    options: Mapping[str, Value], types: Mapping[str, tuple[type, ...]], *, where: str, backend: str
) -> dict[str, Any]:
    """Check names and types of options, and the values of the shared ones.

    Args:
        options: By name, without ``backend``.
        types: What the backend takes.
        backend: Its name, for errors.

    Returns:
        The options, the difficulty as its code.

    Raises:
        EnvironmentTextError: An option does not exist, has another type or is out of range.
    """
    for key, value in options.items():
        if key not in types:
            raise EnvironmentTextError(
                f"{where} has no option {key!r} with backend={backend}, which takes {', '.join(types)}"
                f"{suggestion(key, types)}"
            )
        if not isinstance(value, types[key]) or (isinstance(value, bool) and bool not in types[key]):
            names = " or ".join(kind.__name__ for kind in types[key])
            raise EnvironmentTextError(f"{where}: {key} is {value!r}; expected {names}")
        if isinstance(value, str) and "\0" in value:  # no path, and no argument of a program, can have one
            raise EnvironmentTextError(f"{where}: {key} is {value!r}; expected a text without NUL")
    given: dict[str, Any] = dict(options)
    if "difficulty" in given:
        given["difficulty"] = code = str(given["difficulty"]).upper()
        if len(code) != 1 or code not in DIFFICULTY_CODES:
            raise EnvironmentTextError(
                f"{where}: difficulty is {code!r}; it must be 1 (very easy) to 9, or A; SMAC's is 7"
            )
    if given.get("illegal_action", ILLEGAL_ACTIONS[0]) not in ILLEGAL_ACTIONS:
        raise EnvironmentTextError(
            f"{where}: illegal_action is {given['illegal_action']!r}; it must be {' or '.join(ILLEGAL_ACTIONS)}"
        )
    return given


def legal_actions(
    actions: IntArray, masks: BoolArray, going: BoolArray, *, steps: Sequence[int] | IntArray, illegal_action: str
) -> IntArray:
    """Return actions that the game accepts.

    Args:
        actions: Whole numbers ``[env, agent]``.
        masks: True where an action is allowed, bool ``[env, agent, action]``.
        going: Battles that are not over, bool ``[env]``; actions of the others do not matter.
        steps: Steps done ``[env]``, for errors.
        illegal_action: "raise" an error, or "noop": the agent stands still.

    Returns:
        int64 ``[env, agent]``.

    Raises:
        ActionError: The actions have another shape or type, or one is masked and must not be.
    """
    given = np.asarray(actions)
    if given.shape != masks.shape[:2] or given.dtype.kind not in "iu":
        raise ActionError(
            f"actions are {given.dtype} {given.shape}; expected whole numbers {masks.shape[:2]}, one per copy and agent"
        )
    chosen: IntArray = given.astype(np.int64)
    n_actions = masks.shape[-1]
    inside = chosen.view(np.uint64) < n_actions  # below 0 is far above
    begins = np.arange(0, masks.size, n_actions).reshape(chosen.shape)
    allowed = masks.take(begins + chosen, mode="clip") & inside
    if illegal_action == "raise" and not (allowed | ~going[:, None]).all():
        env, agent = np.argwhere(~allowed & going[:, None])[0]
        raise ActionError(
            f"agent_{agent} cannot take action {chosen[env, agent]} at step {steps[env]} of copy {env}; "
            f"allowed are {np.flatnonzero(masks[env, agent]).tolist()}"
        )
    return np.where(allowed, chosen, np.where(masks[..., NO_OP], NO_OP, STOP))
