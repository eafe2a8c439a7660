"""Training a run from its configuration to its last checkpoint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from rmix_kit.callbacks import Callback
from rmix_kit.envs.interface import VectorEnv, codec_of, is_costly
from rmix_kit.envs.make import MakeEnv, copies_to_play, make_vector_env, resolved_text
from rmix_kit.episodes import copies_for
from rmix_kit.errors import (
    ConfigError,
    EnvironmentContractError,
    EnvironmentTextError,
    RmixKitError,
    RunFolderError,
)
from rmix_kit.files.writing import writing
from rmix_kit.loggers import Logger, make_loggers
from rmix_kit.results.seal import check_seal, facts_of, seal_run
from rmix_kit.training.checkpoint import verify_checkpoint
from rmix_kit.training.device import choose_device, keep_freed_memory, torch_threads
from rmix_kit.training.extension import extend, planned_steps
from rmix_kit.training.initial_weights import check_initial_weights, starting_from
from rmix_kit.training.listeners import UNWATCHED, Watched, checked_callbacks
from rmix_kit.training.loop import TrainingLoop
from rmix_kit.training.manifest import read_manifest
from rmix_kit.training.memory import check_memory
from rmix_kit.training.progress_bar import Reporter, make_reporter
from rmix_kit.training.run import Run
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.run_folder import RunFolder, choose_step, newest_sound
from rmix_kit.training.signals import StopSignals


def train(
    config: RunConfig,
    out: str | Path,
    *,
    resume: bool = False,
    extend_inexactly: bool = False,
    overrides: Mapping[str, Any] | None = None,
    init_from: str | Path | Run | None = None,
    make_env: MakeEnv = make_vector_env,
    reporter: Reporter | None = None,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger | str] = (),
) -> Run:
    """Train, and give the finished run.

    Args:
        out: The run's folder; it must not exist unless ``resume`` is set.
        resume: Go on from the newest sound checkpoint, or from step 0 where there is none; a finished run is left as
            it is. Steps that differ from the run's are its new plan.
        extend_inexactly: Whether it may go on to other steps where schedules of the new plan would have run otherwise
            so far.
        overrides: What the configuration lays over its preset (`rmix_kit.config.differences`), for a new run to tell.
        init_from: Another run, whose weights a new run begins with (`rmix_kit.training.initial_weights`).
        reporter: Where progress goes; a bar on a terminal if None.
        callbacks: Told of what happens, and asked whether training is to stop; nothing is told of a finished run.
        loggers: "wandb", "mlflow", or objects: they get the rows of ``metrics.jsonl`` too.

    Returns:
        The run, at its last checkpoint.

    Raises:
        RunFolderError: The folder exists, is another run's or in use, or the disk is full.
        CheckpointError: All checkpoints are damaged, or they belong to another run; or the weights to begin with are
            gone, or those of other networks.
        DeviceError: CUDA is asked for and absent.
        ConfigError: Replay, round and batch do not fit into the memory that is available; or the configuration begins
            with other weights than those given.
        NonFiniteError: A loss or gradient is NaN or infinite; no weight was changed by it.
        Interrupted: A signal came; a checkpoint of the interrupted round is saved.
    """
    folder, reporter = RunFolder(Path(out), algorithm=type(config.algorithm)), reporter or make_reporter()
    watched = Watched(callbacks=checked_callbacks(callbacks), loggers=make_loggers(loggers))
    config = starting_from(config, init_from, folder.initial_weights if resume else None)
    planned = checked(config, folder, reporter, resume=resume, make_env=make_env)
    if planned is not None:
        with (
            torch_threads(planned.training.threads),
            StopSignals() as signals,
            opened(
                planned,
                folder,
                reporter,
                resume=resume,
                extend_inexactly=extend_inexactly,
                overrides=overrides,
                make_env=make_env,
                watched=watched,
            ) as loop,
        ):
            loop.run(signals)
    return Run(folder, choose_step(folder, "last"), consent="once", make_env=make_env)  # the caller named it


def checked(
    config: RunConfig, folder: RunFolder, reporter: Reporter, *, resume: bool, make_env: MakeEnv
) -> RunConfig | None:
    """Return what is to be trained, written out; None where the folder holds it, finished.

    Raises:
        RunFolderError: The folder exists, or is another run's or in use.
        CheckpointError: All checkpoints are damaged.
        DeviceError: CUDA is asked for and absent.
    """
    if make_env is make_vector_env:
        config = resolved_config(config, folder, reporter, resume=resume)
    choose_device(config.device)
    folder.check(config, resume=resume, of_any_steps=resume)
    if resume:
        check_seal(folder, facts_of(folder))
    if resume and planned_steps(folder) == config.steps and is_finished(folder, reporter):
        reporter.note(f"{folder.path} is finished; nothing to do")
        if not folder.seal.exists() and read_manifest(folder.checkpoint(folder.steps()[-1])).metrics.sha256:
            with folder.lock():  # a kill came between the last checkpoint and the seal
                _seal(folder)
        return None
    folder.check_is_free()
    return config


@contextmanager
def opened(
    config: RunConfig,
    folder: RunFolder,
    reporter: Reporter,
    *,
    resume: bool,
    extend_inexactly: bool,
    overrides: Mapping[str, Any] | None,
    make_env: MakeEnv,
    watched: Watched = UNWATCHED,
) -> Iterator[TrainingLoop]:
    """Make everything of a run, and seal it when it has come to its end.

    Args:
        config: What `checked` gave.
        resume: As of `train`.
        extend_inexactly: As of `train`.
        overrides: As of `train`.
        watched: Who is told.

    Yields:
        The loop, at the newest checkpoint or the start; its folder is locked.
    """
    keep_freed_memory()
    device = choose_device(config.device)
    # before the folder: what cannot be made leaves none behind
    with copies(make_env, config, reporter) as (envs, test_envs):
        loop = loop_for(config, envs)
        check_memory(config, envs.spec, codec_of(envs), device, None if folder.steps() == [] else reporter)
        if not folder.steps():
            check_initial_weights(config, envs.spec, codec_of(envs))
        with folder.lock():
            with writing(str(folder.path), "choose a folder that can be written"):
                extend(folder, config, reporter, is_inexact_allowed=extend_inexactly)
                for of_an_end in (folder.seal, folder.stopped):  # that is none any more
                    of_an_end.unlink(missing_ok=True)
                folder.prepare(config, resume=resume)
                folder.clear_leftovers()
            made = loop(
                config,
                folder,
                envs=envs,
                test_envs=test_envs,
                device=device,
                reporter=reporter,
                overrides=overrides,
                watched=watched,
            )
            yield made
            if made.is_finished:
                _seal(folder)


def loop_for(config: RunConfig, envs: VectorEnv) -> type[TrainingLoop]:
    """Return the loop that plays where the run's games are to be played.

    Args:
        envs: Copies of its environment.

    Raises:
        ConfigError: They are to be played on the device, which cannot take the environment, algorithm or settings.
    """
    if config.training.rollout == "host":
        return TrainingLoop
    from rmix_kit.device.loop import DeviceLoop

    DeviceLoop.check(config, envs)
    return DeviceLoop


def resolved_config(config: RunConfig, folder: RunFolder, reporter: Reporter, *, resume: bool) -> RunConfig:
    """Write out what the environment text leaves to the machine; a run that goes on keeps what it has.

    Args:
        reporter: Told what the text means here.
        resume: Whether the run goes on.

    Raises:
        EnvironmentTextError: The text is no environment's.
        RunFolderError: The folder is to be resumed and holds no run, or one on what the text meant before, such as a
            map file that was edited since.
    """
    kept = folder.read_config().env if resume and folder.config.exists() else None
    text = resolved_text(config.env, kept)
    if kept is not None and text not in (config.env, kept):
        raise RunFolderError(
            f"{config.env} is {text} now, and the run in {folder.path} was begun on {kept}; restore it, or start a new "
            "run in another folder"
        )
    if text != config.env:
        reporter.note(f"{config.env} is {text} here; the run keeps the longer form")
    return replace(config, env=text)


def _seal(folder: RunFolder) -> None:
    with writing(str(folder.seal), "the run is whole: make room and resume to seal it"):
        seal_run(folder)


def is_finished(folder: RunFolder, reporter: Reporter) -> bool:
    """Return whether the newest checkpoint is sound and the run's last; nothing is changed."""
    steps = folder.steps()
    if not steps:
        return False
    manifest, damaged = newest_sound(folder, verify_checkpoint, reporter.note)
    return not damaged and manifest is not None and manifest.is_finished


def _training_copies(make_env: MakeEnv, config: RunConfig) -> VectorEnv:
    """Make the copies to train in.

    Raises:
        ConfigError: One can be made, and not as many as training wants.
    """
    wanted = config.training.num_envs
    try:
        return make_env(config.env, wanted)
    except (EnvironmentTextError, EnvironmentContractError, OSError) as error:
        try:
            make_env(config.env, 1).close()
        except (RmixKitError, OSError):
            raise error from None
        raise ConfigError(
            f"{config.env}: one copy can be made and {wanted} cannot ({error}); where it can exist once, give --set "
            "training.num_envs=1 and --set training.evaluation_copies=0"
        ) from error


def _evaluation_copies(make_env: MakeEnv, config: RunConfig, reporter: Reporter) -> VectorEnv | None:
    """Make the copies to evaluate in; None where a single copy is trained in and no other can be made.

    Raises:
        ConfigError: Several are trained in, and no other can be made.
    """
    count = copies_for(config.training.evaluation_episodes, config.training.evaluation_copies)
    try:
        return copies_to_play(make_env, config.env, count)
    except (RmixKitError, OSError) as error:
        if config.training.num_envs == 1:
            reporter.note(f"evaluating in the copy that is trained in, since no other could be made: {error}")
            return None
        raise ConfigError(
            f"{config.env}: no copies to evaluate in could be made beside those to train in ({error}); where it "
            "can exist only so often, give --set training.evaluation_copies=0, which evaluates in those of training"
        ) from error


@contextmanager
def copies(make_env: MakeEnv, config: RunConfig, reporter: Reporter) -> Iterator[tuple[VectorEnv, VectorEnv]]:
    """Make the copies to train and to evaluate in, and close them at the end.

    They are the same where they are costly, and where a single one is trained in and no other can be made.

    Raises:
        ConfigError: The environment gives fewer copies than training and evaluation want.
    """
    wanted, most = config.training.num_envs, config.training.evaluation_copies
    envs = _training_copies(make_env, config)
    try:
        if envs.num_envs < wanted:
            raise ConfigError(
                f"training.num_envs is {wanted}, and {config.env} gives at most {envs.num_envs} copies; give "
                f"--set training.num_envs={envs.num_envs}, or raise the environment's limit (docs/environments)"
            )
        test_envs = envs if is_costly(envs) or most == 0 else _evaluation_copies(make_env, config, reporter)
        try:
            yield envs, test_envs or envs  # a round and an evaluation never overlap
        finally:
            if test_envs is not None and test_envs is not envs:
                test_envs.close()
    finally:
        envs.close()
