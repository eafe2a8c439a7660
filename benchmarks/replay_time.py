"""CPU time of drawing a batch, alone and with an update, beside a replay of padded slots.

    python benchmarks/replay_time.py

One thread; batches of 32 from 5,000 episodes: MACN's of 50 steps, MACN's of 1 to 50 steps, and some of the sizes of
StarCraft's 5m_vs_6m (drawing alone). The update is QMIX's, the quickest that has a mixer; contenders take turns.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from _padded_replay import PaddedReplay
from _rmix_work import CPU, Work, make_spec, report, take_turns

from rmix_kit.algorithms.qmix import QMIX
from rmix_kit.replay import EpisodeBlock, ReplayBuffer
from rmix_kit.replay.episode import empty_block
from rmix_kit.training.device import keep_freed_memory
from rmix_kit.training.learner import Learner, TargetSettings
from rmix_kit.types import EnvSpec, Progress

EPISODES, BATCH, TURNS = 5000, 32, 15
STARCRAFT = replace(
    make_spec(),
    n_agents=5,
    n_actions=12,
    obs_shape=(55,),
    obs_dtype="float32",
    obs_low=(-1.0,) * 55,
    obs_high=(1.0,) * 55,
    state_size=98,
    episode_limit=70,
    agent_ids=tuple(f"agent_{i}" for i in range(5)),
    action_meanings=tuple(f"action_{i}" for i in range(12)),
)


def make_block(spec: EnvSpec, *, has_full_length: bool) -> EpisodeBlock:
    """Return 5,000 random episodes."""
    rng, limit = np.random.default_rng(0), spec.episode_limit
    block = empty_block(spec, EPISODES, limit)
    block.length[:] = limit if has_full_length else rng.integers(1, limit + 1, size=EPISODES)
    is_observed = np.arange(limit + 1) <= block.length[:, None]
    block.observed["obs"][is_observed] = rng.integers(0, 2, size=(is_observed.sum(), spec.n_agents, *spec.obs_shape))
    block.observed["avail_actions"][is_observed] = True
    block.reward[is_observed[:, 1:]] = -0.05
    return block


def contenders(spec: EnvSpec, *, has_full_length: bool, has_update: bool) -> dict[str, Work]:
    """Return one call each for our replay and for padded slots."""
    block = make_block(spec, has_full_length=has_full_length)
    ours, padded = ReplayBuffer(spec, EPISODES, CPU), PaddedReplay(block, spec.episode_limit)
    ours.add(block)
    learner = Learner(QMIX(), spec, TargetSettings(), seed=0, device=CPU)
    streams = {"ours": np.random.default_rng(1), "padded": np.random.default_rng(1)}
    draw = {
        "ours": lambda: ours.sample(BATCH, streams["ours"], reward_scale=1.0),
        "padded": lambda: padded.sample(BATCH, streams["padded"]),
    }
    if not has_update:
        return dict(draw)
    return {name: lambda call=call: learner.update(call(), Progress()) for name, call in draw.items()}  # type: ignore[misc]


def main() -> None:
    """Measure, print, write ``results/replay_time_*.csv``."""
    torch.set_num_threads(1)
    keep_freed_memory()
    macn = make_spec()
    for kind, spec, has_full_length in (
        ("macn_full", macn, True),
        ("macn_mixed", macn, False),
        ("starcraft", STARCRAFT, False),
    ):
        for has_update in (False, True) if spec is macn else (False,):
            works = contenders(spec, has_full_length=has_full_length, has_update=has_update)
            measured = take_turns(works, turns=TURNS, repeats=3 if has_update else 100)
            report(f"replay_time_{kind}_{'update' if has_update else 'draw'}", measured, baseline="padded")


if __name__ == "__main__":
    main()
