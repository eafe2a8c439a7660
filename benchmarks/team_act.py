"""CPU microseconds of a whole team's `act`: torch's operations and NumPy's, one thread, in one run.

    python benchmarks/team_act.py [--csv PATH]

Both policies act by the same fresh weights of an algorithm's defaults, on observations and masks of random episodes,
carry their own memory, and take turns, so that a busy machine slows them alike.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import statistics
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.collect.exploration import explore
from rmix_kit.envs.make import make_vector_env
from rmix_kit.policy import TeamPolicy, team_policy
from rmix_kit.types import BoolArray

TURNS = 60
STEPS = 20
CASES = [("macn:4x12", 8), *(("smac:5m_vs_6m?backend=builtin", copies) for copies in (1, 8, 32))]
RESULTS = Path(__file__).parent / "results" / "team_act.csv"
CPU = torch.device("cpu")
Seen = list[tuple[np.ndarray, BoolArray]]


def random_steps(env_text: str, copies: int) -> Seen:
    """Return observations `[env, agent, ...]` and masks `[env, agent, action]` of random episodes' first steps."""
    envs, rng = make_vector_env(env_text, copies), np.random.default_rng(0)
    step, seen = envs.reset(list(range(copies))), []
    for _ in range(STEPS):
        seen.append((step.obs.copy(), step.avail_actions.copy()))
        actions, _ = explore(step.avail_actions.argmax(-1), step.avail_actions, 1.0, rng)
        step = envs.step(actions)
    envs.close()
    return seen


def turn(policy: TeamPolicy, seen: Seen) -> tuple[float, list[np.ndarray]]:
    """Act through the steps from an episode's start; return CPU microseconds per step and what was done."""
    copies = len(seen[0][0])
    levels, done = np.zeros(copies, dtype=np.float32), []
    start = time.process_time_ns()
    carry = policy.initial_carry(copies)
    for obs, avail_actions in seen:
        choice, carry = policy.act(obs, avail_actions, levels, carry)
        carry = policy.executed(carry, choice.actions)
        done.append(choice.actions)
    return (time.process_time_ns() - start) / 1000 / len(seen), done


def measure(name: str, env_text: str, copies: int) -> tuple[float, float, float, float]:
    """Return the medians of torch, NumPy (in microseconds) and their ratio by turn, and the share of equal actions."""
    envs = make_vector_env(env_text, 1)
    envs.close()
    (kind,) = [kind for kind in ALGORITHMS if kind.name == name]
    torch.manual_seed(0)
    agent = kind().networks(envs.spec).agent
    policies = [TeamPolicy(agent, envs.spec, CPU), team_policy(agent, envs.spec, CPU)]
    seen = random_steps(env_text, copies)
    taken: list[list[float]] = [[], []]
    equal = []
    for number in range(TURNS + 2):
        done = []
        for policy, times in zip(policies, taken, strict=True):
            microseconds, actions = turn(policy, seen)
            done.append(np.stack(actions))
            if number >= 2:  # the first turns warm up
                times.append(microseconds)
        equal.append(float((done[0] == done[1]).mean()))
    ratios = [slow / fast for slow, fast in zip(*taken, strict=True)]
    return statistics.median(taken[0]), statistics.median(taken[1]), statistics.median(ratios), min(equal)


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, default=RESULTS, help="write the table to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    machine = (
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    )
    rows = [("algorithm", "env", "copies", "torch_us", "numpy_us", "ratio", "equal_actions", "machine")]
    for env_text, copies in CASES:
        for name in ("qmix", "rmix"):
            slow, fast, ratio, equal = measure(name, env_text, copies)
            cells = (f"{copies}", f"{slow:.1f}", f"{fast:.1f}", f"{ratio:.2f}", f"{equal:.6f}")
            rows.append((name, env_text, *cells, machine))
            print(f"{name} on {env_text}, {copies} copies: {slow:.1f} -> {fast:.1f} us, {ratio:.2f}, {equal} equal")
    arguments.csv.parent.mkdir(parents=True, exist_ok=True)
    with arguments.csv.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


if __name__ == "__main__":
    main()
