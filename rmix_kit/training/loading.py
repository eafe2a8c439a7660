"""Loading a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rmix_kit.algorithms import Algorithm
from rmix_kit.envs.consent import Consent
from rmix_kit.envs.given import given_environment
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import ConfigError
from rmix_kit.training.run import Run
from rmix_kit.training.run_folder import RunFolder, choose_step


def load(
    run: str | Path,
    checkpoint: str | int = "last",
    *,
    consent: Consent | None = None,
    algorithm: type[Algorithm[Any]] | None = None,
    env: object = None,
) -> Run:
    """Load a run.

    Args:
        checkpoint: "last", "best" (highest mean return of an evaluation, the earlier of equals) or an environment step.
        consent: To code that it names, its algorithm's or its environment's.
        algorithm: Its algorithm, where it is at hand.
        env: Its environment, where it was given as an object (`rmix_kit.envs.given`).

    Returns:
        The run at that checkpoint.

    Raises:
        RunFolderError: The folder is no run.
        CheckpointError: There is no such checkpoint, or it is damaged.
    """
    folder = RunFolder(Path(run), algorithm=algorithm, consent=consent)
    trained_on = folder.read_config().env
    step = choose_step(folder, checkpoint)
    if env is None:
        return Run(folder, step, consent=consent)
    text, make_env = given_environment(env)
    if text != trained_on:
        raise ConfigError(f"env is {text}, and the run was trained on {trained_on}; give that, or leave env out")
    return Run(folder, step, consent="once", make_env=make_env or make_vector_env)
