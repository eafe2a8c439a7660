"""Random numbers of a run as pure functions of counters, the same on every device (`macn.counter_hash`).

A draw has 64 bits. What is drawn follows from the key of its stream and from counters that are part of a checkpoint, so
that nothing random has a state of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from macn.counter_hash import GAMMA, counter_draws, mix, stream_keys

STREAMS = ("train", "exploration", "replay", "risk_level", "tau", "level_redraw")
UNIFORM_BITS = 24  # what a float32 in [0, 1) holds exactly
WHOLE_BITS = 32
_LARGEST_EPISODE_SEED = 2**31 - 1


def stream_key(run_seed: int, stream: str) -> int:
    """Return the key of a run's stream, in [0, 2^63).

    Args:
        stream: One of `STREAMS`.
    """
    digest = hashlib.sha256(f"{run_seed}/device/{stream}".encode()).digest()
    return int.from_bytes(digest[:8], "little") >> 1


def episode_seeds(key: Tensor, copy: Tensor, episode: Tensor) -> Tensor:
    """Return the seeds with which copies begin an episode, int64 ``[env]`` in [0, 2^31).

    Args:
        key: int64 ``[env]``, the run's stream "train".
        copy: int64 ``[env]``, the copy's number within its run.
        episode: int64 ``[env]``, the episodes that the copy has begun before.
    """
    seeds: Tensor = stream_keys(key, copy, episode) & _LARGEST_EPISODE_SEED
    return seeds


def numbered_draws(key: int | Tensor, numbers: Tensor, count: int) -> Tensor:
    """Return draws that are counted by a number and an index: int64 ``[..., count]``.

    Args:
        key: Of the stream; int64 that broadcasts to ``[...]`` where numbers belong to several streams.
        numbers: int64 ``[...]``.
        count: Draws of each number.
    """
    keys = mix(torch.zeros_like(numbers) + key + GAMMA).reshape(-1)  # [number]
    draws: Tensor = counter_draws(keys, numbers.reshape(-1), torch.arange(count, device=numbers.device))
    return draws.reshape(*numbers.shape, count)


def stream_keys_of(seeds: Sequence[int], stream: str, device: torch.device) -> Tensor:
    """Return the keys of several runs' streams, int64 ``[seed]`` on a device.

    Args:
        seeds: The runs'.
        stream: One of `STREAMS`.
    """
    return torch.tensor([stream_key(seed, stream) for seed in seeds]).to(device)


def uniform(draws: Tensor) -> Tensor:
    """Return float32 numbers in [0, 1) of the lowest bits of draws int64 ``[...]``."""
    return torch.mul((draws & (2**UNIFORM_BITS - 1)).float(), 2.0**-UNIFORM_BITS)


def open_uniform(draws: Tensor) -> Tensor:
    """Return float32 numbers in (0, 1) of the lowest bits of draws int64 ``[...]``: the middles of equal parts."""
    return torch.mul(((draws & (2**UNIFORM_BITS - 2)) + 1).float(), 2.0**-UNIFORM_BITS)


def whole(draws: Tensor, count: Tensor | int) -> Tensor:
    """Return whole numbers in [0, count) of the bits of draws that `uniform` leaves, int64 ``[...]``.

    Args:
        draws: int64 ``[...]``.
        count: At least 1, below 2^31; int64 that broadcasts.
    """
    parts = (draws >> UNIFORM_BITS) & (2**WHOLE_BITS - 1)
    return torch.mul(parts, count) >> WHOLE_BITS


def risk_levels(draws: Tensor, count: int) -> Tensor:
    """Return risk levels of {1/K, ..., 1}, float32 ``[...]``.

    Args:
        draws: int64 ``[...]``.
        count: K.
    """
    return (whole(draws, count) + 1).float() / count


def explore(greedy: Tensor, avail_actions: Tensor, epsilon: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
    """Do what `rmix_kit.collect.exploration.explore` does, with one draw an agent.

    Args:
        greedy: int64 ``[env, agent]``, available actions.
        avail_actions: bool ``[env, agent, action]``, at least one true each.
        epsilon: float32 that broadcasts to ``[env, agent]``, in [0, 1].
        draws: int64 ``[env, agent]``.

    Returns:
        The actions, and which of them are explorations: int64 and bool ``[env, agent]``.
    """
    rank = whole(draws, avail_actions.sum(-1))  # [env, agent]
    drawn = (avail_actions.cumsum(-1) <= rank.unsqueeze(-1)).sum(-1)  # the rank-th available action
    is_random = uniform(draws) < epsilon
    return torch.where(is_random, drawn, greedy), is_random & (drawn != greedy)
