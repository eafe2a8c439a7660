"""Risk-sensitive cooperative multi-agent reinforcement learning: RMIX, its baselines, and their deployment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmix_kit.envs.consent import Consent
    from rmix_kit.training.run import Run
    from rmix_kit.training.run_config import RunConfig

__all__ = ["load", "train"]


def train(config: RunConfig, out: str | Path | None = None, *, resume: bool = False) -> Run:
    """Train, and give the finished run.

    Args:
        config: What to train, from `rmix_kit.config.load.resolve`.
        out: The run's folder; ``runs/ALGORITHM-seed-SEED`` if None. It must not exist unless ``resume`` is set.
        resume: Go on from the newest sound checkpoint.

    Returns:
        The run, at its last checkpoint.
    """
    from rmix_kit.config.differences import differences_from_preset
    from rmix_kit.training.trainer import train as train_run

    folder = Path("runs") / f"{config.algorithm.name}-seed-{config.seed}" if out is None else out
    return train_run(config, folder, resume=resume, overrides=differences_from_preset(config))


def load(run: str | Path, checkpoint: str | int = "last", *, consent: Consent | None = None) -> Run:
    """Load a trained run.

    Args:
        checkpoint: "last", "best" or an environment step.
        consent: To code that its environment's text names: "once", or "always", which is remembered (SECURITY.md).

    Returns:
        The run at that checkpoint; ``.policy(agent)`` gives what exporters freeze.
    """
    from rmix_kit.training.run import load as load_run

    return load_run(run, checkpoint, consent=consent)
