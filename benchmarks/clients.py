"""A step of a whole exported team in C++, Node and Python, one thread each, in one run; ratios of medians.

    make test-clients  # installs onnxruntime for Node and for C++
    python benchmarks/clients.py [--csv PATH]

Two agents on MACN with fresh weights of RMIX and QMIX. The programs are clients/cpp/check.cpp,
clients/javascript/check.mjs and a loop around `OnnxTeam.act`; they take turns, each for some thousands
of steps in a process of its own.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))  # the tools live with the tests

import onnxruntime
from team_latency import policies_of

import exporters
from tests.clients import tools

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "clients.csv"
ALGORITHMS = ("rmix", "qmix")
TURNS = 9
STEPS = 3000
COLUMNS = ("algorithm", "client", "p50_us", "p50_ratio_to_python", "machine")
PYTHON = """
import statistics, sys, time
import numpy as np
from exporters.runtime import OnnxTeam
team = OnnxTeam(sys.argv[1])
obs = {name: np.zeros(spec.obs.shape, spec.obs.dtype) for name, spec in team.specs.items()}
masks = {name: np.ones(spec.n_actions, bool) for name, spec in team.specs.items()}
taken = []
for _ in range(int(sys.argv[2])):
    begin = time.perf_counter()
    team.act(obs, masks)
    taken.append(time.perf_counter() - begin)
print(f"median step: {statistics.median(taken):.9f} s")
"""


def built(place: Path) -> Path:
    """Build the C++ program; return it."""
    header, library = tools.include(), tools.library()
    if header is None or not library.exists():
        sys.exit("onnxruntime's library or header is missing; `make test-clients` installs both")
    program = place / "check"
    source = ROOT / "clients" / "cpp" / "check.cpp"
    linked = [str(library), f"-Wl,-rpath,{library.parent}"]
    flags = ["-std=c++17", "-O2", "-isystem", str(header)]
    subprocess.run(["g++", *flags, str(source), "-o", str(program), *linked], check=True)
    return program


def median_step(command: list[str]) -> float:
    """Return the microseconds that a program says."""
    done = subprocess.run(
        command, cwd=tools.PLACE, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True
    )
    said = re.search(r"median step: (\S+) s", done.stdout)
    if not said:
        sys.exit(f"{command[0]} said: {done.stderr or done.stdout}")
    return float(said[1]) * 1e6


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, default=RESULTS, help="write the table to this file")
    arguments = parser.parse_args()
    machine = f"{platform.machine()}, Python {platform.python_version()}, onnxruntime {onnxruntime.__version__}"
    machine += f", the others' {tools.PACKAGES[0].split('@')[1]}"
    rows: list[tuple[str, ...]] = [COLUMNS]
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        program = built(place)
        for name in ALGORITHMS:
            folder = exporters.freeze(policies_of(name, 2)[0], place / name, "onnx")
            asked = [str(folder), str(STEPS)]
            commands = {
                "Python, OnnxTeam.act": [sys.executable, "-c", PYTHON, *asked],
                "C++": [str(program), *asked],
                "Node": ["node", str(ROOT / "clients" / "javascript" / "check.mjs"), *asked],
            }
            turns = [{client: median_step(command) for client, command in commands.items()} for _ in range(TURNS)]
            taken = {client: statistics.median(turn[client] for turn in turns) for client in commands}
            for client, p50 in taken.items():
                ratio = p50 / next(iter(taken.values()))
                rows.append((name, client, f"{p50:.1f}", f"{ratio:.2f}", machine))
                print(f"{name:6} {client:22} p50 {p50:8.1f} us  {ratio:5.2f} x Python", flush=True)
    arguments.csv.parent.mkdir(parents=True, exist_ok=True)
    with arguments.csv.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


if __name__ == "__main__":
    main()
