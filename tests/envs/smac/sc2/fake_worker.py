"""A worker without StarCraft: serves a scripted game through the real worker's code, and fails as its script says.

The script is JSON in RMIX_FAKE_SC2: "folder" (each process leaves a file there with its and its game's numbers) and
"faults": a list of {"on": the request, such as "step", "kind", "worker": its number or null for all, "at": which such
request of that worker}. Each launch starts a grandchild, as pysc2 starts the game.
"""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

N_AGENTS, N_ACTIONS, OBS, STATE, LIMIT = 2, 8, 5, 4, 12
MAX_REWARD = 365.0
WORKER = Path(__file__).resolve().parents[4] / "rmix_kit" / "envs" / "smac" / "sc2" / "worker.py"

_spec = importlib.util.spec_from_file_location("worker", WORKER)
assert _spec is not None
assert _spec.loader is not None
worker = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(worker)


def claimed_number(folder: Path) -> int:
    """The number of this process: how many have been started before it."""
    number = 0
    while True:
        try:
            with (folder / f"worker_{number}.json").open("x") as file:
                json.dump([os.getpid()], file)
            return number
        except FileExistsError:
            number += 1


class ScriptedGame:
    """An episode's length is 3 + its game's seed modulo 4; the battle is won if that is even."""

    def __init__(self, settings: dict[str, Any]) -> None:
        script = json.loads(os.environ["RMIX_FAKE_SC2"])
        self.folder, self.faults = Path(script["folder"]), script["faults"]
        self.number = claimed_number(self.folder)
        self.counts: dict[str, int] = {}
        self.max_reward = MAX_REWARD
        self.length = self.t = 0

    def _event(self, name: str) -> str:
        """The kind of fault that is due at this request, or an empty text."""
        count = self.counts.get(name, 0)
        self.counts[name] = count + 1
        with (self.folder / f"requests_{self.number}").open("a") as file:
            file.write(f"{name}\n")
        for fault in self.faults:
            if fault["on"] == name and fault["worker"] in (None, self.number) and fault["at"] in (None, count):
                self._fail(fault["kind"])
                return str(fault["kind"])
        return ""

    def _fail(self, kind: str) -> None:
        if kind == "crash":
            sys.stderr.write("Segmentation fault in the game\n")
            os._exit(139)
        if kind == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if kind == "hang":
            time.sleep(60)
        if kind == "slow":
            time.sleep(0.4)
        if kind == "stopped":
            os.kill(os.getpid(), signal.SIGSTOP)
        if kind == "error":
            raise RuntimeError("the game ended")
        if kind == "missing":
            raise FileNotFoundError("Versions")
        if kind == "unknown map":
            raise worker.UnknownMapError(["3m", "8m"])
        if kind == "garbage":
            os.write(self.answers, b"\xff" * 64)
            time.sleep(60)
        if kind.startswith("raw "):
            header = kind.removeprefix("raw ").encode()
            os.write(self.answers, struct.pack("<I", len(header)) + header)
            time.sleep(60)
        if kind == "endless line":
            for _ in range(200):
                sys.stderr.write("x" * 2**20)
            sys.stderr.flush()
        if kind == "wrong scale":
            self.max_reward = 500.0

    @property
    def answers(self) -> int:
        """The descriptor of the answers: the only pipe that this process writes to besides standard error."""
        for name in os.listdir("/proc/self/fd"):
            number = int(name)
            if number > 2:
                with open(f"/proc/self/fdinfo/{number}") as file:
                    flags = int(next(line for line in file if line.startswith("flags")).split()[1], 8)
                if flags & os.O_WRONLY and os.readlink(f"/proc/self/fd/{number}").startswith("pipe:"):
                    return number
        raise AssertionError

    def describe(self) -> dict[str, Any]:
        kind = self._event("describe")
        if kind.startswith("sizes "):
            return {"sizes": json.loads(kind.removeprefix("sizes ")), "versions": {"smac": "1.0.0"}}
        sizes = [N_AGENTS, N_ACTIONS, OBS, STATE, LIMIT]
        names = ["n_agents", "n_actions", "obs_shape", "state_shape", "episode_limit"]
        return {"sizes": dict(zip(names, sizes, strict=True)), "versions": {"smac": "1.0.0"}}

    def launch(self, seed: int) -> dict[str, Any]:
        game = subprocess.Popen(["sleep", "300"])
        (self.folder / f"worker_{self.number}.json").write_text(json.dumps([os.getpid(), game.pid]))
        os.write(1, b"chatter of the game on standard output\n")
        self.seed = seed
        self._event("launch")
        self._start()
        return {"max_reward": self.max_reward, "game_version": "4.10.fake"}

    def _start(self) -> None:
        self.length, self.t = 3 + self.seed % 4, 0

    def reset(self) -> dict[str, Any]:
        self._event("reset")
        self._start()
        return {}

    def step(self, actions: list[int]) -> dict[str, Any]:
        kind = self._event("step")
        self.t += 1
        if kind == "empty info":
            return {"reward": 0.0, "terminated": True, "info": {}}
        terminated = self.t == self.length
        info = {"battle_won": terminated and self.length % 2 == 0, "dead_allies": 1, "dead_enemies": self.t}
        if kind == "time limit":
            return {"reward": 0.0, "terminated": True, "info": {**info, "battle_won": False, "episode_limit": True}}
        reward = float("nan") if kind == "nan reward" else float(sum(actions))
        return {"reward": reward, "terminated": terminated, "info": info}

    def arrays(self) -> dict[str, Any]:
        mask = np.ones((N_AGENTS, N_ACTIONS), dtype=np.bool_)
        mask[0] = np.arange(N_ACTIONS) == 0  # the first agent is dead
        mask[1, 0] = False
        obs = np.full((N_AGENTS, OBS), self.t / LIMIT, dtype=np.float32)
        obs[0] = 0
        return {"obs": obs, "state": np.full(STATE, self.t, dtype=np.float32), "avail_actions": mask}

    def save_replay(self) -> dict[str, Any]:
        self._event("save_replay")
        return {}

    def close(self) -> dict[str, Any]:
        self._event("close")
        return {}


if __name__ == "__main__":
    sys.exit(worker.main(sys.argv[1:], ScriptedGame))
