"""What the replay takes and what the machine has, said before training starts."""

from __future__ import annotations

import math
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from rmix_kit.collect import spare_rows
from rmix_kit.episodes import copies_for
from rmix_kit.errors import ConfigError
from rmix_kit.replay.held import HeldEpisodes
from rmix_kit.replay.records import episode_bytes, worst_case_bytes
from rmix_kit.training.run_config import RunConfig
from rmix_kit.types import EnvSpec

if TYPE_CHECKING:
    from rmix_kit.envs.interface import StepCodec
    from rmix_kit.training.progress_bar import Reporter

KIB, MIB, GIB = 2**10, 2**20, 2**30
MEMINFO = Path("/proc/meminfo")
BATCH_BYTES_OF_AGENT = 9
"""An action and whether it was explored."""
COPIES_OF_WEIGHTS = 7
"""Online and target, two acting ones, gradients, and the two moments of Adam."""
BYTES_OF_SLOT = 29
"""Length, level, place and end of an episode in the replay's tables."""


def replay_notes(buffer: HeldEpisodes) -> list[str]:
    """Return how large a replay can become.

    Args:
        buffer: An empty replay.

    Returns:
        One line.
    """
    steps, worst = buffer.episode_limit, buffer.worst_case_bytes
    form = "steps as received" if buffer.codec is None else "steps in the environment's compact form"
    return [
        f"replay: up to {buffer.capacity:,} episodes of at most {steps} steps, at most {in_words(worst)} ({form}), "
        f"{in_words(buffer.episode_bytes)} an episode at the limit"
    ]


def check_memory(
    config: RunConfig, spec: EnvSpec, codec: StepCodec | None, device: torch.device, begun: Reporter | None = None
) -> None:
    """Refuse a run whose networks, replay, collection round and batch do not fit into the memory that is available.

    Args:
        device: Where training happens, and the replay lies.
        begun: Of a run that goes on, which is told and not refused; None for a new one.

    Raises:
        ConfigError: With the numbers.
    """
    planned = planned_memory(config, spec, codec)
    in_all = planned.networks + planned.replay + planned.batch + planned.round
    on_host = planned.round
    places = [(in_all, available_bytes())] if device.type == "cpu" else [(on_host, available_bytes())]
    if device.type == "cuda":
        places.append((in_all - on_host, torch.cuda.mem_get_info(device)[0]))
    for needed, available in places:
        if available is None or needed <= available:
            continue
        text = (
            f"{config.env}: episodes of up to {spec.episode_limit:,} steps need {in_words(needed)} of memory (replay "
            f"{in_words(planned.replay)}, a round of copies {in_words(planned.round)}, a batch "
            f"{in_words(planned.batch)}, networks {in_words(planned.networks)}), and {in_words(available)} is "
            "available: set training.buffer_episodes, training.num_envs, training.evaluation_copies or "
            "training.batch_size lower, or the episode limit, or the networks' sizes"
        )
        if begun is None:
            raise ConfigError(text)
        begun.note(f"warning: {text}")


@dataclass(frozen=True, kw_only=True)
class PlannedMemory:
    """Bytes that a run comes to hold where every episode reaches the limit.

    Attributes:
        replay: Of the records, as many as it holds or as the planned steps collect, and of its tables.
        round: Of an episode per copy as it is collected, and once more as it is packed for the replay; where copies do
            not wait for each other also of finished ones that wait, and once more as they are handed on; or of those of
            an evaluation, where they are more.
        batch: Of one batch: observations and states in float32, masks, actions and rewards.
        networks: Of online, target and acting weights, gradients and an optimiser's two moments.
    """

    replay: int
    round: int
    batch: int
    networks: int


def planned_memory(config: RunConfig, spec: EnvSpec, codec: StepCodec | None) -> PlannedMemory:
    """Return how much memory a run comes to hold at most, but for what an update computes on the way.

    Raises:
        ConfigError: A network is larger than torch can count.
    """
    settings, algorithm = config.training, config.algorithm
    episode = episode_bytes(spec, codec)
    steps = config.steps + settings.num_envs * spec.episode_limit  # the last round goes beyond the end
    collectable = (steps // spec.episode_limit + 1) * episode
    held = min(worst_case_bytes(spec, codec, settings.buffer_episodes), collectable)
    if settings.rollout == "device":  # takes all at once, and room for the episodes that are being played
        held = (settings.buffer_episodes + settings.num_envs) * episode
    numbers = spec.n_agents * math.prod(spec.obs_shape) + spec.state_size
    step = 4 * numbers + spec.n_agents * (spec.n_actions + BATCH_BYTES_OF_AGENT)
    drawn = settings.num_envs if algorithm.data == "round" else settings.batch_size + algorithm.newest_episodes
    waits = config.episodes_per_copy == 1
    collected = 2 * settings.num_envs if waits else 3 * (settings.num_envs + spare_rows(settings.num_envs))
    evaluated = copies_for(settings.evaluation_episodes, settings.most_evaluation_copies)
    return PlannedMemory(
        replay=held + BYTES_OF_SLOT * settings.buffer_episodes,
        round=max(collected, evaluated) * episode,
        batch=drawn * (spec.episode_limit + 1) * step,
        networks=COPIES_OF_WEIGHTS * _weight_bytes(config, spec),
    )


def _weight_bytes(config: RunConfig, spec: EnvSpec) -> int:
    """Return the size of an algorithm's networks, which are laid out and not made."""
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            networks = config.algorithm.networks(spec)
    except RuntimeError as error:
        raise ConfigError(f"the networks of these settings are too large to be made: {error}") from error
    return sum(weight.numel() * weight.element_size() for weight in networks.parameters())


def replay_fill(buffer: HeldEpisodes) -> str:
    """Return how full a replay is."""
    return (
        f"replay: {len(buffer):,} episodes fill {in_words(buffer.bytes_held)} of at most "
        f"{in_words(buffer.worst_case_bytes)}"
    )


def available_bytes() -> int | None:
    """Return the memory that the system can hand out without swapping; None where it does not say."""
    try:
        lines = MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [line.split() for line in lines if line.startswith("MemAvailable:")]
    return int(found[0][1]) * KIB if found else None


def in_words(size: int) -> str:
    """Return a size in KiB, MiB or GiB, three figures of it."""
    unit, name = next(((u, n) for u, n in ((GIB, "GiB"), (MIB, "MiB")) if size >= u), (KIB, "KiB"))
    value = size / unit
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f} {name}"


def peak_mebibytes() -> float:
    """Return the most memory that this process has held at once, in MiB."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / MIB if sys.platform == "darwin" else peak / KIB  # bytes there, KiB elsewhere
