"""Why a callback has ended a run before its planned end: ``stopped.json``, which goes when the run goes on."""

from __future__ import annotations

from typing import NamedTuple, TypedDict

from rmix_kit.errors import RecordError
from rmix_kit.files.forms import misfit
from rmix_kit.files.reading import LARGEST_TABLE, read_json
from rmix_kit.files.writing import json_text, write_file, writing
from rmix_kit.results.paths import RunPaths


class Stopped(NamedTuple):
    """Where a run was ended, and why.

    Attributes:
        env_steps: Environment steps taken.
        reason: As the callback gave it.
    """

    env_steps: int
    reason: str


class _Form(TypedDict):
    env_steps: int
    reason: str


def write_stopped(paths: RunPaths, stopped: Stopped) -> None:
    """Write the file.

    Raises:
        RunFolderError: The file system refuses.
    """
    with writing(str(paths.stopped), "the run is saved: make room and resume"):
        write_file(paths.stopped, (json_text(stopped._asdict()) + "\n").encode())


def read_stopped(paths: RunPaths) -> Stopped | None:
    """Read the file; None where there is none.

    Raises:
        RecordError: It cannot be read.
    """
    try:
        values = read_json(paths.stopped, LARGEST_TABLE)
        if reason := misfit(values, _Form, "it"):
            raise ValueError(reason)
        return Stopped(values["env_steps"], values["reason"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise RecordError(f"{paths.stopped} cannot be read: {error}; restore it, or remove it") from error
