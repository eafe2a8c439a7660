"""Tiny runs for the tests of this folder, and ways to end them early."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.errors import Interrupted
from rmix_kit.training.progress_bar import SilentReporter, Status
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.settings import TrainingSettings
from rmix_kit.training.trainer import train

CLOCKED = ("timing.jsonl", "origin.jsonl", "seal.json", "tensorboard", ".lock")


def tiny(**changes: Any) -> RunConfig:
    """A run of a few seconds: the replay wraps, checkpoints rotate and both losses are stepped."""
    training = TrainingSettings(
        num_envs=4,
        episodes_per_copy=8,
        batch_size=4,
        buffer_episodes=60,
        updates_per_episode=0.3,
        epsilon_steps=1500,
        evaluation_interval=700,
        evaluation_episodes=3,
        checkpoint_interval=500,
        keep_checkpoints=2,
        log_interval=100,
    )
    algorithm = RMIX(
        hidden_size=8,
        n_quantiles=4,
        n_risk_levels=4,
        risk_embed_size=2,
        quantile_start_success=0.0,
        quantile_every_updates=3,
        mixer_embed_size=4,
        hypernet_size=4,
    )
    config = RunConfig(
        algorithm=algorithm, preset="rmix", env="macn:4x7?max_steps=20&slip=0.1", steps=3000, training=training
    )
    return replace(config, **changes)


def with_training(config: RunConfig, **changes: Any) -> RunConfig:
    """The run with other training settings."""
    return replace(config, training=replace(config.training, **changes))


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a run that has no clock in it."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    named = {str(path.relative_to(folder)): path for path in files}
    return {name: path.read_bytes() for name, path in named.items() if not name.startswith(CLOCKED)}


class Notes(SilentReporter):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


class At(Notes):
    """Does something once, in the round that reaches an environment step."""

    def __init__(self, env_steps: int, action: Callable[[], None]) -> None:
        super().__init__()
        self._env_steps, self._action, self._is_done = env_steps, action, False

    def show(self, status: Status) -> None:
        if status.env_steps >= self._env_steps and not self._is_done:
            self._is_done = True
            self._action()


def send(number: signal.Signals) -> Callable[[], None]:
    """Sends this process a signal."""
    return lambda: os.kill(os.getpid(), number)


def assert_resumes_exactly(config: RunConfig, folder: Path, *, at: int) -> None:
    """Assert that a run that SIGTERM stops at a step, and that goes on, ends with the bytes of one left alone."""
    train(config, folder / "whole", reporter=Notes())
    with pytest.raises(Interrupted):
        train(config, folder / "parts", reporter=At(at, send(signal.SIGTERM)))
    train(config, folder / "parts", resume=True, reporter=Notes())
    assert content(folder / "parts") == content(folder / "whole")
