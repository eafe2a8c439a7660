"""How episodes end and what they pay: lengths, success, agents that leave, rewards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rmix_kit.doctor.environment.episodes import Episode
from rmix_kit.doctor.finding import Finding
from rmix_kit.envs.interface import VectorEnv, reports_success
from rmix_kit.types import EnvSpec


def outcome_findings(envs: VectorEnv, played: Sequence[Episode]) -> list[Finding]:
    """Return how episodes end and what they pay.

    Args:
        envs: The copy that was played in.
        played: At least one episode.
    """
    return [_length(envs.spec, played), _leaving(envs.spec, played), _rewards(played), _success(envs, played)]


def _length(spec: EnvSpec, played: Sequence[Episode]) -> Finding:
    lengths = np.array([episode.length for episode in played])
    cut = sum(not episode.is_terminated for episode in played)
    found = f"limit {spec.episode_limit}; random episodes last {spread(lengths)} steps, {cut} of {len(played)} cut off"
    if lengths.max() * 10 <= spec.episode_limit:
        return Finding(
            name="episodes",
            status="warning",
            found=found,
            fix="set episode_limit lower if better play lasts no longer: the replay keeps room for it",
        )
    return Finding(name="episodes", found=found)


def _leaving(spec: EnvSpec, played: Sequence[Episode]) -> Finding:
    left = np.array([episode.left < episode.length for episode in played])  # [episode, agent]
    if not left.any():
        return Finding(name="agents", found="all stay to the end")
    names = [name for name, count in zip(spec.agent_ids, left.sum(0), strict=True) if count]
    first = min(int(episode.left.min()) for episode in played)
    return Finding(
        name="agents",
        found=f"{', '.join(names[:6])}{', ...' if len(names) > 6 else ''} left before the others in "
        f"{int(left.any(-1).sum())} of {len(played)} episodes, after step {first} at the earliest; who is gone sees "
        "zeros, may do its first action alone, and is paid nothing",
    )


def _rewards(played: Sequence[Episode]) -> Finding:
    rewards = np.concatenate([episode.reward for episode in played])
    returns = np.array([episode.reward.sum(dtype=np.float64) for episode in played])
    found = f"the team's {spread(rewards)} a step, {spread(returns)} an episode"
    if not rewards.any():
        return Finding(
            name="rewards",
            status="warning",
            found=f"{found}: random play was never paid",
            fix="play more episodes (--episodes): where chance never meets a reward, learning does not begin; "
            "where the agents' rewards cancel out, reward=first takes one side's",
        )
    if (rewards == rewards[0]).all():
        return Finding(
            name="rewards",
            status="warning",
            found=f"{found}: always the same, whatever was done",
            fix="play more episodes (--episodes), or see whether actions reach the environment",
        )
    return Finding(name="rewards", found=found)


def _success(envs: VectorEnv, played: Sequence[Episode]) -> Finding:
    solved = sum(episode.is_solved for episode in played)
    fell = sum(bool(episode.fell.any()) for episode in played)
    falls = f"; somebody fell in {fell}" if fell else ""
    if reports_success(envs):
        return Finding(name="success", found=f"reported, in {solved} of {len(played)} random episodes{falls}")
    return Finding(
        name="success",
        found=f"not reported: runs are scored by their return{falls}",
        fix="put success=True or False into the last step's infos if an episode can be solved",
    )


def spread(values: np.ndarray) -> str:
    """Write the range of some numbers, and their mean."""
    low, high = float(values.min()), float(values.max())
    return f"{low:g}" if low == high else f"{low:g} to {high:g} (mean {float(values.mean(dtype=np.float64)):.3g})"
