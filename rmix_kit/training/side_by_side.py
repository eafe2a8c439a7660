"""Several seeds of one run in one process, each with a folder of its own that nothing tells from that of a lone run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from rmix_kit.envs.make import MakeEnv, make_vector_env
from rmix_kit.errors import ConfigError, Interrupted, NonFiniteError
from rmix_kit.training.device import choose_device, torch_threads
from rmix_kit.training.initial_weights import starting_from
from rmix_kit.training.loop import TrainingLoop
from rmix_kit.training.progress_bar import Reporter, Status, make_reporter
from rmix_kit.training.run import Run
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.run_folder import RunFolder, choose_step
from rmix_kit.training.signals import StopSignals
from rmix_kit.training.trainer import checked, opened
from rmix_kit.types import Progress


class SeedReporter:
    """Tells of one seed, by its number, through a reporter that all share; the first one moves its bar."""

    def __init__(self, seed: int, reporter: Reporter, *, is_first: bool) -> None:
        """Speak through another reporter."""
        self._seed, self._reporter, self._is_first = seed, reporter, is_first

    def note(self, text: str) -> None:
        """Say the line."""
        self._reporter.note(f"seed {self._seed}: {text}")

    def start(self, total_steps: int, env_steps: int) -> None:
        """Begin the bar."""
        if self._is_first:
            self._reporter.start(total_steps, env_steps)

    def show(self, status: Status) -> None:
        """Say how an evaluation went, and move the bar."""
        if status.is_evaluation:
            self.note(f"step {status.env_steps:,}: {status.outcome}")
        elif self._is_first:
            self._reporter.show(status)

    def stop(self) -> None:
        """End the bar."""
        if self._is_first:
            self._reporter.stop()


def seed_folder(out: str | Path, seed: int) -> Path:
    """Return the folder of one seed's run."""
    return Path(out) / f"seed_{seed}"


def seeds_in(out: str | Path) -> tuple[int, ...]:
    """Return the seeds whose folders lie in a folder, in order; none where it is a run's own."""
    if (Path(out) / "config.yaml").exists():
        return ()
    named = (path.name.removeprefix("seed_") for path in Path(out).glob("seed_*") if (path / "config.yaml").exists())
    return tuple(sorted(int(name) for name in named if name.isdecimal()))


def train_seeds(
    config: RunConfig,
    seeds: Sequence[int],
    out: str | Path,
    *,
    resume: bool = False,
    extend_inexactly: bool = False,
    overrides: Mapping[str, Any] | None = None,
    init_from: str | Path | Run | None = None,
    make_env: MakeEnv = make_vector_env,
    reporter: Reporter | None = None,
) -> list[Run]:
    """Train a run from several seeds side by side: one start of play and of updates serves all of them.

    Args:
        seeds: They take the place of the configuration's.
        out: Holds a folder for each, ``seed_N``.
        resume: Every seed's run goes on, and one that is finished is left as it is.
        extend_inexactly: As of `rmix_kit.training.trainer.train`, for every seed.
        overrides: Likewise.
        init_from: Likewise.

    Returns:
        The runs, in the order of the seeds, each at its last checkpoint.

    Raises:
        ConfigError: Games are not played on the device, or a seed is given twice; and all that `train` raises. Where
            one seed's run fails, the others end too, and stand at their last checkpoints.
    """
    if config.training.rollout != "device":
        raise ConfigError(
            "several seeds are trained side by side where games are played on the device: give --set "
            "training.rollout=device, or one --seed; rmix-kit sweep trains seeds one by one, or in processes"
        )
    if len(set(seeds)) < len(seeds) or not seeds:
        raise ConfigError(f"the seeds are {', '.join(map(str, seeds)) or 'none'}; give each seed once")
    reporter = reporter or make_reporter()
    folders = [RunFolder(seed_folder(out, seed), algorithm=type(config.algorithm)) for seed in seeds]
    shared: dict[str, Any] = {"resume": resume, "make_env": make_env}
    with torch_threads(config.training.threads), StopSignals() as signals, ExitStack() as stack:
        loops: dict[int, TrainingLoop] = {}
        for seed, folder in zip(seeds, folders, strict=True):
            own = SeedReporter(seed, reporter, is_first=not loops)
            begun = starting_from(replace(config, seed=seed), init_from, folder.initial_weights if resume else None)
            if (planned := checked(begun, folder, own, **shared)) is not None:
                run = opened(planned, folder, own, extend_inexactly=extend_inexactly, overrides=overrides, **shared)
                loops[seed] = stack.enter_context(run)
        run_together(loops, signals, config, reporter)
    return [Run(folder, choose_step(folder, "last"), consent="once") for folder in folders]  # the caller named them


def run_together(
    loops: Mapping[int, TrainingLoop], signals: StopSignals, config: RunConfig, reporter: Reporter
) -> None:
    """Run loops block by block: what the device does is started for all of them at once.

    Args:
        loops: Opened, by seed; all of them play on the device.
        signals: At one, every loop saves at the end of its round.
        config: Of all, but for the seed.
        reporter: Told once how they run.

    Raises:
        Interrupted: A signal came before the end.
    """
    if len(loops) < 2:
        for loop in loops.values():
            loop.run(signals)
        return
    from rmix_kit.device.capture import capture_for
    from rmix_kit.device.loop import DeviceLoop
    from rmix_kit.device.together import BlocksTogether

    reporter.note(f"{len(loops)} seeds {_way_of(config)}")
    heard = StopSignals()  # what all loops are told of: asked once a block, so that all stop at the same one
    going = {seed: (loop, loop.stages(heard)) for seed, loop in loops.items() if isinstance(loop, DeviceLoop)}
    for loop, _ in going.values():
        loop.is_beside = True
    every = [stages for _, stages in going.values()]
    blocks: BlocksTogether | None = None
    interruption: Interrupted | None = None
    try:
        while going:
            left = {}
            for seed, (loop, stages) in going.items():  # the end of a block, and the beginning of the next
                try:
                    if _advance(seed, stages):
                        left[seed] = loop, stages
                except Interrupted as error:
                    interruption = error
            if blocks is None or len(left) < len(going):
                blocks, going = None, left
            if not going:
                break
            if blocks is None:
                chosen, size = [loop for loop, _ in going.values()], config.training.batch_size
                blocks = BlocksTogether(chosen, list(going), size, capture_for(choose_device(config.device)))
            blocks.play()
            for seed, (_, stages) in going.items():  # what the block brought
                _advance(seed, stages)
            blocks.learn()
            heard.received = signals.received
    finally:
        for stages in every:
            stages.close()
    if interruption is not None:
        raise interruption


def _way_of(config: RunConfig) -> str:
    if config.algorithm.loss_variant(Progress()) is None:
        return f"play as one, and learn in turns: no two updates of {config.algorithm.name} are repetitions"
    return "play and learn as one"


def _advance(seed: int, stages: Iterator[None]) -> bool:
    """Run a seed's loop to its next pause; False where it has come to its end."""
    try:
        next(stages)
    except StopIteration:
        return False
    except NonFiniteError as error:
        raise NonFiniteError(f"seed {seed}: {error}") from error
    return True
