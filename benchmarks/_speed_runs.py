"""Rows of `speed.py` about whole processes, and how long a run of the paper's size takes."""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from _rmix_work import take_turns
from _speed_rows import Effort, Row, in_turns, row_of
from _speed_updates import FEW, collector_of, play, real_update
from _whole_processes import batched_macn_run, command_seconds, cpu_seconds, episode_by_episode_run

from rmix_kit.envs.make import make_vector_env

PAPER_STEPS = 2_000_000
PAPER_GOALS = {"rmix": "at most 1.5 h", "qmix": "at most 0.9 h"}
RATE, SECONDS, HOURS = "steps/CPU s", "CPU s", "CPU h"


def training(effort: Effort) -> Iterator[Row]:
    """Measure training runs from the start of their processes."""
    steps = effort.macn_steps
    runs = {copies: lambda copies=copies: steps / batched_macn_run(steps, copies) for copies in (8, 32)}
    taken = in_turns({str(copies): run for copies, run in runs.items()}, effort.processes)
    goals = {8: "2.5x JaxMARL's process", 32: "JaxMARL's rate without start and compiling"}
    for copies, goal in goals.items():
        work = f"qmix on MACN, {copies} copies, an update per 400 steps, {steps:,} steps"
        yield row_of(work, RATE, {"ours": taken[str(copies)]}, goal=f"{goal} (long/jaxmarl_peer.py)")
    steps = effort.battle_steps
    taken = in_turns({"ours": lambda: steps / episode_by_episode_run(steps)}, effort.processes)
    work = f"qmix on 5m_vs_6m, one copy, an update per episode, {steps:,} steps"
    yield row_of(work, RATE, taken, goal="ahead of EPyMARL (long/epymarl_speed.py)")


def start_up(effort: Effort) -> Iterator[Row]:
    """Measure commands that do next to nothing."""

    def python(program: str) -> Callable[[], float]:
        return lambda: cpu_seconds([sys.executable, "-c", program])

    def one_step() -> float:
        with tempfile.TemporaryDirectory() as folder:
            words = ("--algo=qmix", "--env=macn:4x12", "--steps=1", "--seed=0", f"--out={folder}/run")
            return command_seconds("train", *words)

    contenders = {
        "bare": python("pass"),
        "torch": python("import torch"),
        "algos": lambda: command_seconds("algos"),
        "help": lambda: command_seconds("--help"),
        "train": one_step,
    }
    taken = in_turns(contenders, effort.processes + 2)
    yield row_of("start: python -c 'import torch'", SECONDS, {"ours": taken["torch"], "floor": taken["bare"]})
    for name, command in (("help", "rmix-kit --help"), ("algos", "rmix-kit algos")):
        note = "floor: Python alone"
        yield row_of(f"start: {command}", SECONDS, {"ours": taken[name], "floor": taken["bare"]}, note=note)
    pair = {"ours": taken["train"], "floor": taken["torch"]}
    yield row_of("start: training of one step", SECONDS, pair, note="floor: import torch")


def collecting_rate(algo: str, copies: int, seconds: float) -> Callable[[], float]:
    """Return a turn of collecting at epsilon 1 with the paper's preset: steps per CPU second."""
    envs = make_vector_env(FEW, copies)
    played = play(algo, FEW, preset=f"{algo}-paper")
    collector, rng = collector_of(played.config, envs), np.random.default_rng(0)

    def turn() -> float:
        start, steps = time.process_time(), 0
        while time.process_time() - start < seconds:
            seeds = [int(seed) for seed in rng.integers(2**31, size=copies)]
            steps += collector.collect(seeds, epsilon=1.0, rng=rng).env_steps
        return steps / (time.process_time() - start)

    turn()
    return turn


def paper_runs(effort: Effort) -> Iterator[Row]:
    """Work out the CPU hours of 2M steps of 5m_vs_6m with one update per episode.

    hours = (steps / collecting rate + steps / mean length of an episode x (draw + update)) / 3600, of ALGO-paper, on
    episodes played at epsilon 1. Evaluations, records and RMIX's quantile steps are not in it.
    """
    for algo, goal in PAPER_GOALS.items():
        played = play(algo, FEW, preset=f"{algo}-paper")
        update, _ = real_update(played)
        draw = partial(played.draw, np.random.default_rng(0))
        spent = take_turns({"update": update, "draw": draw}, effort.turns, effort.repeats)
        milliseconds = sum(statistics.median(times) for times in spent.values())
        for copies in (1, 8):
            rate = statistics.median(in_turns({"": collecting_rate(algo, copies, effort.seconds)}, effort.turns)[""])
            seconds = PAPER_STEPS / rate + PAPER_STEPS / played.mean_length * milliseconds / 1e3
            note = (
                f"{rate:,.0f} steps/CPU s collecting, {milliseconds:.1f} ms an update with its draw, "
                f"{played.mean_length:.1f} steps an episode"
            )
            work = f"paper run of {algo}, 2M steps of 5m_vs_6m, copies that collect: {copies}"
            yield row_of(work, HOURS, {"ours": [seconds / 3600]}, goal=goal, note=note)
