"""Every joint action sequence of a short game: uniform data without luck, and exact answers to check against."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import ConfigError
from rmix_kit.types import IntArray, TimeStep

MOST_EPISODES = 65_536


def joint_actions(n_agents: int, n_actions: int | Sequence[int], steps: int) -> IntArray:
    """Return every sequence of joint actions, once each.

    Args:
        n_actions: Number of actions of every agent, or of each.
        steps: Length of the sequences, at least 1.

    Returns:
        int64 ``[episode, step, agent]`` in lexicographic order: the last agent's last action changes fastest.

    Raises:
        ConfigError: A number is below 1, or there are more than 65,536 sequences.
    """
    counts = [n_actions] * n_agents if isinstance(n_actions, int) else [int(count) for count in n_actions]
    if len(counts) != n_agents or min(n_agents, steps, *counts) < 1:
        raise ConfigError(
            f"n_agents is {n_agents}, n_actions {n_actions}, steps {steps}; expected at least 1 each, and one number "
            "of actions per agent"
        )
    per_step = math.prod(counts)
    # Bounded before it is raised: the power may have thousands of digits.
    is_small = per_step == 1 or steps < MOST_EPISODES.bit_length()
    if not is_small or per_step**steps > MOST_EPISODES:
        shown = f"{per_step}^{steps}" + (f" = {per_step**steps:,}" if is_small else "")
        raise ConfigError(f"there are {shown} joint action sequences; at most {MOST_EPISODES:,} are played")
    sizes = np.asarray(counts * steps, dtype=np.int64)  # [step * agent]
    periods = np.append(np.cumprod(sizes[:0:-1])[::-1], 1)  # sequences before a place's next action
    digits: IntArray = np.arange(per_step**steps)[:, None] // periods % sizes  # [episode, step * agent]
    return digits.reshape(-1, steps, n_agents)  # [episode, step, agent]


def play_joint_actions(text: str, steps: int | None = None) -> tuple[IntArray, list[TimeStep]]:
    """Play every sequence of joint actions of a game, each in a copy of its own.

    Args:
        text: The environment's text; its masks must be the same in every state, as in table games.
        steps: Length of the sequences; the episode limit if None.

    Returns:
        The actions int64 ``[episode, step, agent]``, and ``steps + 1`` time steps whose axis env is the episode.
        Episode i is seeded with i. What stands after an episode's end is a finished copy that waits.

    Raises:
        ConfigError: There are more than 65,536 sequences.
        EnvironmentTextError: The text names no environment.
    """
    probe = make_vector_env(text, 1)
    counts = probe.reset([0]).avail_actions[0].sum(axis=-1)  # [agent]
    actions = joint_actions(probe.spec.n_agents, counts.tolist(), probe.spec.episode_limit if steps is None else steps)
    probe.close()
    envs = make_vector_env(text, len(actions))
    played = [envs.reset(range(len(actions)))]
    played += [envs.step(actions[:, step]) for step in range(actions.shape[1])]
    envs.close()
    return actions, played
