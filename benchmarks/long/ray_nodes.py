"""Kill one of two Ray nodes in the middle of a sweep, and compare the sweep with the local engine's.

    python benchmarks/long/ray_nodes.py [--steps 6000] [--object-store] [--csv PATH]

Needs the extra `distributed`. Both nodes are on this machine, a processor each. Two algorithms on two environments with
two seeds; the second node is killed once three runs are finished and its own is past its first checkpoint, and a third
node joins. Every run's metrics.jsonl is compared byte by byte, and what the killed run had to do again is counted.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT_INTERVAL = 500
SWEEP = {
    "algorithms": ["vdn", {"algo": "rmix", "preset": "rmix-quick", "name": "rmix"}],
    "environments": ["macn:4x7", "didactic:climbing?noise=partial"],
    "seeds": "0-1",
    "evaluation": False,
    "set": {
        "training.num_envs": 8,
        "training.checkpoint_interval": CHECKPOINT_INTERVAL,
        "training.evaluation_interval": 1000,
        "training.log_interval": 50,
    },
}


def start(file: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    """Start the sweep."""
    command = [sys.executable, "-m", "rmix_kit.cli.main", "sweep", str(file), "--out", str(out), "--json", *options]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE)


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Wait for a sweep that succeeds; give its final status."""
    said, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"a sweep ended with {process.returncode}")
    status: dict[str, Any] = json.loads(said)
    return status


def runs_of(out: Path) -> list[dict[str, Any]]:
    """Return where the runs of a sweep that works stand."""
    path = out / "status.json"
    found: list[dict[str, Any]] = json.loads(path.read_text())["runs"] if path.exists() else []
    return found


def reached(folder: Path, run: dict[str, Any]) -> int:
    """Return the last environment step in a run's metrics, as they lie in the shared folder or the store."""
    places = (Path(run["folder"]), folder / "store" / run["name"])
    files = [place / "metrics.jsonl" for place in places]
    rows = [file.read_text().splitlines() for file in files if file.exists()]
    return max((json.loads(lines[-1])["env_steps"] for lines in rows if lines), default=0)


def descendants(pid: int) -> list[int]:
    """Return the numbers of all processes under one."""
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    found = [int(number) for thread in threads for number in thread.read_text().split()]
    return found + [further for child in found for further in descendants(child)]


def switch_off(cluster: Any, node: Any) -> None:  # noqa: ANN401 - Ray's
    """End everything on a node before it can say or save anything, as when a machine loses its power."""
    (raylet,) = node.all_processes["raylet"]
    pids = descendants(raylet.process.pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    cluster.remove_node(node, allow_graceful=False)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def begun_at(folder: Path) -> list[int]:
    """Return the environment steps at which processes began to work on a run."""
    return [json.loads(line)["env_steps"] for line in (folder / "origin.jsonl").read_text().splitlines()]


def main() -> None:
    """Run both sweeps, kill, compare, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=6_000)
    parser.add_argument("--object-store", action="store_true", help="nodes share a file:// URL instead of the folder")
    parser.add_argument("--csv", type=Path, default=ROOT / "benchmarks" / "results" / "ray_nodes.csv")
    options = parser.parse_args()
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}
    from ray.cluster_utils import Cluster

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file, local, spread = folder / "sweep.yaml", folder / "local", folder / "spread"
        file.write_text(yaml.safe_dump({**SWEEP, "steps": options.steps}))
        ended(start(file, local))
        if options.object_store:
            file.write_text(yaml.safe_dump({**SWEEP, "steps": options.steps, "storage": f"file://{folder}/store"}))
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        second = cluster.add_node(num_cpus=1)
        process = start(file, spread, "--engine", "ray", "--address", cluster.address)
        while True:
            stand = runs_of(spread)
            running = [run for run in stand if run["state"] == "running"]
            is_due = sum(run["state"] == "finished" for run in stand) >= 3 and len(running) == 2
            if is_due and all(CHECKPOINT_INTERVAL < reached(folder, run) < 0.7 * options.steps for run in running):
                break
            if process.poll() is not None:
                raise SystemExit("the sweep ended before a node could be killed; ask for more steps")
            time.sleep(0.1)
        at_the_kill = {run["name"]: {**run, "env_steps": reached(folder, run)} for run in stand}
        switch_off(cluster, second)
        print("second node killed", flush=True)
        cluster.add_node(num_cpus=1)
        status = ended(process)
        cluster.shutdown()
        rows, is_equal = [], True
        for run in status["runs"]:
            name, before = run["name"], at_the_kill[run["name"]]
            same = (local / "runs" / name / "metrics.jsonl").read_bytes() == Path(
                run["folder"], "metrics.jsonl"
            ).read_bytes()
            begun = begun_at(Path(run["folder"]))
            lost = before["env_steps"] - begun[-1] if run["attempts"] > 1 else 0
            rows.append([name, before["state"], run["attempts"], before["env_steps"], begun[-1], lost, same])
            is_equal = is_equal and same
            print(*rows[-1], flush=True)
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    import ray

    facts = [options.steps, CHECKPOINT_INTERVAL, "object store" if options.object_store else "shared folder"]
    facts += [f"{platform.machine()}, Python {platform.python_version()}, ray {ray.__version__}"]
    head = ["run", "state_at_kill", "attempts", "env_steps_at_kill", "last_begun_at", "env_steps_lost", "same_metrics"]
    head += ["steps", "checkpoint_interval", "between_nodes", "machine"]
    with options.csv.open("w", newline="", encoding="utf-8") as table:
        csv.writer(table).writerows([head, *([*row, *facts] for row in rows)])
    sys.exit(not is_equal)


if __name__ == "__main__":
    main()
