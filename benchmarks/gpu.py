"""Training on a GPU, measured in one go of less than nine minutes: the first thing to run where a card can be had.

    python benchmarks/gpu.py [--dry] [--csv PATH] [--only PART ...]     (`make gpu`)

Without a card, or with `--dry`, the same goes over CPU tensors in small sizes, which proves that it will run and
measures nothing; its table is kept only where `--csv` says so. The parts: `update` (milliseconds, every operation
started by the host and as CUDA graphs, with memory), `losses` (the same updates on the card and on the CPU), `play`
(steps a second of the game alone), `resume` (the files of an interrupted run beside those of a whole one), `train`
(steps a second from start to end of `train`), `seeds` (eight at once beside one) and `learning` (RMIX on MACN 4x12 to
its exact optimum). A part that fails or runs out of time is a row that says so, and what was measured is kept.
"""

from __future__ import annotations

import argparse
import csv
import os
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from _gpu_work import Bench, per_call, seconds_of, updating
from _rmix_work import RESULTS, machine_note

from macn import oracle
from rmix_kit.device.capture import capture_for, eager
from rmix_kit.errors import Interrupted
from rmix_kit.training.progress_bar import SilentReporter, Status
from rmix_kit.training.side_by_side import train_seeds
from rmix_kit.training.trainer import train

SECONDS = 510  # for all parts
MACN = "macn:4x12"
FIVE, MMM2 = "smac:5m_vs_6m?backend=builtin", "smac:MMM2?backend=builtin"
CPU = torch.device("cpu")


def measure_update(bench: Bench) -> None:
    """Measure an update of full length: launched by the host, and as a graph."""
    cases = [("qmix", MACN), ("rmix", MACN), ("qmix", FIVE), ("rmix", FIVE), ("rmix", MMM2)]
    for algo, env in cases[: bench.size(len(cases), 2)]:
        config = bench.config(algo, env, steps=10**6, num_envs=bench.size(256, 8), buffer_episodes=bench.size(5000, 64))
        for name, capture in (("eager", eager), ("graph", capture_for(bench.device))):
            if bench.device.type == "cuda":
                torch.cuda.reset_peak_memory_stats()
            parts = bench.parts(config, capture)
            while int(parts.replay.held) < 32:
                parts.rollout.run(1.0)
            ms = per_call(bench, updating(parts), bench.size(7, 1), bench.size(20, 2))
            bench.row("update", f"{algo} {env} {name}", "ms", ms)
            if bench.device.type == "cuda":
                bench.row("update", f"{algo} {env} {name}", "peak MiB", torch.cuda.max_memory_allocated() / 2**20)


def measure_play(bench: Bench) -> None:
    """Measure play alone at several numbers of copies, each step of each copy counted."""
    for env in (MACN, FIVE):
        for copies in (32, 256, 1024, 4096)[: bench.size(4, 1)]:
            for name, capture in (("eager", eager), ("graph", capture_for(bench.device))):
                config = bench.config(
                    "qmix", env, steps=10**6, num_envs=copies, rollout_steps=bench.size(16, 2), buffer_episodes=copies
                )
                parts = bench.parts(config, capture)
                ms = per_call(bench, lambda _, parts=parts: parts.rollout.run(0.3), bench.size(5, 1), bench.size(8, 1))
                steps = copies * config.training.rollout_steps
                bench.row("play", f"{env} x{copies} {name}", "steps per second", 1e3 * steps / ms)


def measure_losses(bench: Bench) -> None:
    """Compare what the card and the CPU make of the same play and the same updates."""
    for algo, env in (("rmix", MACN), ("qmix", FIVE))[: bench.size(2, 1)]:
        config = bench.config(algo, env, steps=10**6, num_envs=16, buffer_episodes=256, rollout_steps=16)
        told: list[dict[str, float]] = []
        for device, capture in ((CPU, eager), (bench.device, capture_for(bench.device))):
            parts = bench.parts(config, capture, device)
            for _ in range(bench.size(24, 6)):
                parts.rollout.run(1.0)  # all actions are drawn: rounding chooses none
            update = updating(parts)
            for number in range(1, bench.size(31, 4)):
                update(number)
            sums = parts.updates.told(parts.updates.taken().tolist())
            told.append({name: total / count for name, (total, count) in sums.items()})
        for name, value in told[0].items():
            if name.startswith(("loss", "gradient")):
                bench.row("losses", f"{algo} {env}", f"{name}, share of difference", abs(told[1][name] / value - 1))


def measure_train(bench: Bench) -> None:
    """Measure whole runs, start, evaluations and checkpoints included."""
    for algo, env, copies, steps in (("qmix", MACN, 256, 600_000), ("rmix", FIVE, 256, 400_000))[: bench.size(2, 1)]:
        steps = bench.size(steps, 600)
        config = bench.config(
            algo,
            env,
            steps=steps,
            num_envs=bench.size(copies, 8),
            updates_per_step=0.0025,
            evaluation_interval=steps,
            checkpoint_interval=steps,
            rollout_steps=bench.size(32, 8),
        )
        name = f"{algo} {env} x{config.training.num_envs}"
        out = bench.folder / f"train-{algo}"
        seconds = seconds_of(bench, partial(train, config, out, reporter=SilentReporter()))
        bench.row("train", name, "steps per second", steps / seconds)


def measure_seeds(bench: Bench) -> None:
    """Measure eight seeds at once beside one."""
    steps = bench.size(100_000, 300)
    config = bench.config(
        "qmix",
        MACN,
        steps=steps,
        num_envs=bench.size(32, 4),
        updates_per_step=0.0025,
        evaluation_interval=steps,
        checkpoint_interval=steps,
    )
    for count in (1, 8):
        out = bench.folder / f"seeds-{count}"
        seconds = seconds_of(bench, partial(train_seeds, config, range(count), out, reporter=SilentReporter()))
        bench.row("seeds", f"qmix {MACN}, {count} at once", "steps of all seeds per second", count * steps / seconds)


class Stopping(SilentReporter):
    """Sends this process a signal once so many steps are shown."""

    def __init__(self, env_steps: int) -> None:
        """Wait for these steps."""
        self._left = env_steps

    def show(self, status: Status) -> None:
        """Send the signal."""
        if 0 < self._left <= status.env_steps:
            self._left = 0
            os.kill(os.getpid(), signal.SIGTERM)


def contents(run: Path) -> Iterator[tuple[str, bytes]]:
    """Give what a run saved, clocks left out."""
    for path in sorted([*run.rglob("*.safetensors"), run / "metrics.jsonl"]):
        yield str(path.relative_to(run)), path.read_bytes()


def measure_resume(bench: Bench) -> None:
    """Interrupt a run, go on, and compare what lies there with a run that was left alone."""
    steps = bench.size(40_000, 400)
    config = bench.config("rmix", MACN, steps=steps, num_envs=bench.size(32, 4), checkpoint_interval=steps // 2)
    whole, parts = bench.folder / "whole", bench.folder / "parts"
    train(config, whole, reporter=SilentReporter())
    try:
        train(config, parts, reporter=Stopping(steps // 3))
    except Interrupted:
        train(config, parts, resume=True, reporter=SilentReporter())
    ours, theirs = dict(contents(whole)), dict(contents(parts))
    differing = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    bench.row("resume", f"rmix {MACN}", "files that differ", ", ".join(differing) or "none")


def measure_learning(bench: Bench) -> None:
    """Train RMIX on MACN 4x12 from two seeds at once, and say how many end at the exact optimum."""
    steps, optimum = bench.size(398_000, 300), oracle.solve("4x12").optimal_return
    copies = bench.size(32, 4)
    config = bench.config("rmix", MACN, steps=steps, num_envs=copies, evaluation_interval=steps)
    start = time.perf_counter()
    runs = train_seeds(config, range(2), bench.folder / "learning", reporter=SilentReporter())
    bench.row("learning", f"rmix {MACN}, 2 seeds at once", "seconds", time.perf_counter() - start)
    returns = [run.evaluate(episodes=bench.size(32, 1)).return_mean for run in runs]
    bench.row("learning", f"rmix {MACN}, 2 seeds at once", "seeds at the optimum", sum(r == optimum for r in returns))


PARTS: dict[str, Callable[[Bench], None]] = {
    "update": measure_update,
    "losses": measure_losses,
    "play": measure_play,
    "resume": measure_resume,
    "train": measure_train,
    "seeds": measure_seeds,
    "learning": measure_learning,
}


class OutOfTimeError(Exception):
    """The time for all parts is over."""


def stop(number: int, frame: object) -> None:
    """End the part that is running."""
    raise OutOfTimeError("the time for all parts is over")


def write(target: Path, rows: list[dict[str, object]], where: str) -> None:
    """Write the table as far as it goes."""
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[*rows[0], "machine"])
        writer.writeheader()
        writer.writerows({**row, "machine": where} for row in rows)


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", action="store_true", help="small sizes on the CPU, to see that it runs")
    parser.add_argument("--csv", type=Path, help="where the table goes; results/gpu.csv where there is a card")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="these parts alone")
    given = parser.parse_args()
    torch.set_num_threads(1)
    is_dry = given.dry or not torch.cuda.is_available()
    where = machine_note() if is_dry else f"{torch.cuda.get_device_name()}; {machine_note()}"
    print(f"{'dry run, which measures nothing' if is_dry else 'measuring'}: {where}", flush=True)
    target = given.csv or (None if is_dry else RESULTS / "gpu.csv")
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(device=CPU if is_dry else torch.device("cuda"), is_dry=is_dry, folder=Path(folder))
        for name in given.only:
            try:
                PARTS[name](bench)
            except OutOfTimeError as error:
                bench.row(name, "", "left out", f"{error}, and what comes after it")
                break
            except Exception as error:  # noqa: BLE001 - a card is rare: what can be measured there is
                bench.row(name, "", "failed", f"{type(error).__name__}: {error}".splitlines()[0])
            if target is not None:
                write(target, bench.rows, where)
        signal.alarm(0)
    if target is not None:
        write(target, bench.rows, where)
    if any(row["quantity"] == "failed" for row in bench.rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
