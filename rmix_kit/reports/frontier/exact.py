"""The exact answer beside what was measured, where the oracle has one."""

from __future__ import annotations

from collections.abc import Iterable

from macn import oracle
from macn.errors import ProblemTooLargeError
from macn.joint import LARGEST_PROBLEM, return_grid
from macn.settings import N_ACTIONS, Settings
from rmix_kit.metrics import FALLS, LENGTH, RETURN, SUCCESS, cvar_name

MOST_NUMBERS = 2 * 10**10
"""Numbers that the oracle may handle for one level: some five minutes, and a gigabyte or two of memory."""

EXPLANATION = (
    "exact: macn.oracle's policy that is greedy at each step on the CVaR, at that level, of its own return-to-go (at "
    "1.0 the optimum), with full information: it knows every agent's cell and the clock, an agent its own surroundings "
    "alone; difference: measured minus exact"
)
CVAR = "cvar"
SAME_AT_ONE = (CVAR, "wang")
"""What agents may maximise that is the mean at level 1."""
NO_EXACT_DYNAMIC = "no exact values at dynamic: the agents choose their levels themselves"


def exact_answer(settings: Settings, risk_level: float) -> oracle.Evaluation:
    """Return the exact return distribution of the policy that is greedy on the CVaR at a level.

    Args:
        risk_level: In (0, 1]; at 1 the policy is the optimum.

    Raises:
        ProblemTooLargeError: The oracle refuses the game, or would be busy with it for hours.
    """
    is_live = [mark not in "C#" for mark in settings.layout.cells]
    state_actions: int = (sum(is_live) * N_ACTIONS) ** settings.n_agents
    numbers = state_actions * len(return_grid(settings.max_steps)) * settings.max_steps
    if state_actions <= LARGEST_PROBLEM and numbers > MOST_NUMBERS:  # the oracle refuses the rest itself
        raise ProblemTooLargeError(
            f"{state_actions:,} joint state-actions over {settings.max_steps} steps are {numbers:,} numbers, and at "
            f"most {MOST_NUMBERS:,} are computed beside a measurement; macn.oracle.solve in Python takes more time"
        )
    solution = oracle.solve(
        settings.layout,
        n_agents=settings.n_agents,
        slip=settings.slip,
        max_steps=settings.max_steps,
        risk_level=risk_level,
    )
    return solution.evaluation


def exact_or_why_not(
    settings: Settings | None, risk_level: float | None, value_kind: str = CVAR
) -> tuple[oracle.Evaluation | None, str]:
    """Return the exact answer at a level and what it is, or None and the reason.

    Args:
        settings: Of the game; None outside MACN, where nothing need be said.
        risk_level: In (0, 1]; None where the agents choose.
        value_kind: What the agents maximise, as their specification says.
    """
    if settings is None:
        return None, ""
    if risk_level is None:
        return None, NO_EXACT_DYNAMIC
    if value_kind not in SAME_AT_ONE or (value_kind != CVAR and risk_level != 1.0):
        return None, f"no exact values: the oracle is greedy on CVaR, and these agents on {value_kind!r}"
    try:
        return exact_answer(settings, risk_level), EXPLANATION
    except ProblemTooLargeError as error:
        return None, f"no exact values: {error}"


def exact_values(exact: oracle.Evaluation, tails: Iterable[float]) -> dict[str, float]:
    """Return the oracle's values by metric.

    Args:
        exact: The oracle's answer.
        tails: Levels of the CVaRs.
    """
    return {
        RETURN: exact.return_mean,
        **{cvar_name(tail): exact.cvar(tail) for tail in tails},
        LENGTH: exact.episode_length_mean,
        FALLS: exact.fall_probability,
        SUCCESS: exact.success_probability,
    }
