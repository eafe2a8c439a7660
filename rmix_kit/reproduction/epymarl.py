"""What EPyMARL's benchmark is, what was published of it, and how a maximum return is taken.

Papoudakis, Christianos, Schäfer and Albrecht 2021, "Benchmarking Multi-Agent Deep Reinforcement Learning Algorithms in
Cooperative Tasks" (arXiv:2006.07869). Only numbers that could be checked stand here; see docs/reproduction.md.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, stdev

from rmix_kit.metrics import RETURN

OFF_POLICY_STEPS, ON_POLICY_STEPS = 2_000_000, 20_000_000
OFF_POLICY_INTERVAL, ON_POLICY_INTERVAL = 50_000, 500_000
EPISODES = 100
NORMAL_95 = 1.959964


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean with the half-width of its 95 % interval."""

    mean: float
    half_width: float


@dataclass(frozen=True, kw_only=True)
class Task:
    """An environment of the benchmark.

    Attributes:
        name: As in the paper.
        env: Environment text here. The team reward is the sum of the agents', as EPyMARL takes it.
        key: EPyMARL's, as its README gives it.
        time_limit: Steps of an episode.
        published: By algorithm, in the paper's unit.
        factor: A return here is ``(paper's - offset) / factor``.
        offset: See ``factor``.
        unit: What the paper's unit is, where it is another one.
    """

    name: str
    env: str
    key: str
    time_limit: int
    published: Mapping[str, Interval] = field(default_factory=dict)
    factor: float = 1.0
    offset: float = 0.0
    unit: str = ""

    @property
    def label(self) -> str:
        """The name in files."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower())

    def published_here(self, algo: str) -> Interval | None:
        """Return a published number in the unit of the environment text; None where none could be checked."""
        if (found := self.published.get(algo)) is None:
            return None
        return Interval(mean=(found.mean - self.offset) / self.factor, half_width=found.half_width / self.factor)


TASKS = (
    Task(
        name="SpeakerListener",
        env="pettingzoo:mpe2.simple_speaker_listener_v4.parallel_env?max_cycles=25&reward=sum",
        key="pz-mpe-simple-speaker-listener-v4",
        time_limit=25,
    ),
    Task(
        name="Spread",
        env="pettingzoo:mpe2.simple_spread_v3.parallel_env?max_cycles=25&reward=sum",
        key="pz-mpe-simple-spread-v3",
        time_limit=25,
        published={
            "iql": Interval(mean=-132.63, half_width=2.22),
            "vdn": Interval(mean=-131.03, half_width=1.85),
            "qmix": Interval(mean=-126.62, half_width=2.96),
            "coma": Interval(mean=-204.31, half_width=6.30),
        },
        factor=2.0,
        offset=-75.0,
        unit="The paper's Spread is the MPE of 2021, in which every agent collides with itself and distances count "
        "fully: on the same states its return is exactly twice the sum of mpe2's rewards, less 75.",
    ),
    Task(
        name="LBF 8x8-2p-2f-coop",
        env="gymnasium:lbforaging:Foraging-8x8-2p-2f-coop-v3?reward=sum",
        key="lbforaging:Foraging-8x8-2p-2f-coop-v3",
        time_limit=50,
    ),
    Task(
        name="LBF 10x10-3p-3f",
        env="gymnasium:lbforaging:Foraging-10x10-3p-3f-v3?reward=sum",
        key="lbforaging:Foraging-10x10-3p-3f-v3",
        time_limit=50,
    ),
    Task(
        name="RWARE tiny 2p",
        env="gymnasium:rware:rware-tiny-2ag-v2?reward=sum",
        key="rware:rware-tiny-2ag-v2",
        time_limit=500,
    ),
)


@dataclass(frozen=True, kw_only=True)
class Curve:
    """Evaluations of one run.

    Attributes:
        seed: Of the run.
        returns: Mean return by the number of whole evaluation intervals that had been trained.
    """

    seed: int
    returns: Mapping[int, float]


@dataclass(frozen=True, kw_only=True)
class MaximumReturn:
    """A cell of the paper's table.

    Attributes:
        steps: Of the evaluation at which the mean over the runs is highest.
        interval: That mean, and the normal half-width of its 95 % interval over the runs; infinite for one run.
        by_seed: The runs' own values there.
    """

    steps: int
    interval: Interval
    by_seed: tuple[float, ...]


def curve_of(seed: int, rows: Iterable[Mapping[str, float | None]], interval: int, steps: int) -> Curve:
    """Sort evaluations by how many intervals had been trained.

    Those before training, past `steps` or without a finite mean are left out.

    Args:
        rows: Each with ``env_steps`` and ``return_mean``.
        interval: Environment steps between evaluations. Rounds end a little past its multiples.
        steps: Up to here.
    """
    found: dict[int, float] = {}
    for row in rows:
        at, value = row["env_steps"], row.get(RETURN)
        if (
            at is not None
            and value is not None
            and math.isfinite(value)
            and 0 < (count := round(at / interval)) <= max(1, steps // interval)
        ):
            found[count] = value
    return Curve(seed=seed, returns=found)


def maximum_return(curves: Sequence[Curve], interval: int) -> MaximumReturn | None:
    """Find the evaluation at which the mean over the runs is highest, as the paper defines its table.

    Args:
        curves: Of the runs; evaluations that one of them lacks do not count.
        interval: Environment steps between evaluations.

    Returns:
        None where the runs share no evaluation.
    """
    shared = set.intersection(*(set(curve.returns) for curve in curves)) if curves else set()
    if not shared:
        return None
    best = max(sorted(shared), key=lambda count: fmean(curve.returns[count] for curve in curves))
    values = tuple(curve.returns[best] for curve in sorted(curves, key=lambda curve: curve.seed))
    spread = NORMAL_95 * stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.inf
    return MaximumReturn(
        steps=best * interval, interval=Interval(mean=fmean(values), half_width=spread), by_seed=values
    )
