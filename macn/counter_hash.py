"""Slip draws from a counter hash: the same numbers on numpy and torch, whatever the face.

There is no generator to carry: a draw is a function of (seed, environment, episode, step, agent). Integer arithmetic
only, in int64 that wraps, with the finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", 2014). A right shift of int64 copies the sign, so every shift is followed by a mask.
"""

from __future__ import annotations

import hashlib
import operator

import numpy as np

from macn.dynamics import Array
from macn.errors import ParameterError

LARGEST_SEED = 2**63 - 1

GAMMA = 0x9E3779B97F4A7C15 - 2**64  # SplitMix64's increment, as int64
_MULTIPLIER_1 = 0xBF58476D1CE4E5B9 - 2**64
_MULTIPLIER_2 = 0x94D049BB133111EB - 2**64
_ALL_BITS = 2**64 - 1
_UNIFORM_BITS = 40  # resolution of the slip probability: 1e-12


def mix(value: Array) -> Array:
    """Return SplitMix64's finaliser of int64 [...]."""
    value = (value ^ ((value >> 30) & (2**34 - 1))) * _MULTIPLIER_1
    value = (value ^ ((value >> 27) & (2**37 - 1))) * _MULTIPLIER_2
    return value ^ ((value >> 31) & (2**33 - 1))


def stream_keys(seed: Array, environment: Array, episode: Array) -> Array:
    """Return one key per copy for the episode that begins.

    Args:
        seed: int64 [env], from `checked_seed`.
        environment: int64 [env], index of the copy within its seed.
        episode: int64 [env], episodes since the seed was given.

    Returns:
        int64 [env].
    """
    key = mix(seed + GAMMA)
    key = mix(key + (environment + 1) * GAMMA)
    return mix(key + (episode + 1) * GAMMA)


def counter_draws(keys: Array, step: Array, agent: Array) -> Array:
    """Return the raw draws of one step.

    Args:
        keys: int64 [env], from `stream_keys`.
        step: int64 [env], steps already done in the episode.
        agent: int64 [agent], the agents' indices.

    Returns:
        int64 [env, agent].
    """
    per_step = mix(keys + (step + 1) * GAMMA)  # [env]
    return mix(per_step[:, None] + (agent + 1) * GAMMA)  # [env, agent]


def slipped(actions: Array, draws: Array, slip: float) -> Array:
    """Return the executed actions: each is replaced, with probability `slip`, by a uniform draw from all four.

    Args:
        actions: int64 [env, agent], as chosen.
        draws: int64 [env, agent], from `counter_draws`.
        slip: probability in [0, 1].

    Returns:
        int64 [env, agent].
    """
    does_slip = ((draws >> 20) & (2**_UNIFORM_BITS - 1)) < round(slip * 2**_UNIFORM_BITS)
    return actions * ~does_slip + (draws & 3) * does_slip


def stream_key(seed: int, environment: int, episode: int) -> int:
    """Return `stream_keys` of one copy, in plain Python: the same 64 bits, read as an unsigned number."""
    key = _mix_one(seed + GAMMA)
    key = _mix_one(key + (environment + 1) * GAMMA)
    return _mix_one(key + (episode + 1) * GAMMA)


def slip_one(actions: list[int], key: int, step: int, slip: float) -> list[int]:
    """Return `slipped` of `counter_draws` for one copy, in plain Python.

    Args:
        actions: as chosen, [agent].
        key: from `stream_key`.
        step: steps already done in the episode.
        slip: probability in [0, 1].

    Returns:
        The executed actions, [agent].
    """
    per_step = _mix_one(key + (step + 1) * GAMMA)
    limit = round(slip * 2**_UNIFORM_BITS)
    executed = []
    for agent, action in enumerate(actions):
        draw = _mix_one(per_step + (agent + 1) * GAMMA)
        executed.append(draw & 3 if ((draw >> 20) & (2**_UNIFORM_BITS - 1)) < limit else action)
    return executed


def _mix_one(value: int) -> int:
    """Return `mix` of one number of any size, as an unsigned number of 64 bits."""
    value &= _ALL_BITS
    value = ((value ^ (value >> 30)) * _MULTIPLIER_1) & _ALL_BITS
    value = ((value ^ (value >> 27)) * _MULTIPLIER_2) & _ALL_BITS
    return value ^ (value >> 31)


def checked_seed(seed: object) -> int:
    """Return the seed as an int in 0..2**63 - 1: itself, or a hash of it if it is larger, as gymnasium takes any size.

    Raises:
        ParameterError: it is not a whole number from 0 on.
    """
    try:
        value = -1 if isinstance(seed, (bool, np.bool_)) else operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        value = -1
    if value < 0:
        raise ParameterError(f"seed is {seed!r}; it must be a whole number from 0 on")
    if value <= LARGEST_SEED:
        return value
    digest = hashlib.blake2b(value.to_bytes((value.bit_length() + 7) // 8, "little"), digest_size=8).digest()
    return int.from_bytes(digest, "little") & LARGEST_SEED
