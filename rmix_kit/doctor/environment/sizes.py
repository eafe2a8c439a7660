"""What a run at default settings comes to hold."""

from __future__ import annotations

from dataclasses import replace

from rmix_kit.config.load import resolve
from rmix_kit.doctor.finding import Finding
from rmix_kit.envs.interface import VectorEnv, codec_of
from rmix_kit.training.memory import available_bytes, in_words, planned_memory

ALGORITHM = "qmix"
LONG_RUN = 10**9
"""Steps after which every replay is full."""
SHARE = 0.8
"""Of the memory that is available: what is advised leaves the rest to networks and to others."""


def memory_finding(text: str, envs: VectorEnv) -> Finding:
    """Say what a long run at default settings takes, and whether this machine has it."""
    config = resolve(algo=ALGORITHM, env=text, seed=0, steps=LONG_RUN, report=lambda line: None)
    planned, settings = planned_memory(config, envs.spec, codec_of(envs)), config.training
    needed, available = planned.replay + planned.round + planned.batch, available_bytes()
    found = (
        f"a long run with the defaults holds at most {in_words(needed)}: {settings.buffer_episodes:,} episodes in the "
        f"replay {in_words(planned.replay)}, {settings.num_envs} copies {in_words(planned.round)}, a batch of "
        f"{settings.batch_size} {in_words(planned.batch)}"
    )
    if available is None or needed <= available:
        return Finding(name="memory", found=found)
    rest = available * SHARE - planned.round - planned.batch
    episodes = int(rest / planned.replay * settings.buffer_episodes)
    fix = f"train with --set training.buffer_episodes={episodes}, or give a lower episode_limit"
    if episodes < settings.batch_size:
        few = replace(config, training=replace(settings, num_envs=1, evaluation_copies=1, batch_size=1))
        least = planned_memory(few, envs.spec, codec_of(envs))
        fix = (
            "set training.num_envs, training.evaluation_copies, training.batch_size and training.buffer_episodes lower "
            f"(a copy takes {in_words(least.round)}, an episode in a batch {in_words(least.batch)}), or a lower "
            "episode_limit or smaller observations"
        )
    return Finding(name="memory", status="problem", found=f"{found}; {in_words(available)} is available", fix=fix)
