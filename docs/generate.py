"""Writes the pages under docs/ that are made from the code: `make docs`."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
from pathlib import Path

import click

from macn import document as environments
from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.envs.smac import SMACParallelEnv
from rmix_kit.envs.smac.arena import DIFFICULTIES
from rmix_kit.envs.smac.builtin import BuiltinVector
from rmix_kit.envs.smac.maps import SCENARIOS
from rmix_kit.envs.smac.unit_types import UNIT_TYPES
from rmix_kit.training.learner import TargetSettings
from rmix_kit.training.settings import TrainingSettings

DOCS = Path(__file__).resolve().parent
NOTE = "<!-- Written by `make docs`; edit the code's text instead. -->\n\n"


def commands_page() -> str:
    """What `--help` prints, for the command line and each of its commands."""
    module = importlib.import_module("rmix_kit.cli.main")
    group = next(value for value in vars(module).values() if isinstance(value, click.Group))
    settings = {"terminal_width": 100, "max_content_width": 100, **group.context_settings}
    context = click.Context(group, info_name="rmix-kit", **settings)
    parts = ["# Commands", f"```\n{group.get_help(context).strip()}\n```"]
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            raise LookupError(f"rmix-kit lists {name} and has no such command")
        inner = click.Context(command, info_name=name, parent=context, terminal_width=100, max_content_width=100)
        parts += [f"## {name}", f"```\n{command.get_help(inner).strip()}\n```"]
    return NOTE + "\n\n".join(parts) + "\n"


def configuration_page() -> str:
    """Every setting with its default, its type and the sentence of its class's docstring."""
    parts = [
        "# Configuration",
        "Order: defaults, then the preset, then `--config FILE`, then each `--set PATH=VALUE`. A path is "
        "`algorithm.NAME` or `training.NAME`; a name that is unambiguous stands for its path. The resolved file lies "
        "in the run folder as `config.yaml`, and running it again (`--config`) repeats the run.",
        "A preset lists only what differs from the defaults. Values under its `maps:` apply where the environment text "
        "names the map, or any of a kind (`smac:*`), and are printed.",
    ]
    for prefix, kind in (
        ("training", TrainingSettings),
        ("training.target", TargetSettings),
        *((f"algorithm ({algorithm.name})", algorithm) for algorithm in ALGORITHMS),
    ):
        parts += [f"## `{prefix}`", settings_table(kind)]
    return NOTE + "\n\n".join(parts) + "\n"


def smac_page() -> str:
    """The environment's docstring, and the simulator's tables."""
    document = inspect.cleandoc(SMACParallelEnv.__doc__ or "")
    maps = ["| map | agents | enemies | actions | observation | state | time limit |", "|---|---|---|---|---|---|---|"]
    for name, scenario in SCENARIOS.items():
        spec = BuiltinVector(name, 1).spec
        sizes = (spec.n_actions, spec.obs_shape[0], spec.state_size, spec.episode_limit)
        teams = [", ".join(f"{count} {unit}" for unit, count in team) for team in (scenario.allies, scenario.enemies)]
        maps.append(f"| `{name}` | {' | '.join(teams)} | {' | '.join(map(str, sizes))} |")
    shown = ("health", "shield", "armour", "speed", "radius", "reach", "damage", "attacks", "period", "splash")
    units = [f"| unit | {' | '.join(shown)} | bonus |", "|---|" + "---|" * (len(shown) + 1)]
    for name, unit in UNIT_TYPES.items():
        bonus = f"{unit.bonus:g} on {unit.bonus_against}" if unit.bonus else "-"
        units.append(f"| {name} | {' | '.join(f'{getattr(unit, field):g}' for field in shown)} | {bonus} |")
    levels = ["| difficulty | game loops between looks | looks that take the best target |", "|---|---|---|"]
    levels += [f"| {code} | {level.retarget_loops} | {level.best_share:.0%} |" for code, level in DIFFICULTIES.items()]
    parts = [document, SMAC_SIMULATOR, "\n".join(maps), SMAC_UNITS, "\n".join(units), SMAC_LEVELS, "\n".join(levels)]
    return NOTE + "\n\n".join(parts) + "\n"


SMAC_SIMULATOR = """## The built-in simulator

It is SMAC-like: layout, masks, rewards, ends and time limits are SMAC's to 1e-6 (held by recordings of unmodified
SMAC), the combat is our own. **No win rate from it compares with one from StarCraft II**, published or not, and the
real StarCraft II binary was never run by this project. Results carry that label.

In it: hit points, shields that return after ten seconds, armour, bonus damage, cooldowns with the game's random
delay, ranges, bodies that push each other apart, a medivac's healing and energy, the line that a colossus sweeps, and
corridor's choke with the way through it. Not in it: turning, flight of projectiles, damage points, high ground, fog.
Time runs in ticks of two game loops, four to a step of eight.

Agents do as they are told and nothing else. Enemies attack-move to where the agents started (on `corridor` to its
south-western end), take notice of what comes within 1.5 cells of their reach, and are after the nearest threat; a
wounded one counts as up to half a cell nearer, and healers come last. Enemies at their goal stay there, so that
agents can hide from them until the clock ends the episode.

The same seed and actions give the same battle, bit for bit, alone or among others. On another device sums are taken
in another order and battles part in the last digits; observations, state and masks of the same units are the same
bits everywhere."""
SMAC_UNITS = """Units at normal game speed, lengths in cells and times in seconds. Sources: Liquipedia's unit pages
for StarCraft II without upgrades, the SMAC maps' own unit data for the agents' clones, and for the random delay the
editor's -0.0625 to 0.125 seconds."""
SMAC_LEVELS = """How well the enemy chooses; 7 is the default and was fixed before anything was trained: random
actions win nothing of `3m` and `2s3z`, walking up and shooting at the nearest about 40 % of `3m`. 8 to A let SMAC's
computer cheat with sight and money, which means little in one battle."""


def settings_table(kind: type) -> str:
    """One row per field of a settings class, inherited ones first."""
    sentences: dict[str, str] = {}
    for ancestor in reversed(kind.__mro__):
        described = inspect.getdoc(ancestor) or ""
        for name, sentence in re.findall(r"^    (\w+): (.+(?:\n {8}.+)*)", described, flags=re.MULTILINE):
            sentences[name] = re.sub(r"\s+", " ", sentence)
    rows = ["| name | default | meaning |", "|---|---|---|"]
    for field in dataclasses.fields(kind):
        has_own_table = field.default is dataclasses.MISSING
        default = "see below" if has_own_table else f"`{field.default}`"
        rows.append(f"| `{field.name}` | {default} | {sentences[field.name].replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def main() -> None:
    """Writes every generated page."""
    pages = {
        "environments/macn.md": environments.page,
        "environments/smac.md": smac_page,
        "commands.md": commands_page,
        "configuration.md": configuration_page,
    }
    for name, text in pages.items():
        (DOCS / name).parent.mkdir(exist_ok=True)
        (DOCS / name).write_text(text(), encoding="utf-8")
        click.echo(f"wrote docs/{name}")


if __name__ == "__main__":
    main()
