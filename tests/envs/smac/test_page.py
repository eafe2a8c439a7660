"""docs/environments/smac.md says what the environment does."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from rmix_kit.envs.smac import options, parallel_env
from rmix_kit.envs.smac.document import EXAMPLE, page
from rmix_kit.smac.maps import SCENARIOS
from rmix_kit.smac.unit_types import UNIT_TYPES

HEADINGS = [
    *("Description", "Action Space", "Observation Space", "State", "Rewards", "Episode End", "Information"),
    *("Arguments", "References", "Version History"),
    *("Use", "Maps", "The simulator", "Units", "Difficulty", "Beside StarCraft II"),
]


def section(heading: str) -> str:
    return page().split(f"## {heading}\n")[1].split("\n## ")[0]


def test_the_headings_are_the_fixed_ones_in_order() -> None:
    assert re.findall(r"^## (.+)$", page(), flags=re.MULTILINE) == HEADINGS


def test_the_fact_table_agrees_with_the_live_environment() -> None:
    written = dict(re.findall(r"^\| ([^|]+) \| (.+) \|$", page().split("## ")[0], flags=re.MULTILINE))
    env = parallel_env("3m", backend="builtin")
    space = env.observation_space("agent_0")
    live = {
        "Agents": f"{len(env.possible_agents)} on `3m`",
        "Action space": f"`{env.action_space('agent_0')}` on `3m`",
        "State shape": f"`{env.state_space.shape}` on `3m`",
        "State values": f"{env.state_space.low.min()} to {env.state_space.high.max()}",
        "Observation values": f"{space['observation'].low.min()} to {space['observation'].high.max()}",
        "Steps before truncation": f"{env.episode_limit} on `3m`",
    }
    assert {name: written[name] for name in live} == live
    observation, _ = env.reset(seed=0)
    shapes = {name: f"{array.dtype} {array.shape}" for name, array in observation["agent_0"].items()}
    assert (
        written["Observation"]
        == f'`{{"observation": {shapes["observation"]}, "action_mask": {shapes["action_mask"]}}}` on `3m`'
    )


def test_the_info_keys_and_the_arguments_are_exactly_those_documented() -> None:
    _, infos = parallel_env("3m", backend="builtin").reset(seed=0)
    assert set(re.findall(r"`(\w+)`", section("Information"))) == set(infos["agent_0"])
    assert {"backend", *options.SHARED} <= set(re.findall(r"`(\w+)`", section("Arguments")))


def test_every_map_and_every_unit_has_its_row() -> None:
    assert re.findall(r"^\| `(\w+)` \|", section("Maps"), flags=re.MULTILINE) == list(SCENARIOS)
    assert re.findall(r"^\| (\w+) \| \d", section("Units"), flags=re.MULTILINE) == list(UNIT_TYPES)


def test_the_example_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = tmp_path / "example.py"
    program.write_text(EXAMPLE, encoding="utf-8")
    runpy.run_path(str(program))
    assert re.fullmatch(r"(True|False) \d+\n", capsys.readouterr().out)
