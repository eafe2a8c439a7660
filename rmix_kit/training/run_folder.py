"""A run's folder: where what lies, who may write, and which checkpoints stay."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from exporters.aside import PARTIAL_SUFFIX
from rmix_kit.algorithms import Algorithm
from rmix_kit.envs.consent import Consent, allowed_code
from rmix_kit.envs.make import shown
from rmix_kit.errors import CheckpointError, ConfigError, RunFolderError
from rmix_kit.files.reading import LARGEST_TEXT, foreign_member, read_plain
from rmix_kit.files.writing import no_room, remove, sync_folder, write_file
from rmix_kit.files.yaml_text import read_yaml, write_yaml
from rmix_kit.results.paths import MANIFEST_NAME, RunPaths
from rmix_kit.roster import names_code
from rmix_kit.training.algorithm_names import algorithm_class, text_of
from rmix_kit.training.manifest import Manifest, read_manifest
from rmix_kit.training.run_config import InitialWeights, RunConfig

LOCK_NAME = ".lock"


def allowed_algorithm(text: str, named_by: Path, consent: Consent | None) -> None:
    """Refuse an algorithm of a module that a file names, unless a person has consented to import it.

    Args:
        text: As the file has it.
        named_by: The file, such as a run's ``config.yaml``.
        consent: What a person said, if anything.

    Raises:
        UntrustedCodeError: Nobody has consented.
    """
    if names_code(text):
        otherwise = f"give --algo {shlex.quote(shown(text))} (in Python algorithm=Class)"
        allowed_code(f"an algorithm that imports {shown(text)}", text, named_by, consent, otherwise=otherwise)


class RunFolder(RunPaths):
    """The folder of one run, and who may do what in it."""

    def __init__(
        self, path: Path, *, algorithm: type[Algorithm[Any]] | None = None, consent: Consent | None = None
    ) -> None:
        """Name the folder; nothing is touched.

        Args:
            algorithm: The run's, where it is at hand: it is not imported because the folder names it.
            consent: To import an algorithm because the folder names its module.
        """
        super().__init__(path)
        self._algorithm, self._consent = algorithm, consent

    @property
    def is_occupied(self) -> bool:
        """Return whether anything lies in the folder."""
        return self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir()))

    def read_config(self) -> RunConfig:
        """Read the run's configuration.

        Raises:
            RunFolderError: The folder holds no run, or what leads out of it.
            ConfigError: The file is damaged.
            UntrustedCodeError: It names its algorithm's module, and nobody has consented to import it.
        """
        values = self.read_values()
        try:
            return RunConfig.from_dict(values, find=self._find_algorithm)
        except ConfigError as error:
            raise ConfigError(f"{self.config} cannot be used: {error}") from error

    def read_values(self) -> Any:  # noqa: ANN401 - whatever the file holds
        """Read what the run's configuration says; nothing that it names is imported.

        Raises:
            RunFolderError: The folder holds no run, or what leads out of it.
            ConfigError: The file cannot be read.
        """
        self.check_members()
        try:
            return read_yaml(read_plain(self.config, LARGEST_TEXT).decode())
        except FileNotFoundError as error:
            reason = "there is no config.yaml" if self.path.is_dir() else "there is no such folder"
            if (self.path / MANIFEST_NAME).is_file():
                reason += "; what it holds looks exported, which rmix-kit run plays"
            raise RunFolderError(f"{self.path} is no run: {reason}") from error
        except OSError as error:
            raise RunFolderError(f"{self.config} cannot be read: {error.strerror}") from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            raise ConfigError(f"{self.config} cannot be read: {error}") from error

    def _find_algorithm(self, text: str) -> type[Algorithm[Any]]:
        """Return the algorithm that the run's configuration names, if it may be imported.

        Raises:
            UntrustedCodeError: It is a module's, and nobody has consented.
        """
        if self._algorithm is not None and text == text_of(self._algorithm):
            return self._algorithm
        if names_code(text):
            if self._algorithm is not None:
                own = text_of(self._algorithm)
                raise RunFolderError(f"{self.path} holds another run: algo is {text} there, and {own} was asked for")
            allowed_algorithm(text, self.config, self._consent)
        return algorithm_class(text)

    @property
    def initial_weights(self) -> InitialWeights | None:
        """What its run has begun with; None where that is nothing of another run, or there is no run yet."""
        return self.read_config().init_from if self.config.exists() else None

    def check_members(self) -> None:
        """Refuse a folder with members that lead out of it, as nothing is read, written or removed through those.

        Raises:
            RunFolderError: There is one.
        """
        try:
            found = foreign_member(self.path)
        except OSError as error:
            raise RunFolderError(f"{self.path} cannot be read: {error.strerror}") from error
        if found:
            raise RunFolderError(f"{self.path} cannot be used: {found}")

    def prepare(self, config: RunConfig, *, resume: bool) -> None:
        """Make the folder ready for the run, or refuse.

        Args:
            resume: Whether an existing folder is to be gone on with.

        Raises:
            RunFolderError: The folder exists without ``resume``, is not a run's, or is another run's.
        """
        self.check(config, resume=resume)
        for folder in (self.checkpoints, self.replay):
            folder.mkdir(parents=True, exist_ok=True)
        if not self.config.exists() or read_plain(self.config, LARGEST_TEXT) != config_content(config):
            self.write_config(config)  # one of an earlier version says less

    def write_config(self, config: RunConfig) -> None:
        """Write the run's configuration, in place of the one that is there."""
        write_file(self.config, config_content(config))

    def check(self, config: RunConfig, *, resume: bool, of_any_steps: bool = False) -> None:
        """Refuse a folder that this run may not use; see `prepare`.

        Args:
            resume: Whether an existing folder is to be gone on with.
            of_any_steps: Whether the run in it may be planned for other steps.
        """
        others = [p.name for p in self.path.iterdir() if p.name != LOCK_NAME] if self.path.is_dir() else []
        if not resume and (others or (self.path.exists() and not self.path.is_dir())):
            raise RunFolderError(f"{self.path} exists; give another folder, or resume the run in it (--resume)")
        self.check_members()
        begun = {name for name in others if name.endswith(PARTIAL_SUFFIX)} | {self.checkpoints.name, self.replay.name}
        if not others or (set(others) <= begun and not self.steps()):
            return  # a run that was stopped before it had a configuration
        stored, given = ({**one.to_dict(), **one.settings} for one in (self.read_config(), config))
        if of_any_steps:
            stored["steps"] = config.steps
        if differing := _differences(stored, given):
            raise RunFolderError(f"{self.path} holds another run: {'; '.join(differing[:3])}")

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes out for as long as this one lives; a killed process leaves no lock behind.

        Raises:
            RunFolderError: Another process is at work here, or the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        except OSError as error:
            raise RunFolderError(
                f"{self.path} cannot be written: {no_room(error) or error.strerror}; make room, or choose a folder "
                "that can be written"
            ) from error
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RunFolderError(f"{self.path} is in use by another process; wait for it or stop it") from error
            yield
        finally:
            os.close(handle)

    def check_is_free(self) -> None:
        """Refuse a folder in which another process is at work now; nothing is made where there is none."""
        if (self.path / LOCK_NAME).exists():
            with self.lock():
                pass

    def clear_leftovers(self) -> None:
        """Remove what a killed process left half-written."""
        for folder in (self.path, self.checkpoints, self.replay):
            for path in folder.glob(f"*{PARTIAL_SUFFIX}"):
                remove(path)

    def set_aside(self, step: int) -> str:
        """Rename a damaged checkpoint, so that it is out of the way and can still be looked at.

        Returns:
            Its new name.
        """
        place = self.checkpoint(step)
        target = place.with_name(f"damaged_{place.name}")
        if target.exists():
            shutil.rmtree(target)
        place.rename(target)
        sync_folder(self.checkpoints)
        return target.name

    def rotate(self, keep: int) -> set[str]:
        """Remove the checkpoints that are neither among the newest nor the best.

        Args:
            keep: How many of the newest stay.

        Returns:
            Names of the replay segments that the remaining ones list.
        """
        manifests = []
        for step in self.steps():
            try:
                manifests.append(read_manifest(self.checkpoint(step)))
            except CheckpointError:
                self.set_aside(step)
        newest = manifests[-1:]
        regular = [manifest for manifest in manifests if not manifest.is_interruption]
        best = best_of(regular)
        kept = {manifest.step for manifest in (*newest, *regular[-keep:], *([best] if best else []))}
        for manifest in manifests:
            if manifest.step not in kept:
                shutil.rmtree(self.checkpoint(manifest.step))
        sync_folder(self.checkpoints)
        return {s.file.name for manifest in manifests if manifest.step in kept for s in manifest.segments}


def config_content(config: RunConfig) -> bytes:
    """Return the file of a run's configuration."""
    head = "# The resolved configuration. Training with it again repeats the run.\n"
    return (head + write_yaml(config.to_dict())).encode()


def best_of(manifests: list[Manifest]) -> Manifest | None:
    """Return the checkpoint with the highest mean return of an evaluation made at it; the earlier one of equals."""
    evaluated = [manifest for manifest in manifests if manifest.return_mean is not None]
    return max(evaluated, key=lambda m: (m.return_mean, -m.step)) if evaluated else None


def choose_step(folder: RunFolder, which: str | int) -> int:
    """Find a checkpoint.

    Args:
        which: "last", "best" or a step.

    Returns:
        Its step.

    Raises:
        CheckpointError: There is none, or not that one.
    """
    steps = folder.steps()
    if not steps:
        raise CheckpointError(f"{folder.path} has no checkpoint yet")
    if which == "last":
        return steps[-1]
    if which == "best":
        best = best_of([read_manifest(folder.checkpoint(step)) for step in steps])
        if best is None:
            raise CheckpointError(f"no checkpoint in {folder.path} was evaluated; ask for last or a step")
        return best.step
    if not str(which).isdecimal() or int(which) not in steps:
        raise CheckpointError(
            f"{folder.path} has no checkpoint {which!r}; it has last, best, {', '.join(map(str, steps))}"
        )
    return int(which)


def newest_sound(
    folder: RunFolder, verify: Callable[[Path], Manifest], note: Callable[[str], None]
) -> tuple[Manifest | None, list[int]]:
    """Find the newest checkpoint that is sound, and say which were not.

    Args:
        verify: Reads and checks one checkpoint.
        note: Told of every damaged one.

    Returns:
        Its manifest, or None where there is no checkpoint at all; and the steps of the damaged ones.

    Raises:
        CheckpointError: There are checkpoints, and all are damaged.
    """
    damaged: list[int] = []
    for step in reversed(folder.steps()):
        try:
            return verify(folder.checkpoint(step)), damaged
        except CheckpointError as error:
            note(f"{error}; trying the one before")
            damaged.append(step)
    if damaged:
        raise CheckpointError(f"every checkpoint in {folder.path} is damaged; start a new run in another folder")
    return None, []


def _differences(stored: dict[str, Any], given: dict[str, Any], path: str = "") -> list[str]:
    found = []
    for key in (*stored, *(k for k in given if k not in stored)):
        old, new = stored.get(key), given.get(key)
        if isinstance(old, dict) and isinstance(new, dict):
            found += _differences(old, new, f"{path}{key}.")
        elif old != new:
            found.append(f"{path}{key} is {old!r} there and {new!r} here")
    return found
