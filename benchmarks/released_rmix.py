"""Our RMIX beside the released code, in one run and on one thread: update, quantile step, memory, end to end.

    git clone https://github.com/YetAnotherPolicy/RMIX FOLDER
    python benchmarks/released_rmix.py --released FOLDER [--turns 7] [--csv PATH]

Updates: 32 episodes x 51 observations x 2 agents, 100 quantiles, 10 levels, with the risk predictor. End to end: one
environment and one update per episode on ``macn:4x12``; "early" is the random phase with its short episodes, "long"
a wide map without danger, on which every episode takes 50 steps. Ours is `rmix-paper`'s loop with its replay and
record; theirs is episode, replay and update. CPU seconds are counted; contenders take turns; ratios are medians.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from _released import Released
from _rmix_work import CPU, N_AGENTS, RESULTS, Work, machine_note, make_batch, our_work, take_turns
from quantile_memory import peak_mb

from rmix_kit.config.load import resolve
from rmix_kit.envs.make import make_vector_env
from rmix_kit.training.loop import TrainingLoop
from rmix_kit.training.progress_bar import SilentReporter, Status
from rmix_kit.training.run_folder import RunFolder

# Farther than 50 steps from start to goal, and no cliff: no episode ends early.
OPEN_MAP = "\n".join(["S" + "." * 39, *["." * 40] * 18, "." * 39 + "G"])
WARM_EPISODES = 33


def released_work(folder: Path, kind: str) -> Work:
    """Return a call that makes one of the released code's updates on our batch."""
    released = Released(folder, "macn:4x12", start_to_update_qr=0, qr_update_interval=1)
    ours = make_batch()
    batch = released.batch(ours, ours.obs.flatten(3).float() / 4)
    steps = iter(range(1, 10**9)) if kind == "quantile" else iter(lambda: 0, 1)
    return lambda: released.learner.train(batch, next(steps), 0)


class StepCount(SilentReporter):
    """Remembers how far training is."""

    env_steps = 0

    def show(self, status: Status) -> None:
        """Take note."""
        self.env_steps = status.env_steps


class OurLoop:
    """`rmix-paper` training, a round at a time, in a folder of its own."""

    def __init__(self, env: str, folder: Path) -> None:
        config = resolve(algo="rmix", preset="rmix-paper", env=env, seed=0, steps=10**6)
        run = RunFolder(folder)
        run.prepare(config, resume=False)
        envs, test_envs = make_vector_env(env, 1), make_vector_env(env, 1)
        self._count = StepCount()
        self._loop = TrainingLoop(config, run, envs=envs, test_envs=test_envs, device=CPU, reporter=self._count)

    def episode(self) -> int:
        """Play one episode and make the update that is then due; give its steps."""
        before = self._count.env_steps
        self._loop.round()
        return self._count.env_steps - before


def steps_per_second(contenders: dict[str, Callable[[], int]], turns: int, episodes: int) -> dict[str, list[float]]:
    """Measure environment steps per CPU second once the replay holds a batch, contenders taking turns."""
    for episode in contenders.values():
        for _ in range(WARM_EPISODES):
            episode()
    rates: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(turns):
        for name, episode in contenders.items():
            start = time.process_time()
            steps = sum(episode() for _ in range(episodes))
            rates[name].append(steps / (time.process_time() - start))
    return rates


def memory_of(folder: Path, name: str) -> float:
    """Measure how far a quantile step raises the peak resident size of a fresh process, in MB."""
    command = [sys.executable, __file__, "--released", str(folder), "--memory", name]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def compare(released: Path, turns: int, scratch: Path) -> list[dict[str, object]]:
    """Measure everything; ratios say how many times ours is better."""
    rows: list[dict[str, object]] = []

    def add(work: str, unit: str, ours: list[float], theirs: list[float], *, is_rate: bool = False) -> None:
        ratio = statistics.median((o / t if is_rate else t / o) for o, t in zip(ours, theirs, strict=True))
        values = [round(statistics.median(column), 1) for column in (ours, theirs)]
        rows.append({"work": work, "unit": unit, "ours": values[0], "released": values[1], "ratio": round(ratio, 2)})
        print(f"{work:34} {unit:12} ours {values[0]:10,} released {values[1]:10,} ratio {ratio:6.2f}", flush=True)

    for kind, repeats in (("td", 3), ("quantile", 1)):
        works = {"ours": our_work(kind), "released": released_work(released, kind)}
        if kind == "td":
            works["narrow"] = our_work(kind, risk_embed_size=N_AGENTS)
        taken = take_turns(works, turns=turns if kind == "td" else 3, repeats=repeats)
        add(f"{kind} step", "cpu ms", taken["ours"], taken["released"])
        if kind == "td":
            add("td step, embedding as released", "cpu ms", taken["narrow"], taken["released"])
    peaks = {name: [memory_of(released, name)] for name in ("ours", "released")}
    add("quantile step, rise of peak memory", "MB", peaks["ours"], peaks["released"])
    open_map = scratch / "open.txt"
    open_map.write_text(OPEN_MAP, encoding="utf-8")
    for phase, env, episodes in (("early", "macn:4x12", 20), ("long", f"macn:{open_map}", 5)):
        contenders = {"ours": OurLoop(env, scratch / phase).episode, "released": Released(released, env).episode}
        rates = steps_per_second(contenders, turns, episodes)
        add(f"training, {phase} episodes", "steps/cpu s", rates["ours"], rates["released"], is_rate=True)
    return rows


def main() -> None:
    """Measure, print, write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--released", type=Path, help="checkout of the released code; without it nothing is measured")
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--csv", type=Path, default=RESULTS / "released_rmix.csv")
    parser.add_argument("--memory", choices=("ours", "released"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.released is None:  # `make bench` runs everything that needs nothing from elsewhere
        print("skipped: --released FOLDER says where a checkout of the released code is")
        return
    torch.set_num_threads(1)
    if options.memory is not None:
        work = our_work("quantile") if options.memory == "ours" else released_work(options.released, "quantile")
        base = peak_mb()
        for _ in range(2):
            work()
        print(peak_mb() - base)
        return
    with tempfile.TemporaryDirectory() as scratch:
        rows = compare(options.released, options.turns, Path(scratch))
    note = machine_note()
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    with options.csv.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[*rows[0], "machine"])
        writer.writeheader()
        writer.writerows(row | {"machine": note} for row in rows)


if __name__ == "__main__":
    main()
