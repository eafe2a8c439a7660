"""One number per run: how well it ended, and what that number is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np

from rmix_kit.envs.text import EnvironmentText, parse
from rmix_kit.episodes import summarize
from rmix_kit.errors import RecordError
from rmix_kit.metrics import FALLS, RETURN, SUCCESS, TAIL_LEVELS, cvar_name
from rmix_kit.plotting.style import rank_of
from rmix_kit.reports.curves import is_known
from rmix_kit.reports.groups import MIXED, Group
from rmix_kit.reports.optimum import ends_of
from rmix_kit.reports.statistics import Floats
from rmix_kit.reports.success import silent_environments
from rmix_kit.results import Episodes, RunRecord
from rmix_kit.spelling import listed

ScoreName: TypeAlias = Literal["success_rate", "normalized_return"]
_COUNTED = (RETURN, SUCCESS, FALLS, "episodes", *map(cvar_name, TAIL_LEVELS))
AVERAGED = "smac:"
"""Where a team's last checkpoint says little of it: win rates swing by tens of percent between neighbouring ones."""


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """What a return is measured by.

    Attributes:
        worst: The lowest return that an episode can have, or the lowest mean return of any evaluation.
        optimum: The best mean return, exact, or the highest of any evaluation.
        is_exact: They are the game's own ends and not those of what was seen.
    """

    worst: float
    optimum: float
    is_exact: bool = True


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Algorithms that can be compared, since each has finished runs on each of the tasks.

    Attributes:
        name: Of the comparison, for tables.
        tasks: Environment texts.
        algorithms: Labels of their groups with the score of each run, ``[run]`` per task.
    """

    name: str
    tasks: tuple[str, ...]
    algorithms: dict[str, list[Floats]]


class Scores:
    """The final scores of all finished runs of a report."""

    def __init__(self, groups: Sequence[Group], score: ScoreName = SUCCESS) -> None:
        """Choose what is counted.

        Args:
            score: ``success_rate``, or ``normalized_return``: (return - worst) / (optimum - worst) where MACN's exact
                optimum is known, elsewhere the success rate. Where success does not tell who is best (it is not
                reported, no run ends with any, or all runs, or those of several algorithms, end with it in every
                episode) the return counts in any case, where no optimum is known from the lowest mean return of any
                evaluation to the highest.
        """
        self.groups = tuple(group for group in groups if group.runs)
        self.name = score
        self.silent = silent_environments(run for group in self.groups for run in group.runs)
        self.has_last = all(run.last is not None for group in self.groups for run in group.runs)

    @cached_property
    def anchors(self) -> dict[str, Anchors]:
        """The exact ends of the scale, for every environment where returns are normalised."""
        exact = [group.env for group in self.groups if self.name == "normalized_return"]
        found = {env: anchors_of(parse(env)) for env in dict.fromkeys([*exact, *self.saturated])}
        known = {env: anchors for env, anchors in found.items() if anchors is not None}
        return {env: self._seen_ends(env) for env in dict.fromkeys([*self.silent, *self.saturated])} | known

    @cached_property
    def saturated(self) -> Mapping[str, str]:
        """Environments where success does not part runs, or not those of the best algorithms, each with how that is."""
        rates: dict[str, dict[str, set[float]]] = {}
        for group in self.groups:
            if group.env not in self.silent and not group.env.startswith(AVERAGED):
                rates.setdefault(group.env, {})[group.label] = {self.final(run)[SUCCESS] for run in group.runs}
        found = {}
        for env, seen in rates.items():
            always = [label for label, own in seen.items() if own == {1.0}]
            if len(always) == len(seen) or set.union(*seen.values()) == {0.0}:
                found[env] = f"every run ends with {100 if always else 0} % success"
            elif len(always) > 1:
                found[env] = f"every run of {listed(always)} ends with 100 % success"
        return found

    def describe(self, env: str) -> str:
        """Say in words what the score on an environment is."""
        if env not in self.anchors:
            return "win rate" if env.startswith(AVERAGED) else "success rate"
        ends = self.anchors[env]
        if ends.is_exact:
            words = ("the worst possible", "the exact optimum")
        else:
            words = ("the lowest mean return of any evaluation here", "the highest")
        why = f"; {self.why_return(env)}" if env in self.silent or env in self.saturated else ""
        return f"normalised return: 0 at {ends.worst:.4g}, {words[0]}, 1 at {ends.optimum:.4g}, {words[1]}{why}"

    def why_return(self, env: str) -> str:
        """Say why the return counts on an environment, whatever was asked for."""
        return "success is not reported" if env in self.silent else self.saturated[env]

    def source(self) -> str:
        """Say from which episodes scores come."""
        averaged = {group.env.startswith(AVERAGED) for group in self.groups}
        over_thirds = "the mean over the last third of a run's evaluations during training"
        if averaged == {True}:
            return over_thirds
        return self._source_of_ends() + (f" ({AVERAGED}* from {over_thirds})" if True in averaged else "")

    def _source_of_ends(self) -> str:
        if self.has_last:
            counts = sorted({len(run.last) for group in self.groups for run in group.runs if run.last is not None})
            return (
                f"the last checkpoint's {' or '.join(map(str, counts))} greedy episodes per run, on seeds that "
                "training never evaluated on"
            )
        return "each run's last evaluation during training, since not every run has episodes of its last checkpoint"

    def final(self, run: RunRecord) -> dict[str, Any]:
        """Return the summary that a run's score comes from.

        Raises:
            RecordError: It was never evaluated, or a number is not known.
        """
        found = summary_of(run.last) if self.has_last and run.last is not None else last_evaluation(run)
        counted = [name for name in _COUNTED if name != SUCCESS or run.env not in self.silent]
        if unknown := [name for name in counted if not is_known(found, name)]:
            raise RecordError(
                f"the run {run.name!r} ends without {', '.join(unknown)}; leave it out or evaluate it anew"
            )
        return found

    def of(self, group: Group) -> Floats:
        """Return the scores of a group, ``[run]``.

        Raises:
            RecordError: A run was never evaluated, or a number is not known.
        """
        if group.env.startswith(AVERAGED):
            return np.array([late_success(run) for run in group.runs], dtype=np.float64)
        rows = [self.final(run) for run in group.runs]
        if (ends := self.anchors.get(group.env)) is None:
            return np.array([row[SUCCESS] for row in rows], dtype=np.float64)
        returns = np.array([row[RETURN] for row in rows], dtype=np.float64)
        if ends.worst == ends.optimum:
            return np.ones_like(returns)  # nobody ever did better or worse
        return (returns - ends.worst) / (ends.optimum - ends.worst)

    def _seen_ends(self, env: str) -> Anchors:
        """Return the lowest and the highest mean return of the runs on an environment, evaluations and ends alike."""
        runs = [run for group in self.groups if group.env == env for run in group.runs]
        rows = [*(row for run in runs for row in run.evaluations), *map(self.final, runs)]
        returns = [float(row[RETURN]) for row in rows if is_known(row, RETURN)]
        return Anchors(worst=min(returns), optimum=max(returns), is_exact=False)

    def comparisons(self) -> list[Comparison]:
        """Return the fair comparisons over several tasks: everyone on what all have, and those who have all on all."""
        tasks = tuple(dict.fromkeys(group.env for group in self.groups))
        by_algorithm: dict[str, dict[str, Group]] = {}
        for group in self.groups:
            by_algorithm.setdefault(group.algo, {})[group.env] = group
        by_algorithm = dict(sorted(by_algorithm.items(), key=lambda item: rank_of(item[0])))
        shared = tuple(env for env in tasks if all(env in owned for owned in by_algorithm.values()))
        complete = [algo for algo, owned in by_algorithm.items() if len(owned) == len(tasks)]
        choices = [("all algorithms", shared, list(by_algorithm)), ("all tasks", tasks, complete)]
        if shared == tasks:
            choices = [("all algorithms on all tasks", tasks, complete)]
        labels = {
            algo: algo + MIXED if any(group.mixed for group in owned.values()) else algo
            for algo, owned in by_algorithm.items()
        }
        return [
            Comparison(
                name=name,
                tasks=chosen,
                algorithms={labels[algo]: [self.of(by_algorithm[algo][env]) for env in chosen] for algo in algorithms},
            )
            for name, chosen, algorithms in choices
            if chosen and algorithms
        ]


def summary_of(episodes: Episodes) -> dict[str, Any]:
    """Summarise episodes under the names of evaluation rows."""
    return summarize(
        returns=episodes.returns,
        success=None if episodes.success is None else np.array(episodes.success),
        fell=np.array(episodes.fell),
        lengths=np.array(episodes.lengths),
        risk_levels=episodes.risk_levels,
        checkpoint_step=episodes.checkpoint_step,
        seed=episodes.seed,
    )


def last_third(values: Sequence[float]) -> float:
    """Return the mean of the last third of values, at least one of them."""
    return float(np.mean(values[-max(1, round(len(values) / 3)) :]))


def late_success(run: RunRecord) -> float:
    """Return the mean success rate over the last third of a run's evaluations.

    Raises:
        RecordError: It was never evaluated, or a rate is not known.
    """
    rates = [row.get(SUCCESS) for row in run.evaluations]
    known = [rate for rate in rates if rate is not None]
    if not rates or len(known) < len(rates):
        raise RecordError(f"the run {run.name!r} has evaluations without {SUCCESS}; leave it out or train it again")
    return last_third(known)


def last_evaluation(run: RunRecord) -> dict[str, Any]:
    """Return the last evaluation row of a run.

    Raises:
        RecordError: It was never evaluated.
    """
    if not run.evaluations:
        raise RecordError(f"the run {run.name!r} was never evaluated; leave it out or train it again")
    return dict(run.evaluations[-1])


def anchors_of(env: EnvironmentText) -> Anchors | None:
    """Solve an environment exactly; None where that is not possible."""
    ends = ends_of(env)
    return None if ends is None else Anchors(worst=ends[0], optimum=ends[1])
