"""What agents see and may do: sizes, how each element is coded, masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from rmix_kit.doctor.environment.episodes import Episode
from rmix_kit.doctor.finding import Finding
from rmix_kit.envs.interface import VectorEnv, codec_of
from rmix_kit.networks.coding import ObsCoding, StateCoding, affine_of, is_one_hot
from rmix_kit.types import EnvSpec

SMALLEST_SHARE = 0.02
"""Of bounds that numbers are divided by: what is seen and fills less of them is hard to tell apart."""

LARGEST_STATE = 20_000
"""Numbers of a state that a network is to read one by one."""


def space_findings(envs: VectorEnv, played: Sequence[Episode]) -> list[Finding]:
    """Say what agents see and may do.

    Args:
        envs: The copy that was played in.
        played: At least one episode.
    """
    return [_actions(envs.spec), _masks(played), _observations(envs.spec, played), _state(envs, played)]


def _actions(spec: EnvSpec) -> Finding:
    words = ", ".join(spec.action_meanings[:8]) + (", ..." if spec.n_actions > 8 else "")
    return Finding(name="actions", found=f"{spec.n_actions} ({words}), kept as {spec.action_dtype}")


def _masks(played: Sequence[Episode]) -> Finding:
    n_actions = played[0].avail_actions.shape[-1]
    allowed = np.concatenate([episode.avail_actions[:-1].reshape(-1, n_actions) for episode in played])
    share = float(allowed.mean())
    if allowed.all():
        return Finding(name="masks", found="none: every action was allowed to everyone at every step")
    choices = allowed.sum(-1)
    never = int((~allowed.any(0)).sum())
    found = f"{100 * share:.3g} % of the actions allowed on average, {choices.min()} to {choices.max()} at once"
    if not never:
        return Finding(name="masks", found=found)
    return Finding(
        name="masks",
        status="warning",
        found=f"{found}; {never} of {allowed.shape[-1]} actions were never allowed to anyone",
        fix="play more episodes (--episodes), or see whether the mask is the right way round: 1 is allowed",
    )


def _observations(spec: EnvSpec, played: Sequence[Episode]) -> Finding:
    seen = np.concatenate([episode.obs.reshape(-1, len(spec.obs_low)) for episode in played])  # [row, element]
    shape = " x ".join(map(str, spec.obs_shape))
    coding = ObsCoding(spec)
    if coding.image is not None:
        found = f"{shape} of {spec.obs_dtype}: a picture of {coding.image.channels} channels, by convolutions"
    else:
        how = _coding(spec.obs_low, spec.obs_high, spec.obs_dtype)
        found = f"{shape} of {spec.obs_dtype}: {how}; {coding.coded_size} inputs"
    return _judged("observations", found, seen.astype(np.float64), (spec.obs_low, spec.obs_high), spec.obs_dtype)


def _state(envs: VectorEnv, played: Sequence[Episode]) -> Finding:
    spec = envs.spec
    seen = np.concatenate([episode.state for episode in played])
    if not spec.state_low:
        return Finding(name="state", found=f"{spec.state_size} numbers, taken as they are")
    if codec_of(envs) is None and spec.state_size > LARGEST_STATE:
        return Finding(
            name="state",
            status="warning",
            found=f"{spec.state_size:,} numbers of the environment's own, probably a picture of all",
            fix="append state=observations to the text: mixers then see the agents' observations in a row",
        )
    coding = StateCoding(spec)
    is_picture = coding.image is not None
    how = "thumbnails" if is_picture else _coding(spec.state_low, spec.state_high, spec.state_dtype)
    found = f"{spec.state_size} numbers: {how}; {coding.coded_size} inputs"
    return _judged("state", found, seen.astype(np.float64), (spec.state_low, spec.state_high), spec.state_dtype)


def _coding(low: Sequence[float], high: Sequence[float], dtype: str) -> str:
    """Return how so many elements are coded, the commonest way first."""
    ways = Counter(_way(lowest, highest, dtype) for lowest, highest in zip(low, high, strict=True))
    return ", ".join(f"{count} {way}" for way, count in ways.most_common(4)) + (", ..." if len(ways) > 4 else "")


def _way(low: float, high: float, dtype: str) -> str:
    if is_one_hot(low, high, dtype):
        return f"one-hot ({int(high - low) + 1} values)"
    pair = affine_of(low, high)
    if pair is None:
        return "by running mean and deviation (the bounds do not say where the numbers lie)"
    offset, factor = pair
    if pair == (0.0, 1.0):
        return "as they are"
    return f"divided by {1 / factor:g}" + (f" after taking {offset:g} away" if offset else "")


def _judged(
    name: str, found: str, seen: np.ndarray, bounds: tuple[Sequence[float], Sequence[float]], dtype: str
) -> Finding:
    """Warn of numbers that say nothing: all the same, or a small part of the bounds they are divided by."""
    low, high = map(np.asarray, bounds)
    least, most = seen.min(0), seen.max(0)
    found = f"{found}; seen from {least.min():g} to {most.max():g}"
    is_constant = least == most
    if is_constant.all():
        return Finding(
            name=name,
            status="warning",
            found=f"{found}, and nothing ever changed",
            fix="see whether what changes in the environment reaches the agents",
        )
    pairs = [
        None if is_one_hot(one, other, dtype) else affine_of(one, other) for one, other in zip(low, high, strict=True)
    ]
    reach = np.maximum(np.abs(least), np.abs(most))
    is_divided = np.array([pair is not None and pair[0] == 0 for pair in pairs])
    largest = np.maximum(np.abs(low), np.abs(high))
    is_lost = is_divided & ~is_constant & (reach < SMALLEST_SHARE * largest)
    if is_lost.any():
        return Finding(
            name=name,
            status="warning",
            found=f"{found}; {int(is_lost.sum())} elements fill less than {100 * SMALLEST_SHARE:g} % of their bounds",
            fix="declare the bounds that the numbers keep: what is divided by far more is hard to tell apart",
        )
    return Finding(name=name, found=found)
