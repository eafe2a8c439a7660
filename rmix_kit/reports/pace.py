"""How often runs learned for what they played: who makes more updates has an advantage that is not the algorithm's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rmix_kit.results import RunRecord

ROUND_BY_ROUND = ("coma",)
"""They make one update a round, whatever the settings say."""


def pace_of(run: RunRecord) -> str:
    """Say in words how many updates a run made for what it played; nothing where its record does not tell."""
    training = run.config.get("training")
    if not isinstance(training, Mapping):
        return ""
    copies = training.get("num_envs")
    if run.algo in ROUND_BY_ROUND:
        return f"one for {copies} episodes"
    if step := training.get("updates_per_step"):
        return f"{step:g} a step"
    episode = training.get("updates_per_episode")
    return f"{episode:g} an episode" if isinstance(episode, int | float) else ""


def unequal_updates(runs: Iterable[RunRecord]) -> str:
    """Say which of the algorithms on an environment made other updates than the others; nothing where all are alike.

    Args:
        runs: On one environment.
    """
    who: dict[str, dict[str, None]] = {}
    for run in runs:
        who.setdefault(pace_of(run), {})[run.algo] = None
    if len(who) < 2:
        return ""
    told = "; ".join(f"{', '.join(names)}: {pace or 'not known'}" for pace, names in who.items())
    return f"Not at equal updates, so that algorithms are not compared alone: {told}."
