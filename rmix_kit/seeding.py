"""Independent random streams from one run seed. Nothing here touches a global generator."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from rmix_kit.errors import CheckpointError, ConfigError

LARGEST_SEED = 2**127 - 1
"""Every smaller one can be recorded everywhere: in file names, JSON, and as TensorBoard's float32."""
LARGEST_TORCH_SEED = 2**64 - 1


def check_seed(seed: int) -> int:
    """Return a seed back, or refuse it.

    Args:
        seed: In [0, 2^127).

    Raises:
        ConfigError: It is negative or too large.
    """
    if seed < 0:
        raise ConfigError(f"seed is {_shown(seed)}; it must not be negative")
    if seed > LARGEST_SEED:
        raise ConfigError(f"seed is {_shown(seed)}; it must be below 2^127 (a number of at most 38 digits always is)")
    return seed


def _shown(seed: int) -> str:
    """Write a seed; one of thousands of digits is described."""
    return str(seed) if seed.bit_length() <= 256 else f"a number of {seed.bit_length()} bits"


def torch_seed(run_seed: int) -> int:
    """Return the seed for torch's generator: the run's own, or, above the largest that torch takes, a digest of it.

    Returns:
        A seed in [0, 2^64).
    """
    if run_seed <= LARGEST_TORCH_SEED:
        return run_seed
    return int.from_bytes(hashlib.sha256(f"{run_seed}/weights".encode()).digest()[:8], "little")


def generator(run_seed: int, stream: str) -> np.random.Generator:
    """Make the generator of one named stream.

    Args:
        stream: Name of the stream, such as "exploration".

    Returns:
        A PCG64 generator, independent of the other streams.
    """
    key = int.from_bytes(hashlib.sha256(stream.encode()).digest()[:4], "little")
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([run_seed, key])))


def episode_seed(run_seed: int, stream: str, episode: int) -> int:
    """Return the seed with which an episode is reset.

    Args:
        stream: "train", "validation" or one of `validation_stream` (the evaluations during training, which choose the
            best checkpoint) or "test" (every evaluation after it), so that none replays an episode of another.
        episode: Number of the episode, from 0.

    Returns:
        A seed in [0, 2^31).
    """
    digest = hashlib.sha256(f"{run_seed}/{stream}/{episode}".encode()).digest()
    return int.from_bytes(digest[:4], "little") >> 1


def validation_stream(env_steps: int) -> str:
    """Return the stream of the evaluation that a run makes after so many environment steps."""
    return f"validation/{env_steps}"


def generator_state(source: np.random.Generator) -> dict[str, Any]:
    """Return a generator's state as JSON-able values."""
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
