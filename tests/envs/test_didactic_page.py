"""docs/environments/didactic.md is what the games do."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest

from rmix_kit.envs.didactic import GAMES, make_game, parallel_env
from rmix_kit.envs.didactic.games import one_step
from rmix_kit.envs.didactic.table import TableGame
from rmix_kit.envs.make import make_vector_env
from rmix_kit.envs.matrix import read_payoffs
from rmix_kit.envs.text import parse

PAGE = (Path(__file__).parents[2] / "docs" / "environments" / "didactic.md").read_text(encoding="utf-8")
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


def rows(first_heading: str, number: int = 0) -> list[list[str]]:
    """The rows of the table with this first heading; of several, the one with this number."""
    begins = [match.start() for match in re.finditer(rf"^\| {first_heading} \|", PAGE, flags=re.MULTILINE)]
    lines = PAGE[begins[number] :].split("\n\n")[0].strip().split("\n")[2:]
    return [[field.strip().strip("`") for field in line.strip("|").split(" | ")] for line in lines]


def best_return(text: str) -> float:
    parsed = parse(text)
    if parsed.kind == "matrix":
        return one_step("matrix", read_payoffs(parsed.name)[None]).best_return
    game = make_game(parsed.name, dict(parsed.options))
    return float(game.best_return)  # type: ignore[attr-defined]


def test_the_headings_are_the_fixed_ones_in_order() -> None:
    assert re.findall(r"^## (.+)$", PAGE, flags=re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("row", rows("environment text"), ids=lambda row: row[0])
def test_the_fact_table_agrees_with_the_live_environment(row: list[str]) -> None:
    spec = make_vector_env(row[0], 1).spec
    live = [
        spec.n_agents,
        spec.n_actions,
        f"{spec.obs_dtype} {spec.obs_shape}",
        spec.state_size,
        spec.episode_limit,
        f"{best_return(row[0]):g}",
    ]
    assert row[1:] == list(map(str, live))


def test_every_game_has_its_facts() -> None:
    assert {parse(row[0]).name for row in rows("environment text") if row[0].startswith("didactic:")} == set(GAMES)


@pytest.mark.parametrize("row", rows("game", 0), ids=lambda row: row[0])
def test_the_payoffs_are_those_of_the_page(row: list[str]) -> None:
    parsed = parse(f"didactic:{row[0]}")
    game = make_game(parsed.name, dict(parsed.options))
    assert isinstance(game, TableGame)
    written = [json.loads(text.replace("k", "-100")) for text in re.findall(r"\[\[.*?\]\]", row[1])]
    if "first step" in row[1]:
        assert written == game.payoffs[1:, 0].tolist()
    elif "first state" in row[1]:
        assert written == [game.payoffs[0, 0].tolist()]
    elif written:
        assert written == game.payoffs[0].tolist()
    else:
        assert sorted(game.payoffs[0, :, 1, 1].tolist()) == [0, 14]


def test_the_arguments_and_defaults_are_exactly_those_documented() -> None:
    live = [
        [name, argument.name, f"{argument.default!r}".replace("'", '"')]
        for name, make in GAMES.items()
        for argument in inspect.signature(make).parameters.values()
    ]
    assert [row[:3] for row in rows("game", 1)] == live


@pytest.mark.parametrize("name", GAMES)
def test_the_info_keys_are_exactly_those_documented(name: str) -> None:
    env = parallel_env(name)
    env.reset(seed=0)
    infos: dict[str, dict[str, object]] = {}
    while env.agents:
        *_, infos = env.step(dict.fromkeys(env.agents, 0))
    assert set(infos[env.possible_agents[0]]) == {row[0] for row in rows("key")}


def test_the_actions_of_predator_prey_are_those_of_the_page() -> None:
    words = re.findall(r"\b(\d) ([A-Z]+)\b", PAGE[PAGE.index("## Action Space") :])
    meanings = make_game("predator-prey", {}).spec.action_meanings
    assert [(int(number), word) for number, word in words] == list(enumerate(meanings))
