"""CPU microseconds of a whole team's step: torch's operations and NumPy's, one thread, in one run.

    python benchmarks/team_act.py [--csv PATH]

Both policies act by the same fresh weights of an algorithm's defaults, on observations and masks of random episodes,
carry their own memory, and take turns, so that a busy machine slows them alike. "act" is the choice alone, "collect" a
whole step of collecting with the environment, at 5 % exploration.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.collect import Collector
from rmix_kit.collect.exploration import explore
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.make import make_vector_env
from rmix_kit.policy import TeamPolicy, team_policy
from rmix_kit.types import BoolArray

TURNS = 60
STEPS = 20
CASES = [("macn:4x12", 8), *(("smac:5m_vs_6m?backend=builtin", copies) for copies in (1, 8, 32))]
RESULTS = Path(__file__).parent / "results" / "team_act.csv"
CPU = torch.device("cpu")
Seen = list[tuple[np.ndarray, BoolArray]]
Turn = Callable[[int], tuple[float, np.ndarray]]
"""From the turn's number to CPU microseconds per step, and what was done."""


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


def acting(policy: TeamPolicy, seen: Seen) -> Turn:
    """Return a turn of acting through the steps from an episode's start."""

    def turn(number: int) -> tuple[float, np.ndarray]:
        del number  # the same steps every turn
        copies = len(seen[0][0])
        levels, done = np.zeros(copies, dtype=np.float32), []
        start = time.process_time_ns()
        carry = policy.initial_carry(copies)
        for obs, avail_actions in seen:
            choice, carry = policy.act(obs, avail_actions, levels, carry)
            carry = policy.executed(carry, choice.actions)
            done.append(choice.actions)
        return (time.process_time_ns() - start) / 1000 / len(seen), np.stack(done)

    return turn


def collecting(policy: TeamPolicy, envs: VectorEnv) -> Turn:
    """Return a turn of collecting one round."""
    collector = Collector(envs, policy)

    def turn(number: int) -> tuple[float, np.ndarray]:
        seeds = [number * envs.num_envs + copy for copy in range(envs.num_envs)]
        start = time.process_time_ns()
        played = collector.collect(seeds, epsilon=0.05, rng=np.random.default_rng(number))
        taken = time.process_time_ns() - start
        return taken / 1000 / int(played.block.length.max()), played.block.actions

    return turn


def measure(turns: list[Turn]) -> tuple[float, float, float, float]:
    """Return the medians of torch, NumPy (microseconds) and their ratio by turn, and the share of equal actions."""
    taken, equal = [], []
    for number in range(TURNS + 2):
        (slow, done), (fast, array_done) = (turn(number) for turn in turns)
        equal.append(float((done == array_done).mean()) if done.shape == array_done.shape else 0.0)
        if number >= 2:  # the first turns warm up
            taken.append((slow, fast, slow / fast))
    return *np.median(taken, axis=0), min(equal)


def main() -> None:
    """Measure, print the table and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--csv", type=Path, default=RESULTS, help="write the table to this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    machine = (
        f"{platform.machine()}, Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    )
    rows = [("work", "algorithm", "env", "copies", "torch_us", "numpy_us", "ratio", "equal_actions", "machine")]
    kinds = {kind.name: kind for kind in ALGORITHMS}
    for (env_text, copies), name in itertools.product(CASES, ("qmix", "rmix")):
        envs, seen = make_vector_env(env_text, copies), random_steps(env_text, copies)
        torch.manual_seed(0)
        agent = kinds[name]().networks(envs.spec).agent
        policies = [TeamPolicy(agent, envs.spec, CPU), team_policy(agent, envs.spec, CPU)]
        works = {"act": [acting(policy, seen) for policy in policies]}
        works["collect"] = [collecting(policy, envs) for policy in policies]
        for work, turns in works.items():
            slow, fast, ratio, equal = measure(turns)
            numbers = (f"{slow:.1f}", f"{fast:.1f}", f"{ratio:.2f}", f"{equal:.6f}")
            rows.append((work, name, env_text, f"{copies}", *numbers, machine))
            print(f"{work} of {name} on {env_text}, {copies} copies: {', '.join(numbers)}")
        envs.close()
    arguments.csv.parent.mkdir(parents=True, exist_ok=True)
    with arguments.csv.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


if __name__ == "__main__":
    main()
