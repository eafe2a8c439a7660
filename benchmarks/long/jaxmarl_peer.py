"""JaxMARL's own QMIX on MACN and its SMAX beside ours, in one run on one core, contenders taking turns.

    python benchmarks/long/jaxmarl_peer.py CHECKOUT --python ITS_PYTHON [--steps 100000] [--turns 3] [--only qmix]

CHECKOUT is a clone of github.com/FLAIROx/JaxMARL (commit c793d09), which stays as it is; ITS_PYTHON has, in an
environment of its own, jax, flax, jaxmarl's other dependencies, and six, flashbax, hydra-core, omegaconf, wandb,
safetensors, gymnasium, pettingzoo. Nothing is sent to wandb.

QMIX: `make_train` of its baselines/QLearning/qmix_rnn.py on a port of MACN (`_jaxmarl_macn.py`, which is first played
beside `macn`), 8 copies x 50 steps, batches of 32, recurrent networks of 64, 32 greedy episodes every 10,000 steps.
Ours is qmix on `macn:4x12` with one update per 400 steps. CPU seconds count from the start of the process; JaxMARL's
also without start and compiling. Simulators: random allowed actions, a copy that ends its battle begins the next one at
once and every step counts (where our copies cannot restart they wait, and only battles that go on count); compiling is
left out. Battles are not the same: SMAX has rules of its own. Writes `results/peers_jaxmarl.csv`.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import product
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from _battles import CAN_RESTART, restarting, steps_per_cpu_second, waiting
from _rmix_work import RESULTS, machine_note
from _speed_rows import in_turns
from _whole_processes import batched_macn_run, on_one_core, timed_process

ENTRY = Path(__file__).resolve().with_name("_jaxmarl_entry.py")
MAPS, COPIES = ("3m", "5m_vs_6m"), (1, 32, 256, 1024)
CHECKED_STEPS = 2000
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "JAX_PLATFORMS": "cpu",
    "WANDB_MODE": "disabled",
}
FIELDS = ("work", "unit", "ours", "jaxmarl", "ratio", "lowest_ratio", "commit", "machine")


class Smax:
    """A process of SMAX that plays a turn when it is told to."""

    def __init__(self, command: list[str], map_name: str, copies: int) -> None:
        """Start it and let it compile."""
        self._process = subprocess.Popen(
            [*command, "smax", map_name, str(copies)],
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.turn()

    def turn(self) -> float:
        """Return steps per CPU second of one turn."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        while line := self._process.stdout.readline():
            if line[0].isdigit():  # jaxmarl talks while it is imported
                return float(line)
        raise RuntimeError("SMAX ended; its complaint is above")

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def qmix(command: list[str], steps: int, turns: int) -> list[dict[str, object]]:
    """Train both; return rows for ours with 8 and 32 copies, JaxMARL's with and without its start."""
    bare_rates: list[float] = []

    def theirs() -> float:
        cpu, said = timed_process([*command, "qmix", str(steps)], environ=ONE_THREAD)
        bare_rates.append(steps / float(said.split()[-1]))
        return steps / cpu

    contenders: dict[str, Callable[[], float]] = {"theirs": theirs}
    contenders |= {f"ours, {n}": lambda n=n: steps / batched_macn_run(steps, n) for n in (8, 32)}  # type: ignore[misc]
    taken = in_turns(contenders, turns)
    work = f"qmix on MACN, {steps:,} steps"
    return [
        row(f"{work}, 8 copies, from process start", taken["ours, 8"], taken["theirs"]),
        row(f"{work}, ours with 32 copies, from process start", taken["ours, 32"], taken["theirs"]),
        row(f"{work}, 8 copies, JaxMARL without start and compiling", taken["ours, 8"], bare_rates),
        row(f"{work}, ours with 32 copies, JaxMARL without start and compiling", taken["ours, 32"], bare_rates),
    ]


def simulators(command: list[str], map_name: str, copies: int, turns: int) -> dict[str, object]:
    """Step both simulators."""
    play = (restarting if CAN_RESTART else waiting)(map_name, copies)
    play()
    smax = Smax(command, map_name, copies)
    taken = in_turns({"ours": partial(steps_per_cpu_second, play), "theirs": smax.turn}, turns)
    smax.close()
    way = "restart" if CAN_RESTART else "wait"
    return row(f"simulator {map_name}, {copies} copies, ours {way}", taken["ours"], taken["theirs"])


def row(work: str, ours: list[float], theirs: list[float]) -> dict[str, object]:
    """Sum up turns of rates."""
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    summary: dict[str, object] = {
        "work": work,
        "unit": "steps/CPU s",
        "ours": round(statistics.median(ours)),
        "jaxmarl": round(statistics.median(theirs)),
        "ratio": round(statistics.median(ratios), 2),
        "lowest_ratio": round(min(ratios), 2),
    }
    print("  ".join(f"{key}={value}" for key, value in summary.items()), flush=True)
    return summary


def write(path: Path, rows: list[dict[str, object]], commit: str) -> None:
    """Write what is measured so far."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=FIELDS)
        writer.writeheader()
        writer.writerows(row | {"commit": commit, "machine": machine_note()} for row in rows)


def main() -> None:
    """Check the port, measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--python", type=Path, required=True, help="of the environment with JaxMARL's packages")
    parser.add_argument("--steps", type=int, default=100_000, help="environment steps of a training run")
    parser.add_argument("--turns", type=int, default=3, help="training runs of each, and turns of each simulator")
    parser.add_argument("--only", choices=("qmix", "smax"), help="this half alone")
    parser.add_argument("--copies", type=int, nargs="+", default=COPIES, help="of the simulators")
    parser.add_argument("--csv", type=Path, default=RESULTS / "peers_jaxmarl.csv")
    options = parser.parse_args()
    on_one_core()
    command = [str(options.python), str(ENTRY), str(options.checkout.resolve())]
    commit = subprocess.run(
        ["git", "-C", str(options.checkout), "rev-parse", "--short", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()
    timed_process([*command, "check", str(CHECKED_STEPS)], environ=ONE_THREAD)
    rows: list[dict[str, object]] = [] if options.only == "smax" else qmix(command, options.steps, options.turns)
    write(options.csv, rows, commit)
    for map_name, copies in [] if options.only == "qmix" else product(MAPS, options.copies):
        rows.append(simulators(command, map_name, copies, options.turns))
        write(options.csv, rows, commit)


if __name__ == "__main__":
    main()
