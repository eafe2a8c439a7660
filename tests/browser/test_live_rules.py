"""The page's rules beside `macn.dynamics`: the same observations, rewards and ends, number for number."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from macn import NAMED_LAYOUTS, counter_hash, dynamics
from macn.errors import LayoutError
from macn.layout import CliffLayout
from macn.settings import N_ACTIONS, Settings, make_settings
from tests.architecture.sources import ROOT

RULES = ROOT / "rmix_kit" / "live" / "page" / "macn.mjs"
COPIES = 8
STEPS = 60
"""Of every case; there are more than forty, so that twenty thousand steps of a copy are compared."""
OPTIONS: tuple[dict[str, Any], ...] = (
    {"slip": 0.1},
    {"slip": 0.0, "max_steps": 7},
    {"slip": 1.0, "include_position": True},
    {"slip": 0.3, "show_agents": True, "n_agents": 3, "max_steps": 20},
    {"slip": 2**-41 * 3, "show_agents": True, "include_position": True, "n_agents": 1, "max_steps": 11},
)
FEWEST_STEPS = 20_000


def random_maps(count: int, seed: int) -> list[CliffLayout]:
    """Maps of any shape that have a way to the goal; half with a start for each of two agents."""
    draws, found = np.random.default_rng(seed), []
    while len(found) < count:
        height, width = draws.integers(1, 9), draws.integers(2, 12)
        marks = draws.choice(list(".C#"), size=height * width, p=[0.7, 0.15, 0.15])
        cells = draws.choice(height * width, size=min(3, height * width), replace=False)
        for cell, mark in zip(cells, "GS" if len(found) % 2 or len(cells) < 3 else "G01", strict=False):
            marks[cell] = mark
        try:
            found.append(CliffLayout.parse("\n".join("".join(row) for row in marks.reshape(height, width)) + "\n"))
        except LayoutError:
            continue
    return found


def cases() -> list[tuple[Settings, int]]:
    """Every named map with every choice of options, and random maps."""
    named = [(make_settings(name, **options), 7) for name in NAMED_LAYOUTS for options in OPTIONS]
    drawn = [
        (
            make_settings(one, slip=0.2, include_position=bool(number % 2), show_agents=True, max_steps=25),
            2**62 + number,
        )
        for number, one in enumerate(random_maps(16, seed=3))
    ]
    return named + drawn


def game_of(settings: Settings) -> dict[str, Any]:
    """The game as the page has it."""
    names = ("n_agents", "slip", "max_steps", "show_agents", "include_position")
    return {"rows": list(settings.layout.rows), **{name: getattr(settings, name) for name in names}}


def expected(settings: Settings, seed: int, actions: np.ndarray) -> list[dict[str, Any]]:
    """What `macn.dynamics` says of the steps."""
    tables = dynamics.build_tables(settings)
    every, agents = np.arange(COPIES), np.arange(settings.n_agents)
    seeds, episodes = np.full(COPIES, seed), np.zeros(COPIES, dtype=np.int64)
    cells = np.tile(tables.start_cells, (COPIES, 1))
    elapsed, steps = np.zeros(COPIES, dtype=np.int64), []
    for chosen in actions:
        before = dynamics.observe(settings, tables, cells)
        assert dynamics.avail_actions(tables, cells).all()  # the page's masks allow everything everywhere
        keys = counter_hash.stream_keys(seeds, every, episodes)
        executed = counter_hash.slipped(chosen, counter_hash.counter_draws(keys, elapsed, agents), settings.slip)
        cells, elapsed = dynamics.transition(tables, cells, executed), elapsed + 1
        over = dynamics.terminated(tables, cells)
        truncated = (elapsed >= settings.max_steps) & ~over
        steps.append(
            {
                "before": before,
                "after": dynamics.observe(settings, tables, cells),
                "reward": dynamics.reward(tables, cells),
                "terminated": over,
                "truncated": truncated,
                "success": dynamics.success(tables, cells),
                "fell": dynamics.fell(tables, cells),
                "executed": executed,
            }
        )
        done = over | truncated
        cells, elapsed = dynamics.reset(tables, cells, done), elapsed * ~done
        episodes = episodes + done
    return steps


def run_node(*arguments: str | Path) -> str:
    """What Node.js prints."""
    if (node := shutil.which("node")) is None:
        pytest.fail("node not found; `make test-browser` names what these tests need")
    command = [node, *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


def test_as_many_draws_slip_as_in_python() -> None:
    halves = [count * 2**-41 for count in range(8)]  # of a draw: no sample of steps would show how they are rounded
    slips = [*halves, 0.1, 0.29, 1 / 3, 1.0, *np.random.default_rng(1).random(200).tolist()]
    source = f'import {{ slipLimit }} from "{RULES.as_uri()}"; console.log(`[${{{slips}.map(slipLimit)}}]`);'
    assert json.loads(run_node("--input-type=module", "--eval", source)) == [round(slip * 2**40) for slip in slips]


def test_every_step_of_the_pages_rules_is_that_of_dynamics(tmp_path: Path) -> None:
    chosen = cases()
    draws = np.random.default_rng(0)
    actions = [draws.integers(N_ACTIONS, size=(STEPS, COPIES, settings.n_agents)) for settings, _ in chosen]
    assert len(chosen) * STEPS * COPIES >= FEWEST_STEPS
    given = [
        {"game": game_of(settings), "seed": str(seed), "actions": moves.tolist()}
        for (settings, seed), moves in zip(chosen, actions, strict=True)
    ]
    (tmp_path / "cases.json").write_text(json.dumps(given), encoding="utf-8")
    program = Path(__file__).with_name("live_rules.mjs")
    run_node(program, RULES, tmp_path / "cases.json", tmp_path / "out.json")
    played = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    for (settings, seed), moves, steps in zip(chosen, actions, played, strict=True):
        shape = (settings.n_agents, COPIES, -1)
        for ours, theirs in zip(expected(settings, seed, moves), steps, strict=True):
            for name in ("before", "after"):
                seen = np.asarray(theirs[name]).reshape(shape).swapaxes(0, 1)  # [copy, agent, element]
                np.testing.assert_array_equal(seen, ours[name].reshape(COPIES, settings.n_agents, -1))
            for name in ("reward", "terminated", "truncated", "success", "fell", "executed"):
                np.testing.assert_array_equal([step[name] for step in theirs["steps"]], ours[name], err_msg=name)
