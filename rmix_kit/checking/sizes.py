"""What the replay takes at default settings."""

from __future__ import annotations

import torch

from rmix_kit.checking.finding import Finding
from rmix_kit.config.load import resolve
from rmix_kit.envs.interface import VectorEnv, codec_of
from rmix_kit.replay import ReplayBuffer
from rmix_kit.training.memory import available_bytes, in_words

ALGORITHM = "qmix"


def memory_finding(text: str, envs: VectorEnv) -> Finding:
    """Say what a replay at default settings takes, and whether this machine has it.

    Args:
        text: Environment text.
        envs: Any copies.
    """
    settings = resolve(algo=ALGORITHM, env=text, seed=0, steps=1, report=lambda line: None).training
    buffer = ReplayBuffer(envs.spec, settings.buffer_episodes, torch.device("cpu"), codec=codec_of(envs))
    batch = settings.batch_size * buffer.episode_bytes
    found = (
        f"the replay of {settings.buffer_episodes:,} episodes takes at most {in_words(buffer.worst_case_bytes)}, a "
        f"batch of {settings.batch_size} at most {in_words(batch)}"
    )
    available = available_bytes()
    if available is None or buffer.worst_case_bytes + batch <= available:
        return Finding(name="memory", found=found)
    fitting = max(1, int(settings.buffer_episodes * (available - batch) / buffer.worst_case_bytes * 0.8))
    return Finding(
        name="memory",
        status="problem",
        found=f"{found}; {in_words(available)} is available",
        fix=f"train with --set training.buffer_episodes={fitting}, or give a lower episode_limit"
        if batch < available
        else "give a lower episode_limit or smaller observations: one batch does not fit",
    )
