"""What a film holds: episodes step by step, as they were played and decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rmix_kit.types import BoolArray, FloatArray, IntArray

TAIL_LEVEL = 0.1
"""Share of the worst returns by which actions are told safe or risky."""
RISKY_SHARE = 0.25
"""An action whose tail is worse than the safest one's by more than this share of the film's range is risky."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Episode:
    """One episode of L steps: L decisions, and the L + 1 scenes around them.

    Attributes:
        seed: Seed of its reset.
        scenes: Where everything stood before each step and after the last, JSON-able.
        rewards: float32 ``[step]``.
        avail_actions: bool ``[step, agent, action]``.
        actions: int64 ``[step, agent]``.
        action_values: What the agents maximised, float32 ``[step, agent, action]``.
        risk_levels: Levels used, float32 ``[step, agent]``, those of agents that are out among them.
        is_out: Agents that took part no more when the step began (dead), bool ``[step, agent]``.
        quantiles: Return distribution of the chosen action, ascending, float32 ``[step, agent, quantile]``; None where
            the policy has none or its file does not carry it.
        tails: Mean of the worst `TAIL_LEVEL` of each action's returns, float32 ``[step, agent, action]``; None
            likewise.
        team_return: As `rmix-kit evaluate` counts it.
        success: Solved; None where the environment does not say.
        fell: Any agent met a catastrophe.
    """

    seed: int
    scenes: tuple[Mapping[str, Any], ...]
    rewards: FloatArray
    avail_actions: BoolArray
    actions: IntArray
    action_values: FloatArray
    risk_levels: FloatArray
    is_out: BoolArray
    quantiles: FloatArray | None
    tails: FloatArray | None
    team_return: float
    success: bool | None
    fell: bool

    @property
    def length(self) -> int:
        """Number of steps."""
        return len(self.rewards)

    @property
    def shown_levels(self) -> FloatArray:
        """Levels as the paper draws them, 0 for agents that are out, float32 ``[step, agent]``."""
        return np.where(self.is_out, np.float32(0.0), self.risk_levels)


@dataclass(frozen=True, kw_only=True, eq=False)
class Film:
    """Episodes of one team.

    Attributes:
        source: Name of the run or the exported folder.
        kind: "run" or "export".
        env: Environment text.
        remark: What must be said beside results from it; mostly empty.
        algorithm: Roster name.
        risk_level: What was asked of all agents; None left it to them.
        agent_ids: In the order of the agent axis.
        action_meanings: One word per action.
        value_kind: What the action values are (`exporters.contract.VALUE_KINDS`).
        reward_scale: What rewards were multiplied by in training: values, quantiles and tails divided by it are in
            reward units; None where the files do not tell.
        is_risk_aware: The agents have a risk level.
        has_distributions: The episodes hold quantiles and tails.
        edges: Where the shares of probability of the quantiles begin and end, float64 ``[quantile + 1]`` from 0 to 1;
            None without quantiles.
        stage: What stays as it is in every scene; its ``kind`` says how scenes are drawn.
        episodes: In the order of their numbers.
        metrics: Of these episodes, what `rmix-kit evaluate --json` prints.
    """

    source: str
    kind: str
    env: str
    remark: str
    algorithm: str
    risk_level: float | None
    agent_ids: tuple[str, ...]
    action_meanings: tuple[str, ...]
    value_kind: str
    reward_scale: float | None
    is_risk_aware: bool
    has_distributions: bool
    edges: np.ndarray | None
    stage: Mapping[str, Any]
    episodes: tuple[Episode, ...]
    metrics: Mapping[str, float | int | None]

    @property
    def steps(self) -> int:
        """Steps of all episodes together."""
        return sum(episode.length for episode in self.episodes)

    def with_episodes_of(self, others: Sequence[Film]) -> Film:
        """Return this film with the episodes of others of the same team behind its own; its metrics stay its own.

        Args:
            others: Of the same agents in the same environment, at other risk levels.
        """
        episodes = tuple(episode for film in (self, *others) for episode in film.episodes)
        return replace(self, episodes=episodes, risk_level=None if others else self.risk_level)

    @property
    def risky_margin(self) -> float | None:
        """How much worse than the safest action's an action's tail must be to count as risky; None without tails."""
        kept = [e.tails[e.avail_actions] for e in self.episodes if e.tails is not None]  # [allowed action]
        if not kept:
            return None
        tails = np.concatenate(kept)
        return RISKY_SHARE * float(tails.max() - tails.min())
