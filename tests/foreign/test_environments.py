"""Other people's environments, as they are: train, export, run as evaluate does, replay."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from benchmarks._foreign import put_through
from benchmarks.foreign_envs import ENVIRONMENTS, TABLE

pytestmark = [pytest.mark.foreign, pytest.mark.filterwarnings("default")]

PLAYED = (
    "pettingzoo:mpe2.simple_spread_v3?max_cycles=25",
    "pettingzoo:mpe2.simple_speaker_listener_v4?max_cycles=25",
    "pettingzoo:mpe2.simple_reference_v3?max_cycles=25",
    "pettingzoo:mpe2.simple_tag_v3?max_cycles=25",
    "pettingzoo:mpe2.simple_world_comm_v3?max_cycles=25",
    "pettingzoo:mpe2.collect_treasure_v1?max_cycles=25",
    "gymnasium:lbforaging:Foraging-8x8-2p-2f-coop-v3",
    "gymnasium:rware:rware-tiny-2ag-v2?episode_limit=100",
    "pettingzoo:pettingzoo.sisl.pursuit_v5?max_cycles=50",
    "pettingzoo:pettingzoo.butterfly.knights_archers_zombies_v11?max_cycles=100",
    "pettingzoo:benchmarks._foreign_teams.small_pistonball?state=observations",
    "pettingzoo:magent2.environments.battle_v4?map_size=16&max_cycles=50",
    "pettingzoo:benchmarks._foreign_teams.small_pong?state=observations",
    "pettingzoo:benchmarks._foreign_teams.battle_in_turns",
    "pettingzoo:macn.env?layout=4x7&max_steps=20",
)
REFUSED = {
    "pettingzoo:pettingzoo.classic.hanabi_v5": "is_parallelizable",
    "pettingzoo:pettingzoo.classic.chess_v6": "is_parallelizable",
    "pettingzoo:pettingzoo.sisl.multiwalker_v9?max_cycles=100": "expected Discrete",
    "pettingzoo:pettingzoo.sisl.pursuit_v4": "pursuit_v5",
    "pettingzoo:pettingzoo.butterfly.knights_archers_zombies_v10": "knights_archers_zombies_v11",
    "gymnasium:CartPole-v1": "action space is Discrete",
}


@pytest.mark.parametrize("text", PLAYED)
def test_an_environment_goes_through_everything(text: str, tmp_path: Path) -> None:
    outcome = put_through(text, tmp_path)
    assert outcome.outcome == "works", outcome.why


@pytest.mark.parametrize("text", REFUSED)
def test_an_environment_that_cannot_be_played_is_refused_with_the_reason(text: str, tmp_path: Path) -> None:
    outcome = put_through(text, tmp_path)
    assert outcome.outcome == "refused"
    assert REFUSED[text] in outcome.why


def test_the_table_holds_what_is_tried() -> None:
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = {row["env"]: row["outcome"] for row in csv.DictReader(file)}
    assert set(rows) == set(ENVIRONMENTS)
    assert {rows[text] for text in PLAYED} == {"works"}
    assert {rows[text] for text in REFUSED} == {"refused"}
