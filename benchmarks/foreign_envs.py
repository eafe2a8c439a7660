"""Some sixty environments of other people: which of them train, export, run and replay, and why the others are refused.

    python benchmarks/foreign_envs.py [--only WORD] [--new]

Needs what `make test-envs` installs. Writes docs/results/foreign-envs.csv, a row per environment; rows of those that
are not tried again stay.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "docs" / "results" / "foreign-envs.csv"
SECONDS = 900

MPE = (
    *("simple_v3", "simple_adversary_v3", "simple_crypto_v3", "simple_formation_v1", "simple_line_v1"),
    *("simple_push_v3", "simple_reference_v3", "simple_speaker_listener_v4", "simple_spread_v3", "simple_tag_v3"),
    *("simple_world_comm_v3", "collect_treasure_v1"),
)
FORAGING = ("8x8-2p-2f-coop", "10x10-3p-3f", "5x5-2p-1f", "2s-8x8-2p-2f-coop", "grid-5x5-2p-1f")
WAREHOUSES = ("tiny-2ag", "small-4ag", "tiny-2ag-easy", "tiny-2ag-hard", "medium-2ag")
BATTLES = (
    *("battle_v4?map_size=16&max_cycles=50", "battlefield_v5?map_size=46&max_cycles=50"),
    *("combined_arms_v6?map_size=16&max_cycles=50", "adversarial_pursuit_v4?map_size=15&max_cycles=50"),
    *("gather_v5?max_cycles=50", "tiger_deer_v4?map_size=15&max_cycles=50"),
)
TABLES = (
    *("hanabi_v5", "chess_v6", "connect_four_v3", "go_v5", "leduc_holdem_v4", "rps_v2", "texas_holdem_v4"),
    *("texas_holdem_no_limit_v6", "tictactoe_v3"),
)
ENVIRONMENTS = (
    *(f"pettingzoo:mpe2.{name}?max_cycles=25" for name in MPE),
    "pettingzoo:mpe2.simple_spread_v3?max_cycles=25&continuous_actions=true",
    "pettingzoo:mpe2.simple_spread_v3.env?max_cycles=25",
    *(f"gymnasium:lbforaging:Foraging-{name}-v3" for name in FORAGING),
    *(f"gymnasium:rware:rware-{name}-v2?episode_limit=100" for name in WAREHOUSES),
    "pettingzoo:pettingzoo.sisl.pursuit_v5?max_cycles=50",
    "pettingzoo:pettingzoo.sisl.multiwalker_v9?max_cycles=100",
    "pettingzoo:pettingzoo.sisl.pursuit_v4",
    "pettingzoo:pettingzoo.butterfly.knights_archers_zombies_v11?max_cycles=100",
    "pettingzoo:pettingzoo.butterfly.knights_archers_zombies_v10",
    "pettingzoo:pettingzoo.butterfly.pistonball_v6",
    "pettingzoo:benchmarks._foreign_teams.small_pong?state=observations",
    "pettingzoo:benchmarks._foreign_teams.small_pistonball?state=observations",
    "pettingzoo:benchmarks._foreign_teams.black_death",
    "pettingzoo:benchmarks._foreign_teams.stacked_pursuit",
    "pettingzoo:benchmarks._foreign_teams.battle_in_turns",
    *(f"pettingzoo:magent2.environments.{name}" for name in BATTLES),
    *(f"pettingzoo:pettingzoo.classic.{name}" for name in TABLES),
    "pettingzoo:pettingzoo.mpe.simple_spread_v3",
    "pettingzoo:pettingzoo.test.example_envs.generated_agents_parallel_v0",
    "pettingzoo:pettingzoo.test.example_envs.generated_agents_env_v0",
    "pettingzoo:macn.parallel_env?layout=4x7&max_steps=20",
    "pettingzoo:macn.env?layout=4x7&max_steps=20",
    "gymnasium:macn:MACN-v0?layout=4x7",
    "pettingzoo:examples.custom_env.Meeting",
    "gymnasium:CartPole-v1",
    "gymnasium:Taxi-v4",
)


def main() -> None:
    """Try each environment in a process of its own, and write the table after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="try those whose text holds this word")
    parser.add_argument("--new", action="store_true", help="try those alone that are not in the table yet")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        one(arguments.one)
        return
    rows = known_rows()
    for text in ENVIRONMENTS:
        if arguments.only in text and not (arguments.new and text in rows):
            rows[text] = tried(text)
            print(f"{rows[text]['outcome']:8} {text} {rows[text]['why']}", flush=True)
            write({text: rows[text] for text in ENVIRONMENTS if text in rows})


def one(text: str) -> None:
    """Put one environment through everything, and print what became of it as the last line."""
    from benchmarks._foreign import put_through

    with tempfile.TemporaryDirectory() as folder:
        outcome = put_through(text, Path(folder))
    print(f"\n{json.dumps(asdict(outcome))}")


def tried(text: str) -> dict[str, str]:
    """Try one environment; what breaks or hangs is an outcome too."""
    command = [sys.executable, "-W", "ignore", str(Path(__file__)), "--one", text]
    settings = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "SDL_VIDEODRIVER": "dummy"}
    try:
        done = subprocess.run(command, cwd=ROOT, env=settings, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return empty(text, f"not done after {SECONDS} s")
    if done.returncode:
        return empty(text, (done.stderr.strip().splitlines() or ["no word"])[-1])
    found: dict[str, str] = json.loads(done.stdout.strip().splitlines()[-1])
    return {name: str(value) for name, value in found.items()}


def empty(text: str, why: str) -> dict[str, str]:
    """Return the row of an environment that broke."""
    from benchmarks._foreign import Outcome

    return {name: str(value) for name, value in asdict(Outcome(env=text, outcome="broke", why=why)).items()}


def known_rows() -> dict[str, dict[str, str]]:
    """Return the rows that are there, by text."""
    if not TABLE.exists():
        return {}
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {row["env"]: row for row in csv.DictReader(file)}


def write(rows: dict[str, dict[str, str]]) -> None:
    """Write the table."""
    from benchmarks._foreign import Outcome

    with TABLE.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, [field.name for field in fields(Outcome)], lineterminator="\n")
        table.writeheader()
        table.writerows(rows.values())


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
