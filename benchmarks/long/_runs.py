"""What the long benchmarks share: a record per run, written when the run ends and never run again."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[1] / "results"
KIT = [sys.executable, "-m", "rmix_kit.cli.main"]

Job = tuple[Path, Callable[[], dict[str, Any]]]
"""Where the record goes, and what makes it."""


def machine() -> dict[str, Any]:
    """Say where a figure was measured."""
    cpu = next(
        (line.split(":")[1].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")),
        platform.processor(),
    )
    return {"cpu": cpu, "cores": os.cpu_count(), "python": platform.python_version()}


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def kit(*arguments: str, timed: dict[str, Any] | None = None) -> str:
    """Run `rmix-kit` with one thread and give what it printed.

    Args:
        arguments: After the program's name.
        timed: Receives `seconds` (wall) and `cpu_seconds` of the command: on a machine that does other things
            too, the second says what an idle core would need.
    """
    start = time.monotonic()
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complaint:
        process = subprocess.Popen(
            [*KIT, *arguments], env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=said, stderr=complaint
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complaint.seek(0)
        if process.returncode:
            raise RuntimeError(f"rmix-kit {' '.join(arguments)} exited {process.returncode}: {complaint.read()[-500:]}")
        if timed is not None:
            timed["seconds"] = round(time.monotonic() - start, 1)
            timed["cpu_seconds"] = round(usage.ru_utime + usage.ru_stime, 1)
        return said.read()


def trained_and_exported(
    algo: str, env: str, seed: int, steps: int, *, case: str, folder: Path
) -> tuple[dict[str, Any], Path]:
    """Train a team and export it to ONNX, in place of what an interrupted run left.

    Args:
        case: For the record.
        folder: Of the run; its agents go to the folder of that name with "-agents" behind it.

    Returns:
        The record begun, with the command and its seconds, and the agents' folder.
    """
    agents = folder.with_name(f"{folder.name}-agents")
    for old in (folder, agents):
        shutil.rmtree(old, ignore_errors=True)
    command = ["train", "--algo", algo, "--env", env, "--seed", str(seed), "--steps", str(steps)]
    record: dict[str, Any] = {"command": "rmix-kit " + " ".join(command), "case": case, "seed": seed}
    kit(*command, "--out", str(folder), timed=record)
    kit("export", str(folder), "--out", str(agents), "--format", "onnx")
    return record, agents


def run_missing(jobs: Iterable[Job], workers: int) -> None:
    """Make the records that are not there yet, several at a time.

    Args:
        jobs: Each writes its record when it is done.
        workers: Runs side by side.
    """

    def make(job: Job) -> None:
        path, work = job
        try:
            record = work()
        except Exception as error:
            print(f"{path.name}: failed: {error!r}", flush=True)
            raise
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(record, indent=1) + "\n")
        partial.replace(path)
        print(f"{path.name}: {record['summary']}", flush=True)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(make, [job for job in jobs if not job[0].exists()]))


def make_all(
    description: str | None,
    cases: Mapping[str, Sequence[Any]],
    work: Callable[[str, int, Path], dict[str, Any]],
    folder: Path,
    table: Callable[[], str],
) -> None:
    """Read the command line, run what is missing and print the table.

    Args:
        description: The benchmark's docstring.
        cases: By name; the second entry of each is its seeds.
        work: Makes the record of a case and seed, run folders going to the path.
        folder: Where the records lie.
        table: Gives the table of all records.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=2, help="runs side by side")
    parser.add_argument("--only", choices=list(cases), action="append", help="these cases alone")
    parser.add_argument("--runs", type=Path, default=None, help="where run folders go; a temporary folder if left out")
    arguments = parser.parse_args()
    runs = arguments.runs or Path(tempfile.mkdtemp(prefix="rmix-benchmark-"))
    run_missing(
        [
            (folder / f"{case}-{seed}.json", partial(work, case, seed, runs))
            for case in arguments.only or list(cases)
            for seed in cases[case][1]
        ],
        arguments.jobs,
    )
    print(table())
