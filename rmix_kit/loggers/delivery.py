"""Which rows a logger has been sent: none twice, none left out, whatever becomes of the process."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path

from rmix_kit.callbacks import Ended, Started
from rmix_kit.errors import ConfigError, RunFolderError
from rmix_kit.files.reading import LARGEST_LOG, parsed_json, read_plain
from rmix_kit.files.writing import json_text, open_own, write_file, writing
from rmix_kit.loggers.interface import Logger
from rmix_kit.results.folder import METRIC_KINDS
from rmix_kit.spelling import shortened

ADVICE = "make room and resume"


class Delivery:
    """One logger of one run, and the file that says what it has.

    The file's first line is what the remote run is found by, every other one the digest of a row that was sent. A run
    that goes on from a checkpoint writes rows again that came after it. An exact one writes the same, and they are not
    sent again; where one differs, as after planning the run for more steps, it is sent as a new one.
    """

    def __init__(self, logger: Logger, folder: Path) -> None:
        """Bind a logger to a run's folder; nothing is read or sent."""
        self._logger, self._path = logger, folder / "loggers" / f"{logger.name}.jsonl"
        self._sent: list[str] = []
        self._next = 0
        self._has_begun = False

    def begin(self, started: Started, kept: bytes) -> None:
        """Open the remote run, or go on with it, and send what it lacks of the rows so far.

        Args:
            started: What is trained.
            kept: ``metrics.jsonl`` as training goes on from it.

        Raises:
            RunFolderError: The file cannot be read or written.
            ConfigError: The logger gave nothing by which the remote run is found again.
        """
        continued = self._read()
        found: object = self._logger.begin(started, continued)  # the user's
        self._has_begun = True
        if not isinstance(found, str):
            given = f"{type(self._logger).__qualname__}.begin returned {shortened(found)}"
            raise ConfigError(f"{given}; expected a text by which the remote run is found again")
        if found != continued:
            self._sent = []
            with writing(str(self._path), ADVICE):
                self._path.parent.mkdir(exist_ok=True)
                write_file(self._path, (json_text({"run": found}) + "\n").encode())
        for line in kept.splitlines():
            row = parsed_json(line)
            kind, env_steps = row.pop("kind"), row.pop("env_steps")
            if kind in METRIC_KINDS:
                self.row(kind, env_steps, row)

    def row(self, kind: str, env_steps: int, numbers: Mapping[str, float | int | None]) -> None:
        """Send a row, unless it has been.

        Args:
            kind: "training" or "evaluation".
            env_steps: Environment steps taken.
            numbers: By name; those that are not known or not finite are left out.

        Raises:
            RunFolderError: What was sent cannot be noted.
        """
        known = {k: float(v) for k, v in numbers.items() if v is not None and math.isfinite(v)}
        digest = hashlib.sha256(json_text([kind, env_steps, known], sort_keys=True).encode()).hexdigest()[:16]
        index, self._next = self._next, self._next + 1
        if self._sent[index : index + 1] == [digest]:
            return
        self._logger.row(kind, env_steps, known)
        with writing(str(self._path), ADVICE):
            if index < len(self._sent):
                del self._sent[index:]
                lines = [read_plain(self._path, LARGEST_LOG).splitlines()[0].decode(), *map(json_text, self._sent)]
                write_file(self._path, ("\n".join(lines) + "\n").encode())
            self._sent.append(digest)
            with open(self._path, "a", encoding="utf-8", opener=open_own) as file:
                file.write(json_text(digest) + "\n")

    def end(self, ended: Ended) -> None:
        """Close the remote run, if it was opened."""
        if self._has_begun:
            self._logger.end(ended)

    def _read(self) -> str | None:
        """Take what was sent before, and return what the remote run is found by; None where there is none yet."""
        try:
            lines = read_plain(self._path, LARGEST_LOG).split(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise RunFolderError(f"{self._path} cannot be read: {error.strerror or error}; {_ANEW}") from error
        try:
            head, *sent = [parsed_json(line) for line in lines[:-1]]  # a killed process may leave half a line
            found = head["run"]
        except (ValueError, TypeError, KeyError) as error:
            raise RunFolderError(f"{self._path} cannot be read: {error}; {_ANEW}") from error
        if not isinstance(found, str) or not all(isinstance(digest, str) for digest in sent):
            raise RunFolderError(f"{self._path} is not what was written; {_ANEW}")
        if lines[-1]:
            with writing(str(self._path), ADVICE):
                write_file(self._path, b"".join(line + b"\n" for line in lines[:-1]))
        self._sent = sent
        return found


_ANEW = "restore it, or remove it and let everything be sent to a new remote run"
