from __future__ import annotations

import inspect
import re
from pathlib import Path

import gymnasium
import pytest

import macn
from macn.document import main, page

ROOT = Path(__file__).parents[2]
DOCSTRING = inspect.cleandoc(macn.MACNParallelEnv.__doc__ or "")
HEADINGS = [
    "Description",
    "Action Space",
    "Observation Space",
    "State",
    "Rewards",
    "Episode End",
    "Information",
    "Arguments",
    "References",
    "Version History",
]


def table(first_heading: str) -> dict[str, str]:
    """The two first columns of the docstring's table whose first column has this heading."""
    lines = DOCSTRING[DOCSTRING.index(f"| {first_heading} |") :].split("\n\n")[0].split("\n")[2:]
    rows = [[field.strip() for field in line.strip("|").split("|")] for line in lines]
    return {row[0]: row[1] for row in rows}


def test_the_page_is_the_docstring() -> None:
    path = ROOT / "docs" / "environments" / "macn.md"
    assert path.read_text(encoding="utf-8") == page(), "run: python -m macn.document docs/environments/macn.md"


def test_the_headings_are_the_fixed_ones_in_order() -> None:
    assert re.findall(r"^## (.+)$", DOCSTRING, flags=re.MULTILINE) == HEADINGS


def test_the_fact_table_agrees_with_the_live_environment() -> None:
    env, facts = macn.parallel_env(), table("fact")
    env.reset(seed=0)
    observation, state = env.observation_space("agent_0"), env.state_space
    live = {
        "Version": gymnasium.spec("MACN-v0").id.rsplit("-", 1)[1],
        "Agents": str(env.max_num_agents),
        "Agent names": ", ".join(f"`{name}`" for name in env.possible_agents),
        "Action space": f"`{env.action_space('agent_0')}`",
        "Observation shape": f"`{observation.shape}`",
        "Observation values": f"{observation.low.min()} to {observation.high.max()}",
        "Observation dtype": f"`{observation.dtype}`",
        "Observation shape with `include_position`": (
            f"`{macn.parallel_env(include_position=True).observation_space('agent_0').shape}`"
        ),
        "Highest value with `show_agents`": (
            str(macn.parallel_env(show_agents=True).observation_space("agent_0").high.max())
        ),
        "State shape": f"`{state.shape}`",
        "State values": f"{state.low.min()} to {state.high.max()}",
        "State dtype": f"`{state.dtype}`",
        "Steps before truncation": str(env.settings.max_steps),
        "Render modes": ", ".join(f"`{mode}`" for mode in env.metadata["render_modes"]),
        "Frames per second": str(env.metadata["render_fps"]),
    }
    creation = facts.pop("Creation")
    assert facts == live
    for call in re.findall(r"`(.+?)`", creation):
        eval(call, {"macn": macn, "gymnasium": gymnasium}).close()


def test_the_info_keys_are_exactly_those_documented() -> None:
    env = macn.parallel_env(max_steps=1)
    _, first = env.reset(seed=0)
    *_, last = env.step({"agent_0": 0, "agent_1": 0})
    assert set(table("key")) == {f"`{key}`" for key in last["agent_0"]}
    assert set(first["agent_0"]) == set(last["agent_0"])


def test_the_arguments_and_defaults_are_exactly_those_documented() -> None:
    parameters = list(inspect.signature(macn.parallel_env).parameters.values())
    live = {f"`{one.name}`": f"`{one.default!r}`".replace("'", '"') for one in parameters}
    assert table("argument") == live
    for face in (macn.env, macn.vector_env, gymnasium.make("MACN-v0").unwrapped.__class__):
        theirs = inspect.signature(face).parameters
        assert {one.name: theirs[one.name].default for one in parameters} == {
            one.name: one.default for one in parameters
        }


def test_every_named_layout_is_described() -> None:
    assert all(f"`{name}`" in DOCSTRING for name in macn.NAMED_LAYOUTS)


def test_the_page_is_written_or_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path / "page.md")]) == 0
    assert main([]) == 0
    assert capsys.readouterr().out == (tmp_path / "page.md").read_text(encoding="utf-8")
    assert main(["a", "b"]) == 2
