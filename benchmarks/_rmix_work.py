"""What benchmarks of updates share: the batch, both learners, and the table."""

from __future__ import annotations

import csv
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _naive_rmix import NaiveLearner
from torch import Tensor

from rmix_kit.algorithms.algorithm import Algorithm
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.networks.quantile import QuantileAgent
from rmix_kit.networks.unroll import agent_ids, last_actions
from rmix_kit.replay.buffer import make_packing
from rmix_kit.training.device import keep_freed_memory
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import EnvSpec, EpisodeBatch, Progress

EPISODES, STEPS, N_AGENTS, N_ACTIONS, STATE = 32, 50, 2, 4, 7
N_QUANTILES, N_LEVELS = 100, 10
CPU = torch.device("cpu")
RESULTS = Path(__file__).parent / "results"
Work = Callable[[], object]


def make_spec() -> EnvSpec:
    """Return MACN's sizes: nine cell codes per agent."""
    return EnvSpec(
        n_agents=N_AGENTS,
        n_actions=N_ACTIONS,
        obs_shape=(3, 3),
        obs_dtype="int8",
        obs_low=(0.0,) * 9,
        obs_high=(4.0,) * 9,
        state_size=STATE,
        episode_limit=STEPS,
        agent_ids=("agent_0", "agent_1"),
        action_meanings=("UP", "DOWN", "LEFT", "RIGHT"),
    )


def make_batch() -> EpisodeBatch:
    """Return 32 full episodes of 50 steps (51 observations): the worst case, in which packing saves nothing."""
    rng = np.random.default_rng(0)
    shape = (EPISODES, STEPS + 1, N_AGENTS)
    return EpisodeBatch(
        obs=torch.from_numpy(rng.integers(0, 5, (*shape, 3, 3), dtype=np.int8)),
        state=torch.from_numpy(rng.random((EPISODES, STEPS + 1, STATE), dtype=np.float32)),
        avail_actions=torch.ones((*shape, N_ACTIONS), dtype=torch.bool),
        actions=torch.from_numpy(rng.integers(0, N_ACTIONS, (EPISODES, STEPS, N_AGENTS))),
        reward=torch.full((EPISODES, STEPS), -0.05),
        terminated=torch.zeros((EPISODES, STEPS), dtype=torch.bool),
        mask=torch.ones((EPISODES, STEPS), dtype=torch.bool),
        reward_range=torch.tensor([-5.0, 0.0]),
        is_explored=torch.zeros((EPISODES, STEPS, N_AGENTS), dtype=torch.bool),
        risk_level=torch.zeros(EPISODES),
        tau=torch.zeros(EPISODES, STEPS + 1, 0),
        is_newest=torch.zeros(EPISODES, dtype=torch.bool),
        epsilon=torch.zeros(()),
        packing=make_packing(np.full(EPISODES, STEPS), N_AGENTS, CPU),
    )


def our_work(kind: str, **changes: int) -> Work:
    """Return a call that makes one of our updates: "td" or "quantile", guard and target copy included.

    ``changes`` are of RMIX's fields, such as ``risk_embed_size``. The process keeps freed memory, as in training; every
    contender in it gains.
    """
    sizes = {"n_quantiles": N_QUANTILES, "n_risk_levels": N_LEVELS} | changes
    algorithm = RMIX(**sizes, quantile_start_steps=0, quantile_every_updates=1)  # type: ignore[arg-type]
    is_due = kind == "quantile"
    progress = Progress(env_steps=1000 if is_due else 0, previous_env_steps=0)
    return update_work(algorithm, make_spec(), make_batch(), progress)


def update_work(
    algorithm: Algorithm[Any], spec: EnvSpec, batch: EpisodeBatch, progress: Progress | None = None
) -> Work:
    """Return a call that makes one update of an algorithm on a batch, guard and target copy included."""
    keep_freed_memory()
    learner, now = Learner(algorithm, spec, TargetSettings(), seed=0, device=CPU), progress or Progress()
    return lambda: learner.update(batch, now)


def naive_work(kind: str) -> Work:
    """Return a call that makes one naive step; its inputs are coded beforehand, which favours it."""
    spec, batch = make_spec(), make_batch()
    agent = RMIX().build(spec).agent
    assert isinstance(agent, QuantileAgent)
    inputs: Tensor = agent.inputs(batch.obs, last_actions(batch), agent_ids(batch))  # [batch, time + 1, agent, input]
    torch.manual_seed(0)
    learner = NaiveLearner(inputs.shape[-1], batch, n_quantiles=N_QUANTILES, n_levels=N_LEVELS, embed_size=N_AGENTS)
    step = learner.quantile_step if kind == "quantile" else learner.td_step
    return lambda: step(inputs, batch)


def take_turns(contenders: dict[str, Work], turns: int, repeats: int) -> dict[str, list[float]]:
    """Measure CPU milliseconds per call, contenders taking turns so that a busy machine slows them alike."""
    measured: dict[str, list[float]] = {name: [] for name in contenders}
    for work in contenders.values():
        work()
    for _ in range(turns):
        for name, work in contenders.items():
            start = time.process_time()
            for _ in range(repeats):
                work()
            measured[name].append(1e3 * (time.process_time() - start) / repeats)
    return measured


def machine_note() -> str:
    """Describe the machine in one cell."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}; {os.cpu_count()} cores; torch {torch.__version__}; {torch.get_num_threads()} thread"


def report(
    work: str,
    measured: dict[str, list[float]],
    extra: dict[str, dict[str, object]] | None = None,
    *,
    baseline: str = "ours",
) -> None:
    """Print the table and write it to ``results/<work>.csv``; ratios to the baseline are medians over the turns."""
    ours = measured[baseline]
    rows: list[dict[str, object]] = []
    for name, times in measured.items():
        ratio = statistics.median(t / o for t, o in zip(times, ours, strict=True))
        row: dict[str, object] = {
            "work": work,
            "contender": name,
            "cpu_ms_median": round(statistics.median(times), 1),
            "cpu_ms_min": round(min(times), 1),
            f"times_{baseline}": round(ratio, 2),
        }
        rows.append(row | (extra or {}).get(name, {}) | {"machine": machine_note()})
        print("  ".join(f"{key}={value}" for key, value in rows[-1].items() if key != "machine"))
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / f"{work}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
