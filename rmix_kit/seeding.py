"""Independent random streams from one run seed. Nothing here touches a global generator."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from rmix_kit.errors import CheckpointError


def generator(run_seed: int, stream: str) -> np.random.Generator:
    """Make the generator of one named stream.

    Args:
        run_seed: The run's seed, not negative.
        stream: Name of the stream, such as "exploration".

    Returns:
        A PCG64 generator, independent of the other streams.
    """
    key = int.from_bytes(hashlib.sha256(stream.encode()).digest()[:4], "little")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([run_seed, key])))


def episode_seed(run_seed: int, stream: str, episode: int) -> int:
    """Give the seed with which an episode is reset.

    Args:
        run_seed: The run's seed, not negative.
        stream: "train" or "test", so that evaluation never replays a training episode.
        episode: Number of the episode, from 0.

    Returns:
        A seed in [0, 2^31).
    """
    digest = hashlib.sha256(f"{run_seed}/{stream}/{episode}".encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1


def generator_state(source: np.random.Generator) -> dict[str, Any]:
    """Give a generator's state as JSON-able values."""
    return dict(source.bit_generator.state)


def restore_generator(source: np.random.Generator, state: dict[str, Any]) -> None:
    """Put a generator back to a recorded state.

    Args:
        source: The generator, changed in place.
        state: From `generator_state`.

    Raises:
        CheckpointError: The record is not a PCG64 state.
    """
    try:
        source.bit_generator.state = state
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"a recorded random state cannot be restored: {error}") from error
