"""Episodes at several risk levels, with intervals, beside the oracle's exact values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from macn import oracle
from macn.settings import Settings
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.macn import settings_of
from rmix_kit.envs.make import MakeEnv, make_vector_env, parse_known
from rmix_kit.episodes import PlayedEpisodes, bootstrap_interval, tail_mean, wilson_interval
from rmix_kit.metrics import FALLS, LENGTH, RETURN, RISK_LEVEL, SUCCESS, TAIL_LEVELS, cvar_name
from rmix_kit.reports.frontier.exact import exact_or_why_not, exact_values
from rmix_kit.reports.frontier.visits import VisitCounter, Visits
from rmix_kit.seeding import generator

DYNAMIC = "dynamic"
NO_SUCCESS = "success is not reported by this environment"
COLUMNS = ("measured", "low", "high", "exact", "difference")
ORDER = (RETURN, "cvar", FALLS, SUCCESS, LENGTH, RISK_LEVEL)
Statistic: TypeAlias = Callable[[NDArray[np.float64]], float]
Player: TypeAlias = Callable[[float | None, MakeEnv], PlayedEpisodes]
"""Plays all episodes at a level (None: the agents' own), in copies made by the function that it is given."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """One measured number.

    Attributes:
        measured: Over the episodes.
        low: Lower end of its 95 % interval: Wilson's for rates, else a percentile bootstrap of the episodes.
        high: Upper end.
        exact: The oracle's value; None where there is none.
    """

    measured: float
    low: float
    high: float
    exact: float | None

    @property
    def difference(self) -> float | None:
        """Measured minus exact."""
        return None if self.exact is None else self.measured - self.exact


@dataclass(frozen=True, kw_only=True)
class Level:
    """What was measured at one level.

    Attributes:
        risk_level: In (0, 1]; None: the agents' own.
        estimates: By quantity; without a success rate where the environment does not report success.
        visits: Where the agents were; None outside MACN.
    """

    risk_level: float | None
    estimates: Mapping[str, Estimate]
    visits: Visits | None

    @property
    def name(self) -> float | str:
        """The level, or ``dynamic``."""
        return DYNAMIC if self.risk_level is None else self.risk_level


@dataclass(frozen=True, kw_only=True)
class Frontier:
    """What was measured at every level.

    Attributes:
        who: Who played.
        env: Environment text.
        checkpoint_step: Environment steps after which the policy was saved.
        episodes: Per level.
        seed: Of the episodes; they are the same at every level.
        levels: In the order in which they were asked for.
        remarks: What the exact values are, and why some are missing.
    """

    who: str
    env: str
    checkpoint_step: int
    episodes: int
    seed: int
    levels: tuple[Level, ...]
    remarks: tuple[str, ...]

    def rows(self) -> list[dict[str, float | str | None]]:
        """Return one row per level and quantity; None where there is no number."""
        return [
            {
                "risk_level": level.name,
                "quantity": quantity,
                **{name: getattr(level.estimates.get(quantity), name, None) for name in COLUMNS},
            }
            for level in self.levels
            for quantity in dict.fromkeys((*level.estimates, SUCCESS))
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the whole record."""
        return {
            "who": self.who,
            "env": self.env,
            "checkpoint_step": self.checkpoint_step,
            "episodes": self.episodes,
            "seed": self.seed,
            "confidence": 0.95,
            "levels": self.rows(),
            "remarks": list(self.remarks),
        }


def measure(
    play: Player,
    levels: Sequence[float | None],
    *,
    env_text: str,
    episodes: int,
    seed: int,
    who: str = "",
    checkpoint_step: int = 0,
    value_kind: str = "cvar",
) -> Frontier:
    """Play the same episodes at every level.

    Args:
        play: Plays exactly ``episodes`` episodes of ``seed`` at a level.
        levels: Each in (0, 1] and there once; None leaves it to the agents.
        env_text: Where; on MACN the exact values stand beside the measured ones.
        episodes: Per level, at least 1.
        seed: Of the episodes, for the record, and of the resampling.
        who: Who plays, for the record.
        value_kind: What they maximise, as their specification says; the exact values are those of CVaR.
    """
    parsed = parse_known(env_text)
    settings = settings_of(parsed) if parsed.kind == "macn" else None
    played: dict[float | None, PlayedEpisodes] = {}
    visits: dict[float | None, Visits] = {}
    for level in sorted(levels, key=lambda level: level is None):  # agents without a dial are refused at once
        counters: list[VisitCounter] = []
        played[level] = play(level, partial(_counting, settings, episodes, counters))
        if counters:
            visits[level] = counters[0].visits()
    if has_success := any(one.success is not None for one in played.values()):
        played = {level: one.with_success() for level, one in played.items()}
    measured: dict[float | None, Level] = {}
    remarks: dict[str, None] = {} if has_success else {NO_SUCCESS: None}
    for level, one in played.items():
        exact, remark = exact_or_why_not(settings, level, value_kind)
        remarks |= {remark: None} if remark else {}
        estimates = estimate(one, level, exact, seed)
        measured[level] = Level(risk_level=level, estimates=estimates, visits=visits.get(level))
    return Frontier(
        who=who,
        env=env_text,
        checkpoint_step=checkpoint_step,
        episodes=episodes,
        seed=seed,
        levels=tuple(measured[level] for level in levels),
        remarks=tuple(remarks),
    )


def estimate(
    played: PlayedEpisodes, risk_level: float | None, exact: oracle.Evaluation | None, seed: int
) -> dict[str, Estimate]:
    """Return every quantity of played episodes with its 95 % interval.

    Args:
        risk_level: At which they were played; at a level of its own the CVaR at that level is given besides.
        exact: The oracle's answer, or None.
    """
    tails = dict.fromkeys((*TAIL_LEVELS, *(level for level in (risk_level,) if level not in (None, 1.0))))
    samples: dict[str, tuple[ArrayLike, Statistic]] = {
        RETURN: (played.returns, _mean),
        **{cvar_name(tail): (played.returns, partial(tail_mean, risk_level=tail)) for tail in tails},
        LENGTH: (played.lengths, _mean),
        RISK_LEVEL: (played.risk_levels.mean(axis=1, dtype=np.float64), _mean),
    }
    known = {} if exact is None else exact_values(exact, tails)
    found = {}
    for name, (values, statistic) in samples.items():
        sample = np.asarray(values, dtype=np.float64)
        low, high = bootstrap_interval(sample, statistic, rng=generator(seed, f"bootstrap of {name}"))
        found[name] = Estimate(measured=statistic(sample), low=low, high=high, exact=known.get(name))
    shares = {FALLS: played.fell} | ({} if played.success is None else {SUCCESS: played.success})
    for name, happened in shares.items():
        low, high = wilson_interval(int(happened.sum()), len(happened))
        found[name] = Estimate(measured=float(happened.mean()), low=low, high=high, exact=known.get(name))
    return {name: found[name] for start in ORDER for name in found if name.startswith(start)}


def _mean(sample: NDArray[np.float64]) -> float:
    return float(sample.mean())


def _counting(
    settings: Settings | None, episodes: int, counters: list[VisitCounter], text: str, num_envs: int
) -> VectorEnv:
    """Make copies that count visits where the game is MACN's, and note the counter."""
    envs = make_vector_env(text, num_envs)
    if settings is None:
        return envs
    counters.append(VisitCounter(envs, settings.layout, episodes))
    return counters[-1]
