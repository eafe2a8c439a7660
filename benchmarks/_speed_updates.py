"""Rows of `speed.py` about updates: on synthetic and real batches beside their matrix products, and drawing a batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from _products import floor_of
from _rmix_work import CPU, EPISODES, Work, make_batch, make_spec, naive_work, our_work, take_turns, update_work
from _speed_rows import Effort, Row, row_of

from rmix_kit.algorithms.qmix import QMIX
from rmix_kit.collect import Collector
from rmix_kit.config.load import resolve
from rmix_kit.envs.interface import VectorEnv, codec_of
from rmix_kit.envs.make import make_vector_env
from rmix_kit.policy import team_policy
from rmix_kit.replay import EpisodeBlock, ReplayBuffer
from rmix_kit.replay.episode import EPISODE_FIELDS, STEP_FIELDS
from rmix_kit.training.learner import Learner
from rmix_kit.training.run_config import RunConfig
from rmix_kit.types import EpisodeBatch, Progress

FEW, MANY, MORE = (f"smac:{name}?backend=builtin" for name in ("5m_vs_6m", "MMM2", "10m_vs_11m"))
COPIES, ROUNDS = 32, 8  # 256 episodes are in the replay
UNIT = "CPU ms"


@dataclass(frozen=True, kw_only=True)
class Played:
    """Episodes that a preset collected at epsilon 1, with fresh weights."""

    config: RunConfig
    envs: VectorEnv
    buffer: ReplayBuffer

    def draw(self, rng: np.random.Generator) -> EpisodeBatch:
        """Draw a batch as training does."""
        return self.buffer.sample(EPISODES, rng, reward_scale=1.0, tau_draws=self.config.algorithm.tau_draws)

    @property
    def mean_length(self) -> float:
        """Steps of an episode."""
        return float(self.buffer.lengths[: len(self.buffer)].mean())


def collector_of(config: RunConfig, envs: VectorEnv) -> Collector:
    """Return what plays the copies with a fresh team."""
    learner = Learner(config.algorithm, envs.spec, config.training.target, seed=0, device=CPU)
    return Collector(envs, team_policy(learner.online.agent, envs.spec, CPU))


def play(algo: str, env: str, *, preset: str | None = None) -> Played:
    """Fill a replay."""
    config = resolve(algo=algo, preset=preset, env=env, seed=0, steps=2_000_000, report=lambda text: None)
    envs = make_vector_env(env, COPIES)
    collector, rng = collector_of(config, envs), np.random.default_rng(0)
    buffer = ReplayBuffer(envs.spec, COPIES * ROUNDS, CPU, codec=codec_of(envs))
    for number in range(ROUNDS):
        seeds = [number * COPIES + copy for copy in range(COPIES)]
        buffer.add(collector.collect(seeds, epsilon=1.0, rng=rng).block)
    return Played(config=config, envs=envs, buffer=buffer)


def stretched(played: Played) -> Played:
    """Return a replay of a batch's episodes, each repeating its own steps up to the limit."""
    block, limit = played.buffer.last(EPISODES), played.envs.spec.episode_limit
    step = np.arange(limit + 1) % block.length[:, None]  # [episode, time + 1]
    row = np.arange(EPISODES)[:, None]
    full = EpisodeBlock(
        observed={name: array[row, step] for name, array in block.observed.items()},
        **{name: getattr(block, name)[row, step[:, :-1]] for name in STEP_FIELDS},
        **{name: getattr(block, name) for name in EPISODE_FIELDS if name != "length"},
        length=np.full(EPISODES, limit),
    )
    buffer = ReplayBuffer(played.envs.spec, EPISODES, CPU, codec=played.buffer.codec)
    buffer.add(full)
    return replace(played, buffer=buffer)


def rows_of(played: Played, batch: EpisodeBatch) -> str:
    """Say how large a batch is."""
    agents = played.envs.spec.n_agents
    return f"{int(batch.mask.sum() + len(batch.mask)) * agents:,} rows"


def real_update(played: Played, *, is_quantile: bool = False) -> tuple[Work, str]:
    """Return an update on a drawn batch, and the batch's size."""
    algorithm: Any = played.config.algorithm
    progress = Progress()
    if is_quantile:
        algorithm = replace(algorithm, quantile_start_steps=0, quantile_every_updates=1)
        progress = Progress(env_steps=1000, previous_env_steps=0)
    batch = played.draw(np.random.default_rng(0))
    return update_work(algorithm, played.envs.spec, batch, progress), rows_of(played, batch)


def measured(
    effort: Effort,
    work: str,
    ours: Work,
    *,
    peer: Work | None = None,
    peer_is: str = "naive form",
    goal: str = "",
    note: str = "",
    is_slow: bool = False,
) -> Row:
    """Measure an update beside its matrix products."""
    contenders = {"ours": ours, "floor": floor_of(ours)} | ({} if peer is None else {"peer": peer})
    taken = take_turns(contenders, turns=effort.turns, repeats=1 if is_slow else effort.repeats)
    return row_of(work, UNIT, taken, peer_is=peer_is, goal=goal, note=note)


def rmix_updates(effort: Effort) -> Iterator[Row]:
    """Measure TD updates of RMIX."""
    goal = "5x the released code (released_rmix.py)"
    yield measured(effort, "RMIX update, MACN 32x51x2, M=100", our_work("td"), peer=naive_work("td"), goal=goal)
    few, qmix_few = play("rmix", FEW), play("qmix", FEW)
    for name, played, beside in (("real", few, qmix_few), ("full", stretched(few), stretched(qmix_few))):
        (work, size), (peer, _) = real_update(played), real_update(beside)
        yield measured(
            effort,
            f"RMIX update, 5m_vs_6m, {name} batch",
            work,
            peer=peer,
            peer_is="QMIX's update",
            goal="at most 1.8 times QMIX's: 0.56",
            note=size,
        )
    work, size = real_update(play("rmix", MANY))
    yield measured(effort, "RMIX update, MMM2, real batch, M=65", work, note=size)


def qmix_updates(effort: Effort) -> Iterator[Row]:
    """Measure updates of QMIX."""
    yield measured(effort, "QMIX update, MACN 32x51x2", update_work(QMIX(), make_spec(), make_batch()))
    for name, env in (("5m_vs_6m", FEW), ("MMM2", MANY)):
        work, size = real_update(play("qmix", env))
        yield measured(effort, f"QMIX update, {name}, real batch", work, note=size)


def quantile_steps(effort: Effort) -> Iterator[Row]:
    """Measure quantile steps of RMIX."""
    goal, naive = "10x the released code (released_rmix.py)", naive_work("quantile")
    yield measured(
        effort, "quantile step, MACN 32x51x2, M=100", our_work("quantile"), peer=naive, goal=goal, is_slow=True
    )
    for name, env in (("5m_vs_6m", FEW), ("MMM2", MANY)):
        work, size = real_update(play("rmix", env), is_quantile=True)
        yield measured(effort, f"quantile step, {name}, real batch", work, note=size)


def draws(effort: Effort) -> Iterator[Row]:
    """Measure drawing a batch, observations rebuilt from what the replay keeps."""
    for name, env in (("5m_vs_6m", FEW), ("10m_vs_11m", MORE)):
        played = play("qmix", env)
        draw = partial(played.draw, np.random.default_rng(0))
        taken = take_turns({"ours": draw}, turns=effort.turns, repeats=10 * effort.repeats)
        size = rows_of(played, played.draw(np.random.default_rng(0)))
        yield row_of(f"drawing a batch of 32, {name}", UNIT, taken, note=size)
