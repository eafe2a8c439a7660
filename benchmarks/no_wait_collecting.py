"""Share of copies at work and environment steps per CPU second, copies waiting for each other and not.

    python benchmarks/no_wait_collecting.py [--turns 7]

The training loop of QMIX plays rounds of ``training.episodes_per_copy`` episodes at epsilon 1 and adds them to the
replay; no update is made. A round at 1 is lockstep. Contenders take turns in one process on one thread; a turn is as
many rounds as make about ``STEPS`` environment steps. The share is of the copies' steps that belong to an episode, and
the ratio of steps per CPU second is the median over turns, beside lockstep in the same turn.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from _rmix_work import RESULTS, machine_note

from rmix_kit.config.load import resolve
from rmix_kit.envs.make import make_vector_env
from rmix_kit.training.device import keep_freed_memory
from rmix_kit.training.loop import TrainingLoop
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.run_folder import RunFolder
from rmix_kit.types import IntArray, TimeStep

CASES = (("macn:4x12", 8), ("macn:4x12", 32), ("smac:5m_vs_6m?backend=builtin", 32))
EPISODES_PER_COPY = (1, 4, 8, 16, 32)
STEPS = 8_000
ENDLESS = 10**9


class Contender:
    """A training run that collects and learns nothing."""

    def __init__(self, env: str, copies: int, episodes_per_copy: int, folder: Path) -> None:
        """Make the run, of one folder."""
        settings = {
            "num_envs": copies,
            "episodes_per_copy": episodes_per_copy,
            "epsilon_end": 1.0,
            "updates_per_step": 1e-12,
            "evaluation_interval": ENDLESS,
            "checkpoint_interval": ENDLESS,
        }
        overrides = [f"training.{name}={value}" for name, value in settings.items()]
        config = resolve(algo="qmix", env=env, seed=0, steps=ENDLESS, overrides=overrides, report=lambda _: None)
        run = RunFolder(folder)
        run.prepare(config, resume=False)
        self.envs, self.steps = make_vector_env(env, copies), 0
        self.loop = TrainingLoop(
            config, run, envs=self.envs, test_envs=self.envs, device=torch.device("cpu"), reporter=SilentReporter()
        )
        step = self.envs.step

        def counted(actions: IntArray) -> TimeStep:
            self.steps += copies
            return step(actions)

        self.envs.step = counted  # type: ignore[method-assign]

    def turn(self) -> tuple[float, int, int]:
        """Play; give CPU seconds, environment steps and steps of all copies."""
        env_steps, steps, begun = self.loop._state.env_steps, self.steps, time.process_time()
        while self.loop._state.env_steps < env_steps + STEPS:
            self.loop.round()
        return time.process_time() - begun, self.loop._state.env_steps - env_steps, self.steps - steps


def main() -> None:
    """Measure, print, and write ``results/no_wait_collecting.csv``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=7)
    turns = parser.parse_args().turns
    torch.set_num_threads(1)
    keep_freed_memory()
    rows = [("env", "copies", "episodes_per_copy", "share_at_work", "steps_per_cpu_second", "ratio", "machine")]
    for env, copies in CASES:
        with tempfile.TemporaryDirectory() as folder:
            contenders = [Contender(env, copies, count, Path(folder) / str(count)) for count in EPISODES_PER_COPY]
            taken = [[contender.turn() for contender in contenders] for _ in range(turns + 1)][1:]
        speeds = np.array([[env_steps / cpu for cpu, env_steps, _ in turn] for turn in taken])  # [turn, contender]
        for index, count in enumerate(EPISODES_PER_COPY):
            share = sum(turn[index][1] for turn in taken) / sum(turn[index][2] for turn in taken)
            ratio = statistics.median(speeds[:, index] / speeds[:, 0])
            speed = round(statistics.median(speeds[:, index]))
            rows.append((env, copies, count, f"{share:.2f}", speed, f"{ratio:.2f}", machine_note()))
            print(*rows[-1][:-1], flush=True)
    with (RESULTS / "no_wait_collecting.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
