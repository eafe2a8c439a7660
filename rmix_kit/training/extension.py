"""Going on with a run beyond, or not as far as, the steps that it was planned for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest

from rmix_kit.errors import CheckpointError, RunFolderError
from rmix_kit.files.writing import Prefix, write_file
from rmix_kit.results.paths import MANIFEST_NAME
from rmix_kit.training.checkpoint import verify_checkpoint
from rmix_kit.training.manifest import Manifest, encode, read_manifest
from rmix_kit.training.progress_bar import Reporter
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.run_folder import RunFolder, newest_sound
from rmix_kit.training.settings import schedules

SCHEDULES = ("epsilon", "the factor on the learning rate")
POINTS = 10_000
"""At most so many steps of what is done are compared, besides those where a schedule bends."""
TAKEN_BACK = ("best_success_rate", "reports_success", "means")
"""What the last evaluation and the last row change of the state."""
CONSENT = "--extend-inexactly"


def planned_steps(folder: RunFolder) -> int | None:
    """Return the steps that a run is planned for; None where there is no run yet.

    An extension that was broken off has reached the checkpoints before the configuration, and counts.
    """
    if not folder.config.exists():
        return None
    planned = [folder.read_config().steps]
    for step in folder.steps()[-1:]:
        try:
            planned.append(int(read_manifest(folder.checkpoint(step)).config["steps"]))
        except CheckpointError:
            continue
    return max(planned)


def extend(folder: RunFolder, config: RunConfig, reporter: Reporter, *, is_inexact_allowed: bool) -> None:
    """Plan a run anew for the steps of a configuration that is otherwise its own; nothing where they are its own too.

    The end of a finished run is taken back: what it recorded and evaluated only because it was the end is forgotten,
    so that the run goes on as one that was planned so long from the start.

    Args:
        folder: The run's, locked.
        is_inexact_allowed: Go on even where a schedule of the new plan would have run otherwise so far.

    Raises:
        RunFolderError: The steps are done already, or a schedule or the last round differs and that is not allowed.
        CheckpointError: All checkpoints are damaged.
    """
    planned = planned_steps(folder)
    if planned is None or planned == config.steps == folder.read_config().steps:
        return
    newest, _ = newest_sound(folder, verify_checkpoint, reporter.note)
    done = 0 if newest is None else newest.step
    if config.steps <= done:
        raise RunFolderError(
            f"{folder.path} has done {done} environment steps of {planned}; --steps {config.steps} would take some "
            f"back: give more than {done}"
        )
    before = replace(config, steps=planned)
    reason = next(differences(before, config, done), "") or _cut(newest)
    if reason and not is_inexact_allowed:
        raise RunFolderError(
            f"{folder.path} was planned for {planned} environment steps and has done {done}; of {config.steps}, "
            f"{reason}, so it cannot become that run: give {CONSENT} to go on all the same, or start a new run"
        )
    remark = f"from {planned} to {config.steps} steps at step {done}: of {config.steps}, {reason}" if reason else ""
    for step in folder.steps():
        try:
            manifest = read_manifest(folder.checkpoint(step))
        except CheckpointError:
            continue  # resuming sets it aside
        is_newest = newest is not None and step == newest.step
        changed = replanned(manifest, config.steps, remark if is_newest else "")
        write_file(folder.checkpoint(step) / MANIFEST_NAME, encode(changed))
    for checkpoint in ("best", "last"):
        folder.evaluation(checkpoint).unlink(missing_ok=True)  # of the end that is none any more
    folder.write_config(config)
    manner = "inexactly" if reason else "exactly"
    reporter.note(f"the run was planned for {planned} steps and goes on to {config.steps}, {manner}")


def differences(before: RunConfig, after: RunConfig, done: int) -> Iterator[str]:
    """Say what of a plan for other steps would have run otherwise so far.

    Args:
        before: The run so far.
        after: The same run with other steps.
        done: Environment steps taken.

    Yields:
        A clause for each schedule, with the first step found at which it differs.
    """
    ours, theirs = (schedules(config.training, config.steps) for config in (before, after))
    points = {done, *range(0, done, -(-done // POINTS) or 1)}
    for schedule in (*ours, *theirs):
        points |= {min(getattr(schedule, name, 0) + 1, done) for name in ("begin_steps", "end_steps")}
    for index, (own, other) in enumerate(zip_longest(ours, theirs)):
        for point in sorted(points) if done else ():
            if own.at(point) != other.at(point):
                name = SCHEDULES[index] if index < len(SCHEDULES) else f"schedule {index}"
                yield f"{name} is {other.at(point):g} at step {point} and was {own.at(point):g}"
                break
    for name, share in after.algorithm.shares_of_plan.items():
        first = min(int(share * config.steps) for config in (before, after))
        if share < 1 and 0 < first <= done:
            yield f"{name} ({share:g} of the steps) is reached at step {int(share * after.steps)}"


def _cut(newest: Manifest | None) -> str:
    """Say whether the end has kept episodes from beginning; empty if not."""
    end = None if newest is None or not newest.is_finished else newest.state.get("open_end")
    return "episodes would have begun in its last round that did not" if end and end.get("is_cut") else ""


def replanned(manifest: Manifest, steps: int, remark: str = "") -> Manifest:
    """Return a checkpoint of a run that is now planned for other steps.

    Args:
        remark: How the plan was changed, where that is not exact.
    """
    state = {**manifest.state, **({"extended_inexactly": remark} if remark else {})}
    config = {**manifest.config, "steps": steps}
    end = state.get("open_end")
    if not manifest.is_finished or end is None:
        return replace(manifest, config=config, state=state)
    return replace(
        manifest,
        config=config,
        state={**state, **{name: end[name] for name in TAKEN_BACK}, "open_end": None},
        evaluation=end["evaluation"],
        metrics=Prefix.from_json(end.get("metrics", {"length": end.get("metrics_bytes"), "sha256": ""})),
        is_finished=False,
        is_interruption=not end["is_due"],
    )
