"""Risk-sensitive cooperative multi-agent reinforcement learning: RMIX, its baselines, and their deployment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rmix_kit.envs.consent import Consent
    from rmix_kit.training.run import Run
    from rmix_kit.training.run_config import RunConfig

    __version__: str

__all__ = ["__version__", "load", "train"]

if not TYPE_CHECKING:  # for a type checker it would make every misspelt name a string

    def __getattr__(name: str) -> str:
        """Return ``__version__``, which is looked up when it is asked for."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from rmix_kit.origin import kit_version

        return kit_version()


def train(
    what: str | RunConfig,
    env: str | None = None,
    *,
    seed: int = 0,
    steps: int | None = None,
    out: str | Path | None = None,
    preset: str | None = None,
    overrides: Mapping[str, object] | None = None,
    resume: bool = False,
) -> Run:
    """Train, and give the finished run.

        run = rmix_kit.train("rmix", "macn:4x12", steps=400_000, overrides={"training.batch_size": 64})

    Args:
        what: An algorithm of the roster, or a whole configuration from `rmix_kit.config.load.resolve`, which leaves no
            room for the arguments up to ``overrides``, ``out`` aside.
        env: Environment text, such as "macn:4x12".
        seed: Of every random stream.
        steps: Environment steps to train for.
        out: The run's folder; ``runs/ALGORITHM-seed-SEED`` if None. It must not exist unless ``resume`` is set.
        preset: Hyper-parameters; the algorithm's own if None.
        overrides: Values laid over them, by name as after ``--set``.
        resume: Go on from the newest sound checkpoint.

    Returns:
        The run, at its last checkpoint.

    Raises:
        ConfigError: Something is missing, unknown, contradictory or out of range.
        RunFolderError: The folder exists, is another run's or in use, or the disk is full.
    """
    from rmix_kit.config.asked import asked
    from rmix_kit.config.differences import differences_from_preset
    from rmix_kit.training.trainer import train as train_run

    config = asked(what, env=env, seed=seed, steps=steps, preset=preset, overrides=overrides)
    folder = Path("runs") / f"{config.algorithm.name}-seed-{config.seed}" if out is None else out
    return train_run(config, folder, resume=resume, overrides=differences_from_preset(config))


def load(run: str | Path, checkpoint: str | int = "last", *, consent: Consent | None = None) -> Run:
    """Load a trained run.

    Args:
        checkpoint: "last", "best" or an environment step.
        consent: To code that its environment's text names: "once", or "always", which is remembered (SECURITY.md).

    Returns:
        The run at that checkpoint: ``.team()`` acts, ``.evaluate()`` plays, ``.metrics()`` gives what was written
        while it was trained, ``.policies()`` what exporters freeze.
    """
    from rmix_kit.training.run import load as load_run

    return load_run(run, checkpoint, consent=consent)
