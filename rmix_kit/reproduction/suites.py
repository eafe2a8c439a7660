"""Which runs each reproduction consists of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rmix_kit.metrics import SUCCESS
from rmix_kit.reports.scores import ScoreName
from rmix_kit.reproduction import epymarl as benchmark
from rmix_kit.smac.maps import SCENARIOS
from rmix_kit.sweeps.sweep_file import AlgorithmEntry, EnvironmentEntry, Frame, SweepFile

EVERYONE = (
    *("rmix", "rdn", "rmix-averse", "iql", "vdn", "qmix", "qtran", "cw-qmix", "ow-qmix", "qplex"),
    *("coma", "dop", "lh-iqn"),
)
FAMILY = ("dmix", "ddn")
"""The others that learn return distributions."""
RISK_FIVE = ("rmix", "rdn", "qmix", "vdn", "rmix-averse")
FIVE_SEEDS = tuple(range(5))
PAPER_MAPS = ("5m_vs_6m", "8m_vs_9m", "10m_vs_11m", "MMM2", "1c3s5z", "corridor")
GAMES = {"two-step": 10_000, "qtran": 10_000, "climbing": 10_000}
ALL_ACTIONS_EVENLY = {
    "training.epsilon_end": 1.0,
    "training.evaluation_interval": 1000,
    "training.checkpoint_interval": 10_000,
}
"""Exploration stays uniform, as in the published didactic experiments; the evaluations are greedy."""
ON_POLICY = ("coma", "dop")
SCRIPTS = "scripts"


@dataclass(frozen=True, kw_only=True)
class Part:
    """Runs that belong together: some algorithms on some environments.

    Attributes:
        name: For ``--part``.
        sweep: What `rmix-kit sweep` would be given.
    """

    name: str
    sweep: SweepFile


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A reproduction.

    Attributes:
        name: On the command line.
        title: Of its report.
        parts: In the order in which they are run.
        seconds_per_step: CPU seconds that a run of an algorithm takes per environment step, for the estimate where no
            record tells; measured on one core of a small machine.
        score: What its report compares.
        extra: The extra that installs its environments, where they do not come with rmix-kit.
        scripted: Maps of SMAC that scripts play too, in the simulator; their part is `SCRIPTS`.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    seconds_per_step: float
    score: ScoreName = SUCCESS
    extra: str = ""
    scripted: tuple[str, ...] = ()

    @property
    def part_names(self) -> tuple[str, ...]:
        """What ``--part`` takes."""
        return (*(part.name for part in self.parts), *((SCRIPTS,) if self.scripted else ()))


def didactic(backend: str) -> Suite:
    """Small games whose answers are known (Rashid et al. 2018, two-step; Son et al. 2019; Claus and Boutilier 1998)."""
    environments = {f"didactic:{name}": steps for name, steps in GAMES.items()}
    learners = [name for name in EVERYONE if name not in ON_POLICY]
    return Suite(
        name="didactic",
        title="Small games with known answers",
        parts=(
            _part("games", learners, environments, range(3), {**ALL_ACTIONS_EVENLY, "learning_rate": 2e-3}),
            _part("games-on-policy", ON_POLICY, environments, range(3), {"training.evaluation_interval": 1000}),
        ),
        seconds_per_step=1.2e-3,
    )


def macn(backend: str) -> Suite:
    """Multi-Agent Cliff Navigation: everyone on the paper's 4x12, five on other maps, and RMIX with more seeds."""
    bridge = {"macn:bridge?slip=0.1&include_position=true": 350_000}
    further = {"macn:4x11": 400_000, "macn:4x15": 400_000, "macn:4x12?slip=0.1": 400_000}
    return Suite(
        name="macn",
        title="Multi-Agent Cliff Navigation",
        parts=(
            _part("cliff", (*EVERYONE, *FAMILY), {"macn:4x12": 400_000}, FIVE_SEEDS),
            _part("bridge", RISK_FIVE, bridge, FIVE_SEEDS),
            _part("further", RISK_FIVE, further, FIVE_SEEDS),
            _part("rmix-4x12", ("rmix",), {"macn:4x12": 400_000}, range(5, 20)),
            _part("rmix-4x15", ("rmix",), {"macn:4x15": 400_000}, range(5, 10)),
        ),
        seconds_per_step=6e-4,
        score="normalized_return",
    )


def smac(backend: str) -> Suite:
    """Play the paper's six maps with the four algorithms of its Figure 15, in the simulator or in StarCraft II."""
    steps = 2_000_000 if backend == "sc2" else 300_000
    environments = {f"smac:{name}?backend={backend}": steps for name in PAPER_MAPS}
    where = "StarCraft II" if backend == "sc2" else "the built-in simulator, which is not StarCraft II"
    return Suite(
        name=f"smac-{backend}",
        title=f"The paper's six SMAC maps in {where}",
        parts=(_part("maps", ("rmix", "rdn", "vdn", "qmix"), environments, FIVE_SEEDS),),
        seconds_per_step=4e-3,
        scripted=() if backend == "sc2" else tuple(SCENARIOS),
    )


def epymarl(backend: str) -> Suite:
    """EPyMARL's benchmark (Papoudakis et al. 2021) on environments of other people, with the paper's steps."""
    speaker, spread, lbf, large_lbf, rware = (task.env for task in benchmark.TASKS)
    off_policy = {
        "training.evaluation_interval": benchmark.OFF_POLICY_INTERVAL,
        "training.evaluation_episodes": benchmark.EPISODES,
        "training.checkpoint_interval": benchmark.OFF_POLICY_INTERVAL,
    }
    on_policy = {
        **off_policy,
        "training.evaluation_interval": benchmark.ON_POLICY_INTERVAL,
        "training.checkpoint_interval": benchmark.ON_POLICY_INTERVAL,
    }
    steps = benchmark.OFF_POLICY_STEPS
    small, large = dict.fromkeys((speaker, spread, lbf), steps), dict.fromkeys((large_lbf, rware), steps)
    all_of_them = dict.fromkeys((*small, *large), benchmark.ON_POLICY_STEPS)
    names = {task.env: task.label for task in benchmark.TASKS}
    return Suite(
        name="epymarl",
        title="EPyMARL's benchmark",
        parts=(
            _part("small", ("qmix", "vdn", "rmix"), small, FIVE_SEEDS, off_policy, names),
            _part("small-further", ("iql", "rdn"), small, FIVE_SEEDS, off_policy, names),
            _part("large", ("iql", "vdn", "qmix", "rmix", "rdn"), large, FIVE_SEEDS, off_policy, names),
            _part("on-policy", ("coma",), all_of_them, FIVE_SEEDS, on_policy, names),
        ),
        seconds_per_step=1.5e-3,
        extra="benchmarks-envs",
    )


SUITES: dict[str, Callable[[str], Suite]] = {"didactic": didactic, "macn": macn, "smac": smac, "epymarl": epymarl}


def _part(
    name: str,
    algorithms: tuple[str, ...] | list[str],
    environments: Mapping[str, int],
    seeds: tuple[int, ...] | range,
    values: Mapping[str, object] | None = None,
    names: Mapping[str, str] | None = None,
) -> Part:
    sweep = SweepFile(
        source=f"reproduce {name}",
        algorithms=tuple(AlgorithmEntry(algo=algo) for algo in algorithms),
        environments=tuple(
            EnvironmentEntry(env=env, steps=steps, name=(names or {}).get(env)) for env, steps in environments.items()
        ),
        seeds=tuple(seeds),
        frame=Frame(set=dict(values or {})),
    )
    return Part(name=name, sweep=sweep)
