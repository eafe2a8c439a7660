"""Risk-sensitive cooperative multi-agent reinforcement learning: RMIX, its baselines, and their deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rmix_kit.algorithms import Algorithm
    from rmix_kit.callbacks import Callback
    from rmix_kit.envs.consent import Consent
    from rmix_kit.loggers import Logger
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
    what: str | type[Algorithm[Any]] | RunConfig,
    env: object = None,
    *,
    seed: int = 0,
    steps: int | None = None,
    out: str | Path | None = None,
    preset: str | None = None,
    overrides: Mapping[str, object] | None = None,
    init_from: str | Path | Run | None = None,
    resume: bool = False,
    extend_inexactly: bool = False,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger | str] = (),
) -> Run:
    """Train, and give the finished run.

        run = rmix_kit.train("rmix", "macn:4x12", steps=400_000, overrides={"training.batch_size": 64})

    Args:
        what: An algorithm's name, ``package.module:Class`` or the class for one of your own; or a whole configuration
            from `rmix_kit.config.load.resolve`, which leaves no room for the arguments up to ``overrides``, ``out``
            aside.
        env: Environment text, such as "macn:4x12"; or a PettingZoo environment, a Gymnasium team, or a function that
            makes one, of which a run records the name (``object:NAME``, or the text where it can be imported).
        seed: Of every random stream.
        steps: Environment steps to train for.
        out: The run's folder; ``runs/ALGORITHM-seed-SEED`` if None. It must not exist unless ``resume`` is set.
        preset: Hyper-parameters; the algorithm's own if None.
        overrides: Values laid over them, by name as after ``--set``.
        init_from: Another run, loaded or by its folder, whose weights it begins with.
        resume: Go on from the newest sound checkpoint; other ``steps`` are the run's new plan.
        extend_inexactly: Take that plan even where its schedules would have run otherwise so far.
        callbacks: Objects of classes that extend `rmix_kit.callbacks.Callback`: told what happens; they may end it.
        loggers: "wandb", "mlflow", or objects from `rmix_kit.loggers`, which get the rows of ``metrics.jsonl`` too.

    Returns:
        The run, at its last checkpoint.

    Raises:
        ConfigError: Something is missing, unknown, contradictory or out of range.
        RunFolderError: The folder exists, is another run's or in use, or the disk is full.
        MissingExtraError: torch, or a logger's library, is not installed.
        CheckpointError: The weights to begin with are gone, or those of other networks.
    """
    _check_torch()
    from rmix_kit.config.asked import asked, named_folder
    from rmix_kit.config.differences import differences_from_preset
    from rmix_kit.envs.given import given_environment
    from rmix_kit.envs.make import make_vector_env
    from rmix_kit.training.trainer import train as train_run

    text, make_env = (None, None) if env is None else given_environment(env)
    config = asked(what, env=text, seed=seed, steps=steps, preset=preset, overrides=overrides)
    folder = named_folder(config.algorithm.name, config.seed) if out is None else out
    return train_run(
        config,
        folder,
        resume=resume,
        extend_inexactly=extend_inexactly,
        overrides=differences_from_preset(config),
        init_from=init_from,
        callbacks=callbacks,
        loggers=loggers,
        make_env=make_env or make_vector_env,
    )


def load(
    run: str | Path,
    checkpoint: str | int = "last",
    *,
    consent: Consent | None = None,
    algorithm: type[Algorithm[Any]] | None = None,
    env: object = None,
) -> Run:
    """Load a trained run.

    Args:
        checkpoint: "last", "best" or an environment step.
        consent: To code that the run names, its algorithm's or its environment's: "once", or "always", which is
            remembered (SECURITY.md).
        algorithm: The run's own algorithm, where you have the class: nothing is imported for it.
        env: The run's own environment, where it was trained on an object.

    Returns:
        The run at that checkpoint: ``.team()`` acts, ``.evaluate()`` plays, ``.metrics()`` gives what was written
        while it was trained, ``.policies()`` what exporters freeze.
    """
    _check_torch()
    from rmix_kit.training.loading import load as load_run

    return load_run(run, checkpoint, consent=consent, algorithm=algorithm, env=env)


def _check_torch() -> None:
    """Refuse to train and load where torch is not installed, with what installs it."""
    from importlib.util import find_spec

    from rmix_kit.errors import MissingExtraError

    if find_spec("torch") is None:
        raise MissingExtraError("this needs torch; install it with: pip install 'rmix-kit[train]'")
