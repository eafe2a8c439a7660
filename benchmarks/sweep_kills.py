"""Kill a sweep and all its runs at random moments, resume it, and compare it with a sweep that was left alone.

    python benchmarks/sweep_kills.py [--kills 2] [--steps 4000] [--jobs 2] [--seed 0] [--csv PATH]

Three algorithms on two environments with three seeds. At each kill the sweep and its children get SIGKILL together, at
a random moment of the time that the undisturbed sweep took. In the end every run's metrics.jsonl is compared byte by
byte.
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
import yaml
from _kills import kill_all

ROOT = Path(__file__).resolve().parent.parent
SWEEP = {
    "algorithms": ["iql", "vdn", {"algo": "rmix", "preset": "rmix-quick", "name": "rmix"}],
    "environments": ["macn:4x7", "didactic:climbing?noise=partial"],
    "seeds": "0-2",
    "set": {
        "training.num_envs": 8,
        "training.checkpoint_interval": 500,
        "training.evaluation_interval": 1000,
    },
}


def start(file: Path, out: Path, jobs: int) -> subprocess.Popen[bytes]:
    """Start the sweep, or go on with it."""
    command = [sys.executable, "-m", "rmix_kit.cli.main", "sweep", str(file), "--out", str(out), "--jobs", str(jobs)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def seconds_of(process: subprocess.Popen[bytes]) -> float:
    """Wait for the end of a sweep that succeeds; give the time from now."""
    begin = time.monotonic()
    if process.wait():
        raise SystemExit(f"a sweep ended with {process.returncode}")
    return time.monotonic() - begin


def metrics(out: Path) -> dict[str, bytes]:
    """Return the metrics of all runs."""
    return {path.parent.name: path.read_bytes() for path in out.glob("runs/*/metrics.jsonl")}


def checkpoints(out: Path) -> int:
    """Count the checkpoints that lie there."""
    return len(list(out.glob("runs/*/checkpoints/step_*")))


def main() -> None:
    """Kill, resume, compare, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=2)
    parser.add_argument("--steps", type=int, default=4_000)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument("--csv", type=Path, default=ROOT / "benchmarks" / "results" / "sweep_kills.csv")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "sweep.yaml"
        file.write_text(yaml.safe_dump({**SWEEP, "steps": options.steps}))
        whole = seconds_of(start(file, folder / "whole", options.jobs))
        print(f"undisturbed: {len(metrics(folder / 'whole'))} runs", flush=True)
        for kill in range(1, options.kills + 1):
            process = start(file, folder / "parts", options.jobs)
            time.sleep(rng.uniform(0.1, 0.9) * whole / options.kills)
            children = kill_all(process)
            if process.returncode != -signal.SIGKILL:
                raise SystemExit("the sweep ended before it could be killed; ask for more steps or fewer kills")
            begun = len(metrics(folder / "parts"))
            rows.append([kill, children, begun, checkpoints(folder / "parts")])
            print(f"kill {kill}: {children} children killed, {begun} runs begun so far", flush=True)
        seconds_of(start(file, folder / "parts", options.jobs))
        expected, found = metrics(folder / "whole"), metrics(folder / "parts")
        differing = sorted(n for n in expected.keys() | found.keys() if expected.get(n) != found.get(n))
        verdict = "same bytes" if not differing else f"differs: {' '.join(differing)}"
        print(f"{len(expected)} metrics.jsonl compared after {options.kills} kills: {verdict}")
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    machine = f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}"
    facts = [options.steps, options.jobs, options.seed, len(expected), verdict, machine]
    head = ["kill", "children_killed", "runs_begun", "checkpoints_there"]
    head += ["steps", "jobs", "seed", "metrics_compared", "verdict", "machine"]
    with options.csv.open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([head, *([*row, *facts] for row in rows)])
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
