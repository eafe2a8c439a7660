"""One learner on one small game; prints its record as JSON. `games.py` runs this file once per record.

    python benchmarks/long/_games.py ALGORITHM GAME SEED

Value methods learn on uniform data without luck: every sequence of joint actions of the game, all of them in every
batch. QTRAN, WQMIX and QPLEX draw their batches from them in the first half of training: without that noise they can
stay at a saddle, such as the one between the two best cells of the penalty game.
COMA and the on-policy half of DOP cannot; they are trained by `rmix_kit.train` on what they play.
"""

from __future__ import annotations

import json
import math
import sys
import tempfile
import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

import rmix_kit
from rmix_kit.algorithms import Algorithm
from rmix_kit.collect import Collector
from rmix_kit.config.load import resolve
from rmix_kit.envs.make import make_vector_env
from rmix_kit.policy import TeamPolicy
from rmix_kit.training.joint_table import JointTable, spec_of, tabulate, uniform_batch, uniform_replay
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import Progress

CPU = torch.device("cpu")
GAMES = {
    "two-step": "didactic:two-step",
    "qtran": "didactic:qtran",
    "harder": "didactic:qtran-harder",
    "climbing": "didactic:climbing",
    "penalty": "didactic:penalty?k=-100",
    "mmdp": "didactic:mmdp",
}
PLAYED_STEPS, MMDP_PLAYED_STEPS = 4_800, 128_000
UPDATES = {"two-step": 3_000, "qtran": 6_000, "cw-qmix": 6_000, "ow-qmix": 6_000, "qplex": 8_000}
TARGET_EVERY = {"two-step": 60}
DRAWN_EPISODES = {"qtran": 8, "cw-qmix": 16, "ow-qmix": 16, "qplex": 32}
SETTINGS = {
    "td_lambda": 0.0,
    "has_bounded_targets": False,
    "learning_rate": 5e-3,
    "optimizer": "adam",
    "optimizer_eps": 1e-8,
    "grad_clip": 1e6,
    "n_quantiles": 10,
}
"""Of every algorithm that has the field."""


def configured(name: str, game: str, seed: int, *overrides: str) -> rmix_kit.config.load.RunConfig:
    """Return the run's configuration, as the command line would."""
    return resolve(algo=name, env=GAMES[game], seed=seed, steps=PLAYED_STEPS, overrides=overrides, device="cpu")


def make_algorithm(name: str, game: str, seed: int) -> Algorithm:
    """Return the algorithm with one-step targets and a steady optimiser."""
    algorithm = configured(name, game, seed).algorithm
    known = {entry.name for entry in fields(algorithm)}
    settings: dict[str, Any] = {key: value for key, value in SETTINGS.items() if key in known}
    if name == "qplex":
        settings |= {"learning_rate": 1e-3, "optimizer": "rmsprop"}  # at larger steps its utilities run away
    if "risk_level" in known:
        settings["risk_level"] = 0.3  # static, as the published tables were checked
    return replace(algorithm, **settings)


def learn_uniform(name: str, game: str, seed: int) -> dict[str, Any]:
    """Train on uniform data; give the greedy return and the joint values."""
    algorithm = make_algorithm(name, game, seed)
    reward_scale = 0.1
    spec = spec_of(GAMES[game])
    batch = whole = uniform_batch(GAMES[game], reward_scale=reward_scale, tau_draws=algorithm.tau_draws)
    updates = UPDATES.get(name if game not in UPDATES else game, 2_000)
    interval = TARGET_EVERY.get(game, 200)
    replay, draws = uniform_replay(GAMES[game]), np.random.default_rng(seed)
    learner = Learner(algorithm, spec, TargetSettings(interval_episodes=interval), seed=seed, device=CPU)
    for index in range(updates):
        share = index / updates
        if name in DRAWN_EPISODES:
            is_drawn, share = share < 0.5, max(0.0, 2.0 * share - 1.0)
            batch = replay.sample(DRAWN_EPISODES[name], draws, reward_scale=reward_scale) if is_drawn else whole
        factor = 0.5 * (1.0 + math.cos(math.pi * share))
        if algorithm.tau_draws:
            generator = torch.Generator().manual_seed(seed * updates + index)
            batch = replace(batch, tau=torch.rand(batch.tau.shape, generator=generator))
        learner.update(batch, Progress(env_steps=index, updates=index, episodes=index), learning_rate_factor=factor)
    envs = make_vector_env(GAMES[game], 1)
    agent = learner.online.agent
    collector = Collector(envs, TeamPolicy(agent, spec, CPU))
    played = collector.collect([0], epsilon=0.0, rng=np.random.default_rng(0), is_greedy=True)
    table = tabulate(algorithm, learner.online, agent, GAMES[game], checkpoint_step=updates, reward_scale=reward_scale)
    return {"return": float(played.episode_return[0]), "tables": by_state(table), "updates": updates}


def by_state(table: JointTable) -> dict[str, Any]:
    """Return the joint values of every state that the sequences reach, as nested lists."""
    return {
        str(state): values.round(4).tolist()
        for state, values in enumerate(table.by_state())
        if not np.isnan(values).all()
    }


def learn_by_playing(name: str, game: str, seed: int) -> dict[str, Any]:
    """Train as `rmix-kit train` does; give the greedy return."""
    overrides = [
        *("algorithm.hidden_size=32", "algorithm.critic_hidden_size=32", "algorithm.critic_steps=4"),
        *("algorithm.learning_rate=2e-3", "algorithm.critic_learning_rate=1e-2", "algorithm.entropy_bonus=0"),
        *("algorithm.entropy_floor=0", "algorithm.entropy_floor_end=0"),
        *(f"training.epsilon_steps={PLAYED_STEPS // 2}", "training.learning_rate_decay_from=1"),
        *("training.target.interval_steps=0", "training.checkpoint_interval=100000"),
    ]
    config = replace(configured(name, game, seed, *overrides), steps=PLAYED_STEPS)
    with tempfile.TemporaryDirectory() as folder:
        run = rmix_kit.train(config, out=Path(folder) / "run")
        evaluation = run.evaluate()
    return {"return": evaluation.return_mean, "tables": {}, "updates": None}


def learn_mmdp(name: str, game: str, seed: int) -> dict[str, Any]:
    """Train on the endless game as `rmix-kit train` does, targets unbounded; give the joint values of its start."""
    overrides = [
        *("algorithm.has_bounded_targets=false", "training.updates_per_step=0.02", "training.epsilon_steps=20000"),
        *("training.target.interval_episodes=0", "training.target.interval_steps=20"),
        *("training.evaluation_interval=64000", "training.checkpoint_interval=128000"),
    ]
    config = replace(configured(name, game, seed, *overrides), steps=MMDP_PLAYED_STEPS)
    with tempfile.TemporaryDirectory() as folder:
        run = rmix_kit.train(config, out=Path(folder) / "run")
    return {"return": run.evaluate().return_mean, "tables": by_state(run.joint_table(steps=1)), "updates": None}


def main(name: str, game: str, seed: int) -> dict[str, Any]:
    """Learn, and say how long it took."""
    torch.set_num_threads(1)
    start = time.process_time()
    learn = learn_by_playing if name in ("coma", "dop") else learn_uniform
    learn = learn_mmdp if game == "mmdp" else learn
    return learn(name, game, seed) | {"cpu_seconds": round(time.process_time() - start, 1)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
