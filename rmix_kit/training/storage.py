"""Saving a run in its folder, and going on from there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from rmix_kit.errors import CheckpointError
from rmix_kit.files.writing import Prefix, writing
from rmix_kit.replay.episode import misfit_of
from rmix_kit.replay.held import HeldEpisodes
from rmix_kit.replay.records import kept_arrays
from rmix_kit.training.checkpoint import read_tensors, verify_checkpoint, write_checkpoint
from rmix_kit.training.initial_weights import begin_with
from rmix_kit.training.learner import Learner
from rmix_kit.training.manifest import ROLLOUT_FILE, TENSOR_FILES, Manifest, spec_to_dict
from rmix_kit.training.progress_bar import Reporter
from rmix_kit.training.replay_files import Segment, drop_unlisted, read_segment, still_held, write_segment
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.run_folder import RunFolder, newest_sound
from rmix_kit.training.state import TrainerState


class Storage:
    """Writes and reads the checkpoints of one run; knows which segments of the replay are written.

    Attributes:
        last_saved: Step of the newest checkpoint; None before the first.
        rollout: Copies in play at the checkpoint that was gone back to, by name; None where there were none.
    """

    def __init__(self, folder: RunFolder, config: RunConfig) -> None:
        """Bind to a prepared and locked folder."""
        self._folder, self._config = folder, config
        self._segments: tuple[Segment, ...] = ()
        self.last_saved: int | None = None
        self.rollout: dict[str, Tensor] | None = None

    @property
    def stands(self) -> str:
        """Say what a run that breaks now can go on from."""
        if self.last_saved is None:
            return "no checkpoint was saved yet"
        return f"the checkpoint of step {self.last_saved} stands"

    def save(
        self,
        state: TrainerState,
        learner: Learner,
        buffer: HeldEpisodes,
        *,
        metrics: Prefix,
        evaluation: Mapping[str, float | int | None] | None,
        is_interruption: bool = False,
        open_end: Mapping[str, Any] | None = None,
        rollout: Mapping[str, Tensor] | None = None,
    ) -> None:
        """Save everything, then drop what is not kept.

        A due checkpoint's segment begins where the due one before ended, whatever was saved in between: interruptions
        change no file of the final run.

        Args:
            state: Counters and streams.
            metrics: ``metrics.jsonl`` so far.
            evaluation: The evaluation made at this step, if one was.
            is_interruption: Whether a signal is the reason.
            open_end: `TrainerState.open_end`, at the end of the run.
            rollout: Copies in play, by name; None where none are.

        Raises:
            RunFolderError: The file system refused; the checkpoint before stands.
        """
        with writing(f"the checkpoint of step {state.env_steps}", f"{self.stands}: make room and resume"):
            segments = self._segments
            if buffer.added > state.segment_start:
                segments = (*segments, write_segment(self._folder.replay, buffer, state.segment_start))
            segments = still_held(segments, buffer.added, buffer.capacity)
            if not is_interruption and (open_end is None or open_end["is_due"]):
                self._segments = segments
                state.segment_start = buffer.added
            manifest = Manifest(
                step=state.env_steps,
                config=self._config.to_dict(),
                env_spec=learner.spec,
                state={
                    **state.to_json(),
                    "last_copy_episodes": learner.last_copy_episodes,
                    "steps_since_copy": learner.steps_since_copy,
                    "stepped_parameters": learner.stepped_parameters,
                    "open_end": open_end,
                    "reward_range": [buffer.reward_low, buffer.reward_high] if buffer.added else None,
                },
                evaluation=evaluation,
                metrics=metrics,
                is_finished=state.env_steps >= self._config.steps,
                is_interruption=is_interruption,
                segments=segments,
            )
            in_play = {} if rollout is None else {"rollout": rollout}
            write_checkpoint(self._folder.checkpoint(state.env_steps), manifest, learner.state_tensors() | in_play)
            self.last_saved = state.env_steps
            self._drop_old()

    def restore(
        self, learner: Learner, buffer: HeldEpisodes, reporter: Reporter
    ) -> tuple[TrainerState, Manifest] | None:
        """Go back to the newest sound checkpoint; a run without one begins with the weights that it is to begin with.

        Args:
            learner: Freshly made; changed.
            buffer: Empty; filled.

        Returns:
            State and manifest; None where there is no checkpoint.

        Raises:
            CheckpointError: All are damaged, or they belong to another run.
        """
        manifest, damaged = newest_sound(self._folder, verify_checkpoint, reporter.note)
        if manifest is None:
            if (initial := self._config.init_from) is not None:
                begin_with(learner, initial)
                reporter.note(f"beginning with the weights of {initial.run} at step {initial.step}")
            return None
        for step in damaged:
            reporter.note(f"step_{step} is kept as {self._folder.set_aside(step)}")
        self._check(manifest, learner)
        place = self._folder.checkpoint(manifest.step)
        names = [name.removesuffix(".safetensors") for name in TENSOR_FILES]
        tensors = {name: read_tensors(place, manifest, name) for name in names}
        counters = {key: manifest.state[key] for key in ("last_copy_episodes", "steps_since_copy")}
        learner.load_state(tensors, **counters, stepped_parameters=manifest.state.get("stepped_parameters"))
        if any(file.name == ROLLOUT_FILE for file in manifest.files):
            self.rollout = read_tensors(place, manifest, ROLLOUT_FILE.removesuffix(".safetensors"))
        self._fill(buffer, manifest)
        state = TrainerState.from_json(manifest.state, self._config.seed)
        held = manifest.segments[-1:] if manifest.is_interruption and buffer.added > state.segment_start else ()
        self._segments = tuple(segment for segment in manifest.segments if segment not in held)
        self.last_saved = manifest.step
        self._drop_old()
        return state, manifest

    def _drop_old(self) -> None:
        drop_unlisted(self._folder.replay, self._folder.rotate(self._config.training.keep_checkpoints))

    def _check(self, manifest: Manifest, learner: Learner) -> None:
        if not manifest.is_of(self._config.to_dict()):
            raise CheckpointError(f"step_{manifest.step} is foreign: it belongs to a run with another configuration")
        then, now = spec_to_dict(manifest.env_spec), spec_to_dict(learner.spec)
        if differing := [f"{key} was {then[key]} and is {now[key]}" for key in then if then[key] != now[key]]:
            raise CheckpointError(f"the environment has changed since step_{manifest.step}: {differing[0]}")

    def _fill(self, buffer: HeldEpisodes, manifest: Manifest) -> None:
        if manifest.segments:
            buffer.added = manifest.segments[0].first
        for segment in manifest.segments:
            block = read_segment(self._folder.replay, segment, f"step_{manifest.step}")
            then = kept_arrays({name: array[0, 0] for name, array in block.observed.items()})
            if then != (now := kept_arrays(buffer.template)):
                raise CheckpointError(
                    f"the replay of step_{manifest.step} keeps {then}; this environment's keeps {now}"
                )
            if problem := misfit_of(block, manifest.env_spec):
                raise CheckpointError(f"step_{manifest.step} is foreign: {segment.file.name}: {problem}")
            buffer.add(block)
        recorded: Any = manifest.state["reward_range"]
        if recorded is not None:
            buffer.reward_low, buffer.reward_high = recorded
