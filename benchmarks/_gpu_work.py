"""Where the GPU benchmark runs, how large, and how it measures."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch

from rmix_kit.config.load import resolve
from rmix_kit.device.capture import Capture
from rmix_kit.device.games import game_of
from rmix_kit.device.parts import Parts, make_parts
from rmix_kit.device.replay import DeviceReplay
from rmix_kit.envs.make import make_vector_env
from rmix_kit.training.learner import Learner
from rmix_kit.training.run_config import RunConfig
from rmix_kit.types import Progress


@dataclass(kw_only=True)
class Bench:
    """Where it runs, how large, and what has been found.

    Attributes:
        device: The card, or the CPU in a dry run.
        is_dry: Small sizes.
        folder: For runs.
        rows: Of the table.
    """

    device: torch.device
    is_dry: bool
    folder: Path
    rows: list[dict[str, object]] = field(default_factory=list)

    def size(self, full: int, dry: int) -> int:
        """Return one of two sizes."""
        return dry if self.is_dry else full

    def row(self, part: str, case: str, quantity: str, value: object) -> None:
        """Keep and print one number."""
        shown = f"{value:.4g}" if isinstance(value, float) else value
        self.rows.append({"part": part, "case": case, "quantity": quantity, "value": shown})
        print(f"{part:9} {case:42} {quantity:32} {shown}", flush=True)

    def wait(self) -> None:
        """Wait for the card."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def config(self, algo: str, env: str, *, steps: int, **training: float) -> RunConfig:
        """Return a run on the device with an algorithm's own preset."""
        values: dict[str, object] = {"rollout": "device"} | training
        overrides = [f"training.{name}={value}" for name, value in values.items()]
        device = "cuda" if self.device.type == "cuda" else "cpu"
        return resolve(algo=algo, env=env, seed=0, steps=steps, overrides=overrides, device=device)

    def parts(self, config: RunConfig, capture: Capture, device: torch.device | None = None) -> Parts:
        """Put a run together without a folder."""
        device, settings = device or self.device, config.training
        envs = make_vector_env(config.env, settings.num_envs)
        game = game_of(envs, device)
        learner = Learner(config.algorithm, envs.spec, settings.target, seed=config.seed, device=device)
        assert isinstance(settings.reward_scale, float)
        return make_parts(
            game,
            learner,
            DeviceReplay(game, settings.buffer_episodes, settings.num_envs, device),
            seed=config.seed,
            rollout_steps=settings.rollout_steps,
            batch_size=settings.batch_size,
            reward_scale=settings.reward_scale,
            capture=capture,
        )


def per_call(bench: Bench, work: Callable[[int], object], turns: int, calls: int, warm: int = 4) -> float:
    """Return the median over turns of wall milliseconds a call; the call is told its number."""
    numbers = iter(range(1, 10**9))
    for _ in range(warm):
        work(next(numbers))
    measured = []
    for _ in range(turns):
        bench.wait()
        start = time.perf_counter()
        for _ in range(calls):
            work(next(numbers))
        bench.wait()
        measured.append(1e3 * (time.perf_counter() - start) / calls)
    return statistics.median(measured)


def updating(parts: Parts, steps: int | None = None) -> Callable[[int], None]:
    """Return a call that makes one update of drawn episodes, padded to so many steps (the limit if None)."""
    longest = steps or parts.game.spec.episode_limit

    def update(number: int) -> None:
        slots = parts.replay.draw(1, torch.arange(number, number + 1, device=parts.replay.device), 32)[0]
        progress = Progress(env_steps=number, previous_env_steps=number - 1, episodes=number, updates=number)
        parts.updates.run(slots, longest, progress, 1.0)

    return update


def seconds_of(bench: Bench, work: Callable[[], object]) -> float:
    """Return the wall seconds of a call."""
    start = time.perf_counter()
    work()
    bench.wait()
    return time.perf_counter() - start
