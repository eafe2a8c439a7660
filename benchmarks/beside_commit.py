"""Work of this checkout beside another one's, contenders taking turns: updates on real batches, collecting, start-up.

    python benchmarks/beside_commit.py OTHER

OTHER is a checkout of another commit (`git worktree add ../other COMMIT`). Both run in this interpreter's environment,
each in a process of its own that does a piece of work when it is told to and answers with the CPU seconds that it took;
start-up is the CPU time of a whole process. One thread each; the ratio is the median over turns.
"""

from __future__ import annotations

import argparse
import csv
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

RESULTS = Path(__file__).parent / "results" / "beside_commit.csv"
HERE = Path(__file__).resolve().parents[1]
TURNS = 15
EPISODES = 32
MACN, FEW, MANY = "macn:4x12?include_position=true", "smac:5m_vs_6m?backend=builtin", "smac:MMM2?backend=builtin"
UPDATES = [(algo, env) for env in (MACN, FEW, MANY) for algo in ("rmix", "qmix")] + [("ow-qmix", FEW), ("lh-iqn", FEW)]
COLLECTING = [("rmix", MACN, 8), ("qmix", MACN, 8), ("rmix", FEW, 1), ("qmix", FEW, 1), ("qmix", FEW, 32)]
START = {
    "rmix-kit algos": ["algos"],
    "rmix-kit train, 60 steps": ["train", "--algo=qmix", "--env=macn:4x7", "--steps=60", "--seed=0", "--out", "OUT"],
}


def work_of(kind: str, algo: str, env: str, copies: int) -> Callable[[int], object]:
    """Build a piece of work from the checkout that is imported here."""
    import numpy as np
    import torch

    from rmix_kit import policy
    from rmix_kit.algorithms import ALGORITHMS
    from rmix_kit.collect import Collector
    from rmix_kit.envs.interface import codec_of
    from rmix_kit.envs.make import make_vector_env
    from rmix_kit.replay import ReplayBuffer
    from rmix_kit.training.device import keep_freed_memory
    from rmix_kit.training.learner import Learner, TargetSettings
    from rmix_kit.types import Progress

    torch.set_num_threads(1)
    keep_freed_memory()
    cpu, algorithm = torch.device("cpu"), next(cls for cls in ALGORITHMS if cls.name == algo)()
    envs = make_vector_env(env, copies)
    learner = Learner(algorithm, envs.spec, TargetSettings(), seed=0, device=cpu)
    make_policy = getattr(policy, "team_policy", policy.TeamPolicy)  # older commits have only the latter
    collector = Collector(envs, make_policy(learner.online.agent, envs.spec, cpu))

    def collect(number: int, epsilon: float = 0.05) -> object:
        seeds = [number * copies + copy for copy in range(copies)]
        return collector.collect(seeds, epsilon=epsilon, rng=np.random.default_rng(number)).block

    if kind == "collect":
        return collect
    buffer = ReplayBuffer(envs.spec, EPISODES, cpu, codec=codec_of(envs))
    buffer.add(collect(0, 1.0))
    batch = buffer.sample(EPISODES, np.random.default_rng(0), reward_scale=1.0, tau_draws=algorithm.tau_draws)
    return lambda number: learner.update(batch, Progress(updates=number + 1))


def serve(kind: str, algo: str, env: str, copies: int) -> None:
    """Do a piece of work for every line that comes in."""
    work = work_of(kind, algo, env, copies)
    work(0)
    for number, _ in enumerate(sys.stdin):
        begun = time.process_time()
        work(number + 1)
        print(time.process_time() - begun, flush=True)


def start(checkout: Path, *words: str) -> subprocess.Popen[str]:
    """Start a contender."""
    environ = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).resolve()), "--serve", *words, str(checkout)]
    return subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=checkout
    )


def ask(process: subprocess.Popen[str]) -> float:
    """Let a contender work once; give its CPU seconds."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("go\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def started(checkout: Path, words: list[str], folder: Path) -> float:
    """Give the CPU seconds of a whole process."""
    folder.mkdir(parents=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    program = "import sys; from rmix_kit.cli.main import main; main(sys.argv[1:])"
    subprocess.run(
        [sys.executable, "-c", program, *(str(folder / "run") if word == "OUT" else word for word in words)],
        cwd=checkout,  # where Python looks first
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure, print, and write ``results/beside_commit.csv``."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--serve", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("other", type=Path, nargs="?", help="a checkout of another commit; nothing is measured without")
    given = parser.parse_args()
    if given.serve:
        kind, algo, env, copies = given.serve
        serve(kind, algo, env, int(copies))
        return
    if given.other is None:  # `make bench` runs everything that needs nothing from elsewhere
        print("skipped: name a checkout of another commit")
        return
    import tempfile

    checkouts = (given.other.resolve(), HERE)
    commits = [
        subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=c, capture_output=True, text=True).stdout.strip()
        for c in checkouts
    ]
    works = [("update", algo, env, EPISODES) for algo, env in UPDATES]
    works += [("collect", *case) for case in COLLECTING]
    rows = [("work", "algorithm", "env", "copies", "other_ms", "this_ms", "ratio", "other", "this")]

    def note(work: tuple[object, ...], taken: list[tuple[float, float]]) -> None:
        other, this = (statistics.median(column) * 1000 for column in zip(*taken, strict=True))
        ratio = statistics.median(a / b for a, b in taken)
        rows.append((*work, f"{other:.2f}", f"{this:.2f}", f"{ratio:.2f}", *commits))
        print(*rows[-1], flush=True)

    for work in works:
        contenders = [start(checkout, *map(str, work)) for checkout in checkouts]
        taken = [(ask(contenders[0]), ask(contenders[1])) for _ in range(given.turns + 2)][2:]
        for contender in contenders:
            contender.communicate()
        note(work, taken)
    with tempfile.TemporaryDirectory() as folder:
        for name, words in START.items():
            taken = []
            for turn in range(5):
                places = [Path(folder, name, f"{side}{turn}") for side in ("other", "this")]
                other, this = (started(c, words, place) for c, place in zip(checkouts, places, strict=True))
                taken.append((other, this))
            note((name, "", "", ""), taken)
    with RESULTS.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
