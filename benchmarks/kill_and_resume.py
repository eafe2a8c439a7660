"""Kill a training run again and again with SIGKILL, and compare what it ends with to a run that was left alone.

    python benchmarks/kill_and_resume.py [--kills 20] [--steps 60000] [--checkpoint-every 2000] [--csv PATH]

Each kill comes at a random moment after at least one checkpoint more than at the kill before. Weights, target copies,
optimisers, replay, metrics and manifests are compared byte by byte; only clocks and TensorBoard's files are left out.
"""

from __future__ import annotations

import argparse
import csv
import platform
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from _kills import digests

ROOT = Path(__file__).resolve().parent.parent
PROGRAM = """
import sys
from pathlib import Path
from rmix_kit.config.load import resolve
from rmix_kit.training.trainer import train

algo, env, steps, every, folder = sys.argv[1:]
config = resolve(
    algo=algo, env=env, seed=0, steps=int(steps), checkpoint_every=int(every), overrides=["training.keep_checkpoints=2"]
)
train(config, Path(folder), resume=Path(folder).exists())
"""


def start(options: argparse.Namespace, folder: Path) -> subprocess.Popen[bytes]:
    """Start training, or go on with it."""
    arguments = [options.algo, options.env, str(options.steps), str(options.checkpoint_every), str(folder)]
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], cwd=ROOT, stderr=subprocess.DEVNULL)


def newest_step(folder: Path) -> int:
    """Return the step of the newest checkpoint, 0 if there is none."""
    steps = (path.name.removeprefix("step_") for path in (folder / "checkpoints").glob("step_*"))
    return max((int(step) for step in steps if step.isdecimal()), default=0)


def kill_once(options: argparse.Namespace, folder: Path, rng: random.Random) -> tuple[int, int]:
    """Let the run go on until it has a new checkpoint, then kill it a random moment later.

    Returns:
        Steps of the newest checkpoint before and at the kill.
    """
    before = newest_step(folder)
    process = start(options, folder)
    while newest_step(folder) <= before:
        if process.poll() is not None:
            raise SystemExit(f"the run ended by itself with {process.returncode}; ask for more steps or fewer kills")
        time.sleep(0.01)
    time.sleep(rng.uniform(0.0, options.longest_wait))
    reached = newest_step(folder)
    process.send_signal(signal.SIGKILL)
    if process.wait() != -signal.SIGKILL:
        raise SystemExit("the run ended before it could be killed; ask for more steps or fewer kills")
    return before, reached


def main() -> None:
    """Kill, resume, compare, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--steps", type=int, default=60_000)
    parser.add_argument("--checkpoint-every", type=int, default=2_000)
    parser.add_argument("--longest-wait", type=float, default=0.5, help="seconds between a checkpoint and the kill")
    parser.add_argument("--algo", default="rmix")
    parser.add_argument("--env", default="macn:4x12")
    parser.add_argument("--csv", type=Path, default=ROOT / "benchmarks" / "results" / "kill_and_resume.csv")
    options = parser.parse_args()
    rng = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        whole, parts = Path(name) / "whole", Path(name) / "parts"
        rows = []
        for kill in range(1, options.kills + 1):
            before, reached = kill_once(options, parts, rng)
            rows.append([kill, before, reached])
            print(
                f"kill {kill:2}: resumed from step {before}, killed after the checkpoint of step {reached}", flush=True
            )
        if start(options, parts).wait() or start(options, whole).wait():
            raise SystemExit("a run failed")
        expected, found = digests(whole), digests(parts)
        differing = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
        verdict = "same bytes" if not differing else f"differs: {' '.join(differing)}"
        print(f"{len(expected)} files compared after {options.kills} kills: {verdict}")
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    machine = f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"
    facts = [options.algo, options.env, options.steps, options.checkpoint_every, len(expected), verdict, machine]
    head = ["kill", "resumed_from_step", "killed_after_checkpoint"]
    head += ["algo", "env", "steps", "checkpoint_every", "files_compared", "verdict", "machine"]
    with options.csv.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([head, *([*row, *facts] for row in rows)])
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
