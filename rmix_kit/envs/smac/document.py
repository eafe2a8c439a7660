"""Writes the environment's page: the docstring of `SMACParallelEnv`, and what the simulator's tables say."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from rmix_kit.envs.smac.builtin import BuiltinVector
from rmix_kit.envs.smac.parallel_env import SMACParallelEnv
from rmix_kit.smac.arena import (
    ACQUIRE_AT_LEAST,
    ACQUIRE_BEYOND_REACH,
    DIFFICULTIES,
    LOOPS_PER_TICK,
    MOVE_LENGTH,
    TICKS_PER_STEP,
)
from rmix_kit.smac.battle import DELAY_HIGH, DELAY_LOW
from rmix_kit.smac.combat import JITTER
from rmix_kit.smac.maps import SCENARIOS
from rmix_kit.smac.movement import PUSH
from rmix_kit.smac.targeting import WOUNDED_NEARER
from rmix_kit.smac.unit_types import (
    ENERGY_PER_SECOND,
    HEALTH_PER_ENERGY,
    HEALTH_PER_SECOND,
    LARGEST_ENERGY,
    LEAST_DAMAGE,
    LOOPS_PER_SECOND,
    SHIELD_DELAY,
    SHIELD_PER_SECOND,
    UNIT_TYPES,
    UnitType,
)

EXAMPLE = """
from random import Random

from rmix_kit.envs.smac import parallel_env

env, luck = parallel_env("2s3z", backend="builtin", difficulty="5"), Random(0)
observations, infos = env.reset(seed=0)
while env.agents:
    allowed = {agent: seen["action_mask"].nonzero()[0].tolist() for agent, seen in observations.items()}
    actions = {agent: luck.choice(choices) for agent, choices in allowed.items()}
    observations, rewards, terminations, truncations, infos = env.step(actions)
print(infos["agent_0"]["battle_won"], infos["agent_0"]["dead_enemies"])
""".strip()


def page() -> str:
    """Return the documentation page."""
    docstring = inspect.cleandoc(SMACParallelEnv.__doc__ or "")
    tables = (
        ("Use", _use()),
        ("Maps", _maps()),
        ("The simulator", _simulator()),
        ("Units", _units()),
        ("Difficulty", _difficulties()),
        ("Beside StarCraft II", _beside()),
    )
    return "\n\n".join([docstring, *(f"## {heading}\n\n{text}" for heading, text in tables)]) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("|" + "|".join(f" {cell} " if cell != "---" else cell for cell in line) + "|" for line in lines)


def _use() -> str:
    return f"""\
From Python, one battle as a PettingZoo parallel environment:

```python
{EXAMPLE}
```

For the trainer, a text; where StarCraft II is not installed, `backend=builtin` may be left out and is written into the
run's record:

```
rmix-kit train --algo qmix --env "smac:2s3z?backend=builtin&difficulty=5" --steps 200000 --out runs/2s3z
```

For arrays of many battles, `rmix_kit.envs.make.make_vector_env("smac:2s3z?backend=builtin", 32)`: one call of numpy
steps them all, and its `codec` rebuilds observations, state and masks from unit states, which is all that the replay
keeps. The functions behind it (`rmix_kit.smac.combat`, `rmix_kit.smac.layout`) take torch tensors as well.
How fast it is: [performance.md](../performance.md#smacs-simulator)."""


def _maps() -> str:
    rows = []
    for name, scenario in SCENARIOS.items():
        spec = BuiltinVector(name, 1).spec
        sizes = (spec.n_agents, spec.n_actions, spec.obs_shape[0], spec.state_size, spec.episode_limit)
        rows.append((f"`{name}`", _team(scenario.allies), _team(scenario.enemies), *sizes))
    head = ("map", "agents' team", "enemy", "agents", "actions", "observation", "state", "steps before truncation")
    return (
        "Those that the simulator has; `sc2` plays all maps of the installed `smac` "
        f"([smac-sc2.md](smac-sc2.md)).\n\n{_table(head, rows)}"
    )


def _team(groups: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {name}{'s' * (count > 1)}" for name, count in groups)


def _simulator() -> str:
    return f"""\
It is SMAC-like. Observations, state, actions, masks, rewards and ends are SMAC's to the last feature (held against
recordings of unmodified `smac`, to 1e-6); who wins is decided by rules of our own:

- Time: {LOOPS_PER_TICK} game loops to a tick, {TICKS_PER_STEP} ticks to a step, {LOOPS_PER_SECOND:g} loops to a second.
  Everything in a tick happens at the places of its beginning.
- Agents do what they are told and nothing else. A move orders a unit {MOVE_LENGTH:g} cells ahead; who attacks beyond
  its range walks there. Enemies attack-move to where the agents begin (on `corridor` to the plateau behind the choke)
  and stay there, so that agents can hide from them until the clock ends the episode.
- An enemy takes notice up to {ACQUIRE_BEYOND_REACH:g} cells beyond its range (or beyond {ACQUIRE_AT_LEAST:g} cells,
  where its range is less) and goes for the nearest threat; one that is about to die counts {WOUNDED_NEARER:g} cells
  nearer than an unhurt one, and healers come last. It looks again at each delay of the difficulty, and at once when its
  target has died.
- Weapons: damage, number of attacks, bonus by attribute, armour (off each attack on hit points, which takes
  {LEAST_DAMAGE:g} at least; shields have none), range between bodies, and period, to which each shot adds {DELAY_LOW:g}
  to {DELAY_HIGH:g} loops, the game's random weapon delay. Shots land at once; who cannot shoot up does not hit
  medivacs.
- A colossus sweeps a line across its shot, {2 * UNIT_TYPES["colossus"].splash:g} cells long and as deep as a body.
- Shields take damage first and return at {SHIELD_PER_SECOND:g} points a second after {SHIELD_DELAY:g} seconds without
  a hit.
- Medivacs heal biological units by {HEALTH_PER_SECOND:g} points a second, {HEALTH_PER_ENERGY:g} for each energy; they
  begin with {UNIT_TYPES["medivac"].energy:g} of it, regain {ENERGY_PER_SECOND:g} a second, and hold {LARGEST_ENERGY:g}.
  The enemy's go for the wounded, and stay with their fighters otherwise.
- Bodies that overlap push each other apart by at most {PUSH:g} cells a tick; who walks gives way to who stands. Nobody
  walks into walls. On `corridor` units take the shortest way around them, and the choke lets few through at a time.
- Luck: where within {JITTER:g} cells of its place a unit begins, weapon delays, and below difficulty 9 the enemy's
  choices. All of it follows from the seed: the same seed and actions give the same battle, bit for bit, whatever the
  number of copies. On another device sums are taken in another order and battles part in the last digits; observations,
  state and masks of the same units are the same bits everywhere."""


def _units() -> str:
    head = ("unit", "hit points", "shield", "armour", "speed", "radius", "range", "damage", "period", "attributes")
    rows = [
        (
            name,
            f"{unit.health:g}",
            f"{unit.shield:g}",
            f"{unit.armour:g}",
            f"{unit.speed:g}",
            f"{unit.radius:g}",
            f"{unit.reach:g}",
            _damage(unit),
            "" if unit.heals else f"{unit.period:g}",
            ", ".join([*sorted(unit.attributes), *["flying"] * unit.is_flying]),
        )
        for name, unit in UNIT_TYPES.items()
    ]
    return (
        'Lengths in cells, speed in cells a second, periods in seconds, all at "normal" game speed and without '
        "upgrades, as of StarCraft II 4.10.\n"
        "Sources: Liquipedia's unit pages for damage, attributes, range, period and armour; the unit data of SMAC's\n"
        f"maps for life, shields, speed and radius.\n\n{_table(head, rows)}"
    )


def _damage(unit: UnitType) -> str:
    if unit.heals:
        return "heals"
    times = f"{unit.attacks} x " if unit.attacks > 1 else ""
    bonus = f" (+{unit.bonus:g} on {unit.bonus_against})" if unit.bonus else ""
    return f"{times}{unit.damage:g}{bonus}{', also up' if unit.shoots_up else ''}"


def _difficulties() -> str:
    head = (
        "`difficulty`",
        "game loops between two looks for a better target",
        "share of looks that choose the best one",
    )
    rows = [(code, kind.retarget_loops, f"{kind.best_share:g}") for code, kind in DIFFICULTIES.items()]
    return (
        "The other looks choose any target in sight. 7 is the default, as in SMAC's published results, and was fixed\n"
        "before anything was trained: random actions win nothing of `3m` and `2s3z`, walking up and shooting at the\n"
        "nearest about 40 % of `3m`. 8 to A let the game's computer cheat with sight and money, which means little in\n"
        f"one battle.\n\n{_table(head, rows)}"
    )


def _beside() -> str:
    return """\
**No win rate from the simulator compares with a published one.** It is there so that everything can be tried, tested
and measured without the game, and for learning on something with SMAC's sizes. Records and tables of results say so.

What it leaves out: acceleration and turning, the flight of missiles and the wind-up of attacks, the game's own choice
of targets and its answers to being hit, its path finding and formations, high ground, lifts and loads of medivacs, and
everything that SMAC's actions do not reach. SMAC's other maps and SMACv2 need units that it does not have.

The same agents and texts play in StarCraft II with `backend=sc2` ([smac-sc2.md](smac-sc2.md)), once the game is
installed ([smac-installation.md](smac-installation.md)). **The real StarCraft II binary was never run by this
project**; that backend was tried on a stand-in."""
