"""What is refused before it starts, because it would take more memory than there is or longer than anyone waits."""

from __future__ import annotations

import os

from macn.errors import ParameterError, ProblemTooLargeError

LARGEST_WORK = 10**12  # numbers that an exact solution goes through: hours on one core
_GIB = 2**30


def machine_memory() -> int | None:
    """Return the bytes of memory that this machine has, or None where it does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def require_copies_fit(num_envs: int, n_agents: int) -> None:
    """Refuse more copies of the game than memory holds.

    Raises:
        ParameterError: their arrays need more than the machine has.
    """
    per_copy = 200 + 400 * n_agents  # cells, windows, draws and what a step returns, in bytes
    needed, there_is = num_envs * per_copy, machine_memory()
    if there_is is not None and needed > there_is:
        raise ParameterError(
            f"num_envs is {num_envs}; so many copies of {n_agents} agents take about {needed / _GIB:,.0f} GiB and this "
            f"machine has {there_is / _GIB:,.0f}; use at most {there_is // per_copy}"
        )


def require_horizon_fits(max_steps: int, n_states: int, n_joint_actions: int) -> None:
    """Refuse an exact solution that takes too long or too much memory.

    Args:
        max_steps: horizon.
        n_states: joint states.
        n_joint_actions: joint actions.

    Raises:
        ProblemTooLargeError: it takes more than 1e12 numbers, or more memory than the machine has.
    """
    n_returns = 2 * max_steps + 200  # of half a unit each, from the worst return up
    work = max_steps * n_states * n_joint_actions * n_returns
    problem = f"max_steps is {max_steps:,} with {n_states:,} joint states of {n_joint_actions} joint actions"
    if work > LARGEST_WORK:
        raise ProblemTooLargeError(
            f"{problem}: the exact solution goes through {work:.1e} numbers and takes at most {LARGEST_WORK:.0e}; use "
            f"a max_steps of at most {_longest(n_states * n_joint_actions):,}, or a smaller map"
        )
    # A table of actions and of what is reached; distributions before and after each of four kinds of reward.
    needed, there_is = 5 * max_steps * n_states + 8 * 6 * n_states * n_returns, machine_memory()
    if there_is is not None and needed > there_is:
        raise ProblemTooLargeError(
            f"{problem}: the exact solution takes about {needed / _GIB:,.0f} GiB of memory and this machine has "
            f"{there_is / _GIB:,.0f}; use fewer agents, a smaller map or a smaller max_steps"
        )


def _longest(n_entries: int) -> int:
    """Return the longest horizon that is taken with so many joint state-actions: max_steps (2 max_steps + 200)."""
    most = LARGEST_WORK // n_entries
    longest = int((2500 + most / 2) ** 0.5 - 50)
    while longest * (2 * longest + 200) > most:
        longest -= 1
    return longest
