"""The last word on a run: many greedy episodes of its best and its last checkpoint, on seeds new to it."""

from __future__ import annotations

from pathlib import Path

from rmix_kit.envs.consent import Consent
from rmix_kit.envs.make import MakeEnv, make_vector_env
from rmix_kit.files.writing import seal, write_file, writing
from rmix_kit.results import Episodes, played_step
from rmix_kit.results.paths import RunPaths
from rmix_kit.training.evaluator import Evaluation
from rmix_kit.training.loading import load

TIMES = 10
"""How many times the evaluation's episodes (Gorsane et al. 2022, "Towards a Standardised Performance Evaluation
Protocol for Cooperative MARL", section 4: the absolute metric)."""
SEED_OFFSET = 10_000
"""Added to the run's seed: the best checkpoint was chosen by the episodes of the run's own seed."""


def evaluate_run(folder: Path, *, make_env: MakeEnv = make_vector_env, consent: Consent | None = None) -> None:
    """Play the episodes of ``evaluations/best.json`` and ``last.json`` where they are missing, damaged or out of date.

    Args:
        folder: A run with at least one checkpoint that was evaluated.
        consent: To code that its environment's text names.

    Raises:
        UntrustedCodeError: It names code, and nobody has consented.
        RunFolderError: It is no run, or cannot be written.
        CheckpointError: A checkpoint is missing or damaged.
    """
    paths = RunPaths(folder)
    played: dict[int, Episodes] = {}
    for checkpoint in ("best", "last"):
        run = load(folder, checkpoint, consent=consent)
        file = paths.evaluation(checkpoint)
        if played_step(file) == run.checkpoint_step:
            continue
        if run.checkpoint_step not in played:
            episodes = TIMES * run.config.training.evaluation_episodes
            seed = run.config.seed + SEED_OFFSET
            played[run.checkpoint_step] = episodes_of(run.evaluate(None, episodes, seed, make_env=make_env))
        with writing(str(file), "make room and evaluate again"):
            file.parent.mkdir(exist_ok=True)
            write_file(file, seal(played[run.checkpoint_step].to_json()))


def episodes_of(evaluation: Evaluation) -> Episodes:
    """Return an evaluation as plain values."""
    return Episodes(
        checkpoint_step=evaluation.checkpoint_step,
        seed=evaluation.seed,
        returns=tuple(evaluation.returns.astype(float).tolist()),
        success=None if evaluation.success is None else tuple(evaluation.success.tolist()),
        fell=tuple(evaluation.fell.tolist()),
        lengths=tuple(evaluation.lengths.tolist()),
        risk_levels=tuple(round(level, 6) for level in evaluation.risk_levels.astype(float).mean(1).tolist()),
    )
