"""Does training go on while StarCraft II dies under it? Kill and freeze the game, and count what is kept and lost.

    SC2PATH=GAME python benchmarks/long/sc2_faults.py --smac-python PYTHON [--only 3m] [--episodes 200] [--kills 20]
        [--freezes 5]

PYTHON is an interpreter that has smac and smacv2; GAME is StarCraft II, or a stand-in that speaks its protocol. Each
map is trained on (QMIX, random exploration throughout) until about so many episodes are kept. At random moments the
process of a random game is killed (SIGKILL) or frozen (SIGSTOP). At the end a trainer is killed. A record a map stays
under benchmarks/results/sc2_faults.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from _runs import RESULTS, machine

from rmix_kit.algorithms.qmix import QMIX
from rmix_kit.envs.smac.sc2 import SC2Vector
from rmix_kit.envs.smac.sc2.settings import Settings, read_settings
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.settings import TrainingSettings
from rmix_kit.training.trainer import train
from rmix_kit.types import BoolArray, IntArray, TimeStep

FOLDER = RESULTS / "sc2_faults"
# Map -> environment steps that about 200 episodes of random play take on the stand-in, and a few more.
MAPS = {"3m": 30, "MMM2": 35, "corridor": 32, "10gen_terran": 52}
COPIES = 4
STEP_TIMEOUT = 5  # seconds; what a frozen game costs
KILLED_TRAINER = """
import sys, time
from rmix_kit.envs.smac.sc2 import make
copies = make(sys.argv[1], 4, {"smac_python": sys.argv[2]})
copies.reset(range(4))
print(*copies.pids, flush=True)
time.sleep(600)
"""


class Watched(SC2Vector):
    """Counts its steps and the ends of its episodes, and remembers every worker that it ever had."""

    def __init__(self, settings: Settings, num_envs: int) -> None:
        """Start counting."""
        super().__init__(settings, num_envs)
        self.steps = self.sound = self.damaged = 0
        self.sessions: set[int] = set()
        self.largest = 0.0
        self._ended: list[bool] = []

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        """Start episodes."""
        seen = super().reset(seeds)
        self.sessions |= {pid for pid in self.pids if pid is not None}
        self._ended = [False] * self.num_envs
        return seen

    def restart(self, copies: BoolArray, seeds: Sequence[int]) -> TimeStep:
        """Start some episodes."""
        seen = super().restart(copies, seeds)
        self.sessions |= {pid for pid in self.pids if pid is not None}
        self._ended = [ended and not starts for ended, starts in zip(self._ended, copies, strict=True)]
        return seen

    def step(self, actions: IntArray) -> TimeStep:
        """Take a step."""
        seen = super().step(actions)
        self.steps += 1
        self.largest = max(self.largest, float(abs(seen.obs).max()))
        for copy, has_ended in enumerate(seen.has_ended):
            if has_ended and not self._ended[copy]:
                self._ended[copy] = True
                self.sound += bool(seen.is_sound[copy])
                self.damaged += not seen.is_sound[copy]
        return seen


class Trouble(threading.Thread):
    """Kills and freezes games at random moments, spread over most of a run."""

    def __init__(self, envs: Watched, *, kills: int, freezes: int, steps: int, rng: random.Random) -> None:
        """Draw the moments.

        Args:
            envs: Whose games.
            kills: How many are killed.
            freezes: How many are frozen.
            steps: Steps of the copies in the whole run, about.
            rng: Draws moments and games.
        """
        super().__init__(daemon=True)
        signals = [signal.SIGKILL] * kills + [signal.SIGSTOP] * freezes
        rng.shuffle(signals)
        moments = sorted(rng.uniform(0.0, 0.8) * steps for _ in signals)
        self._plan = list(zip(moments, signals, strict=True))
        self._envs, self._rng = envs, rng
        self.sent: list[str] = []

    def run(self) -> None:
        """Carry out the plan."""
        for moment, number in self._plan:
            while self._envs.steps < moment:
                time.sleep(0.005)
            time.sleep(self._rng.uniform(0.0, 0.05))
            while not (games := [game for worker in self._envs.pids for game in healthy_children(worker)]):
                time.sleep(0.05)
            os.kill(self._rng.choice(games), number)
            self.sent.append(number.name)


def status(pid: int) -> tuple[str, int, int]:
    """Return a process's state, parent and session; ("X", 0, 0) where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "X", 0, 0
    return fields[0], int(fields[1]), int(fields[3])


def healthy_children(worker: int | None) -> list[int]:
    """Return the games of a worker that are neither dead nor frozen."""
    return (
        []
        if worker is None
        else [pid for pid in all_pids() if status(pid)[1] == worker and status(pid)[0] not in "ZXT"]
    )


def all_pids() -> list[int]:
    """Return the numbers of all processes."""
    return [int(entry) for entry in os.listdir("/proc") if entry.isdecimal()]


def orphans(sessions: set[int], seconds: float = 5.0) -> int:
    """Count the processes of these sessions that still live after so many seconds at most."""
    end = time.monotonic() + seconds
    while True:
        left = [pid for pid in all_pids() if status(pid)[2] in sessions and status(pid)[0] not in "ZX"]
        if not left or time.monotonic() > end:
            return len(left)
        time.sleep(0.05)


def measure(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Train on one map under trouble, then kill a trainer."""
    settings = read_settings(name, {"smac_python": options.smac_python, "step_timeout": STEP_TIMEOUT})
    envs = Watched(settings, COPIES)
    steps = MAPS[name] * options.episodes
    trouble = Trouble(
        envs, kills=options.kills, freezes=options.freezes, steps=steps // COPIES, rng=random.Random(options.seed)
    )
    training = TrainingSettings(
        num_envs=COPIES,
        batch_size=8,
        buffer_episodes=500,
        epsilon_start=1.0,
        epsilon_end=1.0,
        evaluation_interval=10**9,
        evaluation_episodes=COPIES,
        checkpoint_interval=10**9,
    )
    config = RunConfig(
        algorithm=QMIX(),
        preset="qmix",
        env=f"smac:{name}?backend=sc2",
        steps=steps,
        training=training,
        seed=options.seed,
    )
    start = time.monotonic()
    trouble.start()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        train(config, out, make_env=lambda *_: envs, reporter=SilentReporter())
        rows = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    last = [row for row in rows if row["kind"] == "training"][-1]
    return {
        "map": name,
        "environment": next(row for row in rows if row["kind"] == "environment"),
        "copies": COPIES,
        "env_steps": last["env_steps"],
        "updates": last["updates"],
        "episodes_in_the_replay": last["episodes"],
        "damaged_episodes": last["damaged_episodes"],
        "evaluation_episodes": COPIES * len([row for row in rows if row["kind"] == "evaluation"]),
        "sound_episodes_played": envs.sound,
        "damaged_episodes_played": envs.damaged,
        "kills": trouble.sent.count("SIGKILL"),
        "freezes": trouble.sent.count("SIGSTOP"),
        "restarts": envs.restarts,
        "max_reward": envs.max_reward,
        "largest_observation": envs.largest,
        "workers": len(envs.sessions),
        "orphans": orphans(envs.sessions),
        "orphans_after_the_trainer_was_killed": killed_trainer(name, options.smac_python),
        "seconds": round(time.monotonic() - start, 1),
        "machine": machine(),
    }


def killed_trainer(name: str, smac_python: str) -> int:
    """Kill a process that holds four games, and count what is left of them."""
    command = [sys.executable, "-c", KILLED_TRAINER, name, smac_python]
    trainer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert trainer.stdout is not None
    sessions = {int(pid) for pid in trainer.stdout.readline().split()}
    assert len(sessions) == COPIES
    trainer.kill()
    trainer.wait()
    return orphans(sessions)


def main() -> None:
    """Measure the maps that have no record yet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smac-python", required=True)
    parser.add_argument("--only", choices=MAPS)
    parser.add_argument("--episodes", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--freezes", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in [options.only] if options.only else MAPS:
        record = measure(name, options)
        (FOLDER / f"{name}.json").write_text(json.dumps(record, indent=1) + "\n")
        print(json.dumps(record, indent=1), flush=True)


if __name__ == "__main__":
    main()
