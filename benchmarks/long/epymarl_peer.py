"""EPyMARL's own code on the tasks of `rmix-kit reproduce epymarl`: same packages, same steps, same seeds, its settings.

    python benchmarks/long/epymarl_peer.py CHECKOUT --python ITS_PYTHON --steps 500000 --seeds 0 1 --jobs 2

CHECKOUT is a clone of github.com/uoe-agents/epymarl, which stays as it is; ITS_PYTHON has, in an environment of its
own, torch, sacred, "setuptools<81" (sacred imports pkg_resources), pyyaml, gymnasium, pettingzoo, mpe2, lbforaging,
rware. A record per run goes to docs/results/epymarl/peer and is never made again. `--set` changes what EPyMARL ships,
and is part of the record's configuration.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from _runs import machine, run_missing

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from rmix_kit.reproduction.epymarl import (
    EPISODES,
    OFF_POLICY_INTERVAL,
    ON_POLICY_INTERVAL,
    TASKS,
    Task,
)
from rmix_kit.reproduction.peers import FORMAT, KIND, PeerRun

ENTRY = Path(__file__).resolve().with_name("_epymarl_entry.py")
RECORDS = Path(__file__).resolve().parents[2] / "docs" / "results" / "epymarl" / "peer"
ALGORITHMS = ("iql", "vdn", "qmix", "coma")
PACKAGES = ("torch", "numpy", "gymnasium", "pettingzoo", "mpe2", "lbforaging", "rware", "sacred")
VERSIONS = "import importlib.metadata as m, json; print(json.dumps({name: m.version(name) for name in %r}))"


def main() -> None:
    """Run what has no record yet."""
    arguments = _arguments()
    names = {task.label: task for task in TASKS}
    jobs = [
        (
            arguments.out / f"{algo}_{name}_seed-{seed}.json",
            partial(_work, arguments, algo, names[name], seed),
        )
        for seed in arguments.seeds
        for name in arguments.tasks or list(names)
        for algo in arguments.algorithms
    ]
    run_missing(jobs, arguments.jobs)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", type=Path, required=True, help="of the environment with EPyMARL's packages")
    parser.add_argument("--steps", type=int, required=True, help="environment steps of every run")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--tasks", nargs="+", choices=[task.label for task in TASKS], help="these alone")
    parser.add_argument("--algorithms", nargs="+", choices=ALGORITHMS, default=["qmix", "vdn"])
    parser.add_argument("--interval", type=int, help="environment steps between evaluations; the paper's if left out")
    parser.add_argument("--episodes", type=int, default=EPISODES, help="per evaluation")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="laid over what EPyMARL ships")
    parser.add_argument("--out", type=Path, default=RECORDS, help="where the records go")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    return parser.parse_args()


def _work(arguments: argparse.Namespace, algo: str, task: Task, seed: int) -> dict[str, Any]:
    """Run EPyMARL once and give its record."""
    interval = arguments.interval or (ON_POLICY_INTERVAL if algo == "coma" else OFF_POLICY_INTERVAL)
    with tempfile.TemporaryDirectory(prefix="epymarl-") as folder:
        Path(folder, "src").symlink_to(arguments.checkout.resolve() / "src")  # it writes beside its sources
        command = [
            *(str(arguments.python), str(ENTRY), folder),
            *(f"--config={algo}", "--env-config=gymma", "with", f"env_args.time_limit={task.time_limit}"),
            *(f"env_args.key={task.key}", f"t_max={arguments.steps}", f"seed={seed}", "use_cuda=False"),
            *(f"test_interval={interval}", f"test_nepisode={arguments.episodes}", f"log_interval={interval}"),
            *(f"local_results_path={folder}", *arguments.set),
        ]
        start = time.monotonic()
        with Path(folder, "said").open("w+") as said:
            process = subprocess.Popen(
                command, cwd=folder, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=said, stderr=said
            )
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            said.seek(0)
            if process.returncode:
                raise RuntimeError(f"EPyMARL exited {process.returncode}: {said.read()[-1500:]}")
        results = next(Path(folder, "results", "sacred").glob("*/*/1"))
        wall, cpu = time.monotonic() - start, usage.ru_utime + usage.ru_stime
        run = PeerRun(
            task=task.label,
            algo=algo,
            seed=seed,
            steps=arguments.steps,
            interval=interval,
            evaluations=_evaluations(json.loads(Path(results, "info.json").read_text())),
            config=json.loads(Path(results, "config.json").read_text()),
            changed=tuple(arguments.set),
            commit=_said("git", "-C", str(arguments.checkout), "rev-parse", "HEAD"),
            packages=json.loads(_said(str(arguments.python), "-c", VERSIONS % (PACKAGES,))),
            cpu_seconds=round(cpu, 1),
            wall_seconds=round(wall, 1),
        )
    run.config.pop("local_results_path", None)
    best = max(row["return_mean"] for row in run.evaluations)
    summary = f"{len(run.evaluations)} evaluations, best {best:.4g}, {arguments.steps / cpu:.0f} steps per CPU second"
    return {"kind": KIND, "format": FORMAT, **asdict(run), "machine": machine(), "summary": summary}


def _evaluations(info: dict[str, Any]) -> tuple[dict[str, float | None], ...]:
    """Take the rows of EPyMARL's test episodes out of what it told sacred."""
    return tuple(
        {"env_steps": at, "return_mean": _number(mean), "return_std": _number(deviation)}
        for at, mean, deviation in zip(
            info["test_return_mean_T"], info["test_return_mean"], info["test_return_std"], strict=True
        )
    )


def _number(value: Any) -> float:  # noqa: ANN401 - a number, or numpy's as jsonpickle writes it
    return float(value["value"] if isinstance(value, dict) else value)


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
