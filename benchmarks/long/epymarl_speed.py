"""EPyMARL's own QMIX on our simulator beside ours: one copy of a map, one update per episode, whole processes in turns.

    python benchmarks/long/epymarl_speed.py CHECKOUT --python ITS_PYTHON [--steps 20000] [--turns 3]

CHECKOUT is a clone of github.com/uoe-agents/epymarl (commit cbc38c0), which stays as it is; ITS_PYTHON has, in an
environment of its own, torch, sacred, "setuptools<81", pyyaml, gymnasium, pettingzoo, annotated-types, and numba, so
that both play the same compiled battles. EPyMARL's settings are its qmix.yaml with recurrent agents that see their last
action and rewards as they are, as in PyMARL; ours is the preset qmix-paper. Both evaluate with 32 greedy episodes every
10,000 steps. One thread, one core, CPU seconds from the start of the process. Writes `results/peers_epymarl.csv`.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _rmix_work import RESULTS, machine_note
from _speed_rows import in_turns
from _whole_processes import episode_by_episode_run, on_one_core, timed_process

ENTRY = Path(__file__).resolve().with_name("_epymarl_smac_entry.py")
INTERVAL, EPISODES = 10_000, 32
SETTINGS = ("use_rnn=True", "obs_last_action=True", "standardise_rewards=False", "use_cuda=False")


def peer_run(checkout: Path, python: Path, map_name: str, steps: int) -> float:
    """Train EPyMARL's QMIX in a fresh process; return its CPU seconds."""
    with tempfile.TemporaryDirectory(prefix="epymarl-") as folder:
        Path(folder, "src").symlink_to(checkout.resolve() / "src")  # it writes beside its sources
        command = [
            *(str(python), str(ENTRY), folder, "--config=qmix", "--env-config=sc2", "with"),
            *(f"env_args.map_name={map_name}", f"t_max={steps}", "seed=0", f"local_results_path={folder}"),
            *(f"test_interval={INTERVAL}", f"test_nepisode={EPISODES}", f"log_interval={INTERVAL}", *SETTINGS),
        ]
        return timed_process(command, folder=Path(folder))[0]


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", type=Path, required=True, help="of the environment with EPyMARL's packages")
    parser.add_argument("--map", default="5m_vs_6m")
    parser.add_argument("--steps", type=int, default=20_000, help="environment steps of a run")
    parser.add_argument("--turns", type=int, default=3, help="runs of each")
    parser.add_argument("--csv", type=Path, default=RESULTS / "peers_epymarl.csv")
    options = parser.parse_args()
    on_one_core()
    commit = subprocess.run(
        ["git", "-C", str(options.checkout), "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    contenders = {
        "ours": lambda: options.steps / episode_by_episode_run(options.steps, map_name=options.map),
        "epymarl": lambda: options.steps / peer_run(options.checkout, options.python, options.map, options.steps),
    }
    taken = in_turns(contenders, options.turns)
    ratios = [ours / theirs for ours, theirs in zip(taken["ours"], taken["epymarl"], strict=True)]
    row = {
        "work": f"qmix on {options.map}, one copy, an update per episode, {options.steps:,} steps",
        "unit": "steps/CPU s",
        **{name: round(statistics.median(rates)) for name, rates in taken.items()},
        "ratio": round(statistics.median(ratios), 2),
        "lowest_ratio": round(min(ratios), 2),
        "commit": commit,
        "machine": machine_note(),
    }
    print("  ".join(f"{key}={value}" for key, value in row.items()))
    with options.csv.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        writer.writeheader()
        writer.writerow(row)


if __name__ == "__main__":
    main()
