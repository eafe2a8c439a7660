"""The supervisor's end of one worker process: requests with a deadline, and an end that leaves nothing behind."""

from __future__ import annotations

import contextlib
import json
import math
import os
import signal
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from rmix_kit.envs.smac.sc2.settings import PYTHON_VARIABLE, Settings
from rmix_kit.errors import StarCraftError
from rmix_kit.messages import Array, WireError, decode, encode, reader, write_within

END_SECONDS = 5.0
# A reply that was written in time is read even if the supervisor comes late to it.
GRACE_SECONDS = 0.25
KEPT_LINES = 20
LARGEST_NUMBER = float(np.finfo(np.float32).max)  # rewards are float32
BLOCK, LONGEST_LINE = 2**16, 400  # bytes read at once, and of a line those that are kept

Answer = tuple[dict[str, Any], dict[str, Array]]


class WorkerFailure(Exception):  # noqa: N818 - handled by the supervisor, never seen by a user
    """A worker died, hangs, reports an error or talks nonsense.

    Attributes:
        is_final: Another attempt would end the same way.
        known: Names that would have been right, where a name was wrong.
    """

    def __init__(self, reason: str, *, is_final: bool = False, known: tuple[str, ...] = ()) -> None:
        """Say what happened."""
        super().__init__(reason)
        self.is_final, self.known = is_final, known


class GameWorker(ABC):
    """A process with one game in it, wherever it runs."""

    @property
    @abstractmethod
    def pid(self) -> int | None:
        """The process's number where it runs; None where it is gone."""

    @property
    @abstractmethod
    def last_lines(self) -> tuple[str, ...]:
        """What process and game last wrote to standard error."""

    @abstractmethod
    def send(self, request: str, seconds: float, **contents: int | Array) -> None:
        """Send a request; `receive` waits for its answer, and reports what went wrong here.

        Args:
            request: What to do.
            seconds: How long it may take, from now.
            contents: Numbers and arrays that belong to it.
        """

    @abstractmethod
    def receive(self) -> Answer:
        """Wait for the answer to the last request until its time is over.

        Raises:
            WorkerFailure: The process died, hangs, reports an error or answers with something else than a message.
        """

    @abstractmethod
    def kill(self) -> None:
        """End process and game, whatever they do."""

    def quit(self) -> None:
        """Let the game quit, then see to it that it has; not for a process that failed."""
        self.send("close", END_SECONDS)
        with contextlib.suppress(WorkerFailure):
            self.receive()
        self.kill()


class Worker(GameWorker):
    """A process of this machine, the leader of a session of its own."""

    def __init__(self, settings: Settings, replay_prefix: str) -> None:
        """Start the process; it has no game yet.

        Args:
            settings: What to play, and which interpreter does.
            replay_prefix: Beginning of the name of its replay.

        Raises:
            StarCraftError: There is no such interpreter.
        """
        arguments = settings.arguments()
        if settings.replay_dir:
            folder = os.path.abspath(settings.replay_dir)
            arguments |= {"replay_dir": folder, "replay_prefix": replay_prefix}
        task = {"package": settings.package_name, "arguments": arguments, "parent": os.getpid()}
        # The game's temporary files: it has no time to remove them when it is killed.
        self._folder = tempfile.TemporaryDirectory(prefix="rmix-kit-sc2-", ignore_cleanup_errors=True)
        try:
            self._process = subprocess.Popen(
                [settings.interpreter, str(settings.worker), json.dumps(task)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**os.environ, "TMPDIR": self._folder.name},
                start_new_session=True,  # Ctrl-C is for the trainer, and a group of its own can be killed as a whole
            )
        except OSError as error:
            self._folder.cleanup()
            raise StarCraftError(
                f"the interpreter {settings.interpreter!r} cannot be started ({error.strerror}); give the Python that "
                f"has smac as smac_python or in {PYTHON_VARIABLE}; rmix-kit doctor shows what is there"
            ) from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._input, self._output, self._errors = self._process.stdin, self._process.stdout, self._process.stderr
        os.set_blocking(self._input.fileno(), False)
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._listener = threading.Thread(target=_keep_lines, args=(self._errors, self._lines), daemon=True)
        self._listener.start()
        self._seconds, self._end = 0.0, 0.0

    @property
    def pid(self) -> int:
        """The process's number, its group's and its session's."""
        return self._process.pid

    @property
    def last_lines(self) -> tuple[str, ...]:
        """What process and game last wrote to standard error."""
        return tuple(self._lines)

    def send(self, request: str, seconds: float, **contents: int | Array) -> None:
        """Write a request to the process."""
        fields = {name: value for name, value in contents.items() if isinstance(value, int)}
        arrays = {name: value for name, value in contents.items() if not isinstance(value, int)}
        self._seconds, self._end = seconds, time.monotonic() + seconds
        with contextlib.suppress(OSError):  # a dead or blocked process gives no answer either
            write_within(self._input.fileno(), encode({"do": request, **fields}, arrays), self._end)

    def receive(self) -> Answer:
        """Read the process's answer."""
        end = max(self._end, time.monotonic() + GRACE_SECONDS)
        try:
            fields, arrays = decode(reader(self._output.fileno(), end))
        except TimeoutError as error:
            raise WorkerFailure(f"no answer within {self._seconds:g} s") from error
        except EOFError as error:
            raise WorkerFailure(f"the worker process {self._ending()}") from error
        except WireError as error:
            raise WorkerFailure(f"the worker answered with {error}") from error
        return answer_of(fields, arrays)

    def kill(self) -> None:
        """Kill the process, its game and whatever else is in its group, and wait until the process is gone."""
        # Before anybody waits for it the number cannot have passed on to another group.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._listener.join(END_SECONDS)
        for pipe in (self._input, self._output, self._errors):
            pipe.close()
        self._folder.cleanup()

    def _ending(self) -> str:
        # Peeks only: the number stays taken until `kill` has killed the group.
        end, found = time.monotonic() + GRACE_SECONDS, None
        while found is None and time.monotonic() < end:  # the pipe closes a moment before the process has ended
            found = os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            time.sleep(0.005)
        if found is None:
            return "closed its output"
        is_signal = found.si_code != os.CLD_EXITED
        return f"was ended by signal {found.si_status}" if is_signal else f"ended with exit code {found.si_status}"


def _keep_lines(pipe: IO[bytes], lines: deque[str]) -> None:
    """Read a process's standard error to its end, so that it never blocks, and keep the last lines."""
    begun = b""
    with contextlib.suppress(OSError, ValueError):  # closed while being read
        while block := pipe.read(BLOCK):
            *whole, begun = (begun + block).split(b"\n")
            lines.extend(filter(None, map(_shown, whole)))
            begun = begun[:LONGEST_LINE]
    lines.extend(filter(None, [_shown(begun)]))


def _shown(line: bytes) -> str:
    text = line[:LONGEST_LINE].decode(errors="replace").strip()
    return text if text.strip("^~ ") else ""  # a traceback's markers say nothing without the column


def finite(fields: Mapping[str, Any], name: str) -> float:
    """Return a number of an answer.

    Raises:
        WorkerFailure: It is missing, none, or too large for float32.
    """
    value = plain(fields, name, (int, float))
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not abs(number) <= LARGEST_NUMBER:
        raise WorkerFailure(f"the worker sent the {name} {str(value)[:40]}")
    return number


def count(fields: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """Return a whole number of an answer.

    Raises:
        WorkerFailure: It is missing, none, or out of range.
    """
    value: int = plain(fields, name, int)
    if not least <= value <= most:
        raise WorkerFailure(f"the worker sent {name} {str(value)[:40]}; expected {least} to {most}")
    return value


def answer_of(fields: dict[str, Any], arrays: dict[str, Array]) -> Answer:
    """Return what a message says.

    Raises:
        WorkerFailure: It reports an error.
    """
    if "error" in fields:
        raise WorkerFailure(
            " ".join(str(fields["error"]).split()),
            is_final=fields.get("is_final") is True,
            known=_names(fields.get("known")),
        )
    return fields, arrays


def _names(known: object) -> tuple[str, ...]:
    return tuple(map(str, known)) if isinstance(known, list) else ()


def plain(fields: Mapping[str, Any], name: str, kind: type | tuple[type, ...]) -> Any:  # noqa: ANN401 - JSON
    """Return one field of an answer.

    Args:
        kind: What it must be.

    Raises:
        WorkerFailure: It is missing or of another type.
    """
    value = fields.get(name)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise WorkerFailure(f"the worker answered {name}={str(value)[:40]!r}")
    return value
