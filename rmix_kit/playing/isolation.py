"""Exported agents in a process each: no agent can see what another one sees or remembers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from exporters.bundle import Manifest, read_manifest
from exporters.contract import PolicySpec
from exporters.errors import BundleError
from rmix_kit.errors import AgentProcessError
from rmix_kit.messages import Array, WireError, decode, encode, reader, write_within
from rmix_kit.playing.episodes import Choice
from rmix_kit.types import BoolArray

START_SECONDS = 120.0  # loading a runtime library on a busy machine
STEP_SECONDS = 60.0
END_SECONDS = 5.0

# `-P`: no file of the current directory is imported in a library's place. This package is found where it lies now.
_PROGRAM = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from rmix_kit.playing.agent_process import main; sys.exit(main(sys.argv[1:]))"
)
_PACKAGES = Path(__file__).resolve().parents[2]


class AgentProcess:
    """The parent's end of one agent process."""

    def __init__(self, agent: str, path: Path, format_name: str) -> None:
        """Start the process; its first message says that the agent is loaded.

        Args:
            agent: The agent's id.
        """
        self._agent = agent
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `close`
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", _PROGRAM, str(_PACKAGES), str(path), format_name, agent],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                bufsize=0,
                start_new_session=True,  # Ctrl-C is for the parent; the child ends with its input
            )
        except OSError as error:
            self._errors.close()
            raise AgentProcessError(f"the process of {agent} cannot be started: {error}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        os.set_blocking(self._input.fileno(), False)

    @property
    def pid(self) -> int:
        """The process's number."""
        return self._process.pid

    def send(self, message: bytes, seconds: float) -> None:
        """Send a message within so many seconds."""
        try:
            write_within(self._input.fileno(), message, time.monotonic() + seconds)
        except TimeoutError as error:
            raise self._silence(seconds) from error
        except OSError as error:
            raise self._death() from error

    def receive(self, seconds: float) -> tuple[dict[str, Any], dict[str, Array]]:
        """Wait at most so many seconds for the answer.

        Raises:
            AgentProcessError: The process ended, hangs, or reports an error.
        """
        try:
            fields, arrays = decode(reader(self._output.fileno(), time.monotonic() + seconds))
        except TimeoutError as error:
            raise self._silence(seconds) from error
        except EOFError as error:
            raise self._death() from error
        except WireError as error:
            raise AgentProcessError(f"the process of {self._agent} answered with {error}") from error
        if "error" in fields:
            raise AgentProcessError(str(fields["error"]))
        return fields, arrays

    def hang_up(self) -> None:
        """Close the process's input: the end of its input is the end of its work."""
        self._input.close()

    def close(self, seconds: float) -> None:
        """Wait so many seconds for the end of the process, then end it; afterwards it is gone."""
        self.hang_up()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
        self._errors.close()

    def _silence(self, seconds: float) -> AgentProcessError:
        return AgentProcessError(f"the process of {self._agent} did not answer within {seconds:g} s; it hangs")

    def _death(self) -> AgentProcessError:
        try:
            code: object = self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            code = "unknown"
        self._errors.seek(0)
        lines = self._errors.read()[-4096:].decode(errors="replace").strip().splitlines()
        return AgentProcessError(
            f"the process of {self._agent} ended with exit code {code}" + (f": {lines[-1]}" if lines else "")
        )


class IsolatedTeam:
    """All agents of a folder, a process each; satisfies `rmix_kit.playing.episodes.ExportedTeam`.

    Use it in a ``with`` block: whatever happens inside, no process is left behind.
    """

    def __init__(
        self, directory: Path, format_name: str, *, start_seconds: float = START_SECONDS, seconds: float = STEP_SECONDS
    ) -> None:
        """Name the folder; the processes start with the ``with`` block.

        Args:
            start_seconds: How long an agent may take to load.
            seconds: How long an agent may take for a step.
        """
        self.manifest: Manifest = read_manifest(directory)
        self._directory, self._format = directory, format_name
        self._start_seconds, self._seconds = start_seconds, seconds
        self._processes: dict[str, AgentProcess] = {}
        for entry in self.manifest.agents:
            if format_name not in entry.files:
                raise BundleError(f"{directory} has no {format_name} file for {entry.spec.agent_id}; export it again")

    def __enter__(self) -> IsolatedTeam:
        """Start one process per agent and wait until all have loaded their agent."""
        try:
            for entry in self.manifest.agents:
                name, path = entry.spec.agent_id, self._directory / entry.files[self._format]
                self._processes[name] = AgentProcess(name, path, self._format)
            for process in self._processes.values():
                process.receive(self._start_seconds)
        except BaseException:
            self._end(0.0)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End all processes; after an error nobody waits for them."""
        self._end(END_SECONDS if value is None else 0.0)

    @property
    def specs(self) -> Mapping[str, PolicySpec]:
        """Agent id -> specification."""
        return {entry.spec.agent_id: entry.spec for entry in self.manifest.agents}

    @property
    def pids(self) -> dict[str, int]:
        """Agent id -> process number, while the ``with`` block runs."""
        return {name: process.pid for name, process in self._processes.items()}

    def reset(self) -> None:
        """Start new episodes in every process."""
        for process in self._processes.values():
            process.send(encode({"do": "reset"}), self._seconds)
        for process in self._processes.values():
            process.receive(self._seconds)

    def act(self, obs: np.ndarray, avail_actions: BoolArray, risk_level: float) -> Choice:
        """Choose greedily; all agents think at the same time.

        Raises:
            AgentProcessError: A process ended, hangs or refused its observation.
        """
        for agent, process in enumerate(self._processes.values()):
            arrays = {"obs": obs[:, agent], "avail_actions": avail_actions[:, agent]}
            process.send(encode({"do": "act", "risk_level": risk_level}, arrays), self._seconds)
        answers = [process.receive(self._seconds)[1] for process in self._processes.values()]
        return Choice(
            np.stack([answer["action"] for answer in answers], axis=1).astype(np.int64, copy=False),  # [env, agent]
            np.stack([answer["risk_level"] for answer in answers], axis=1).astype(np.float32, copy=False),
        )

    def _end(self, seconds: float) -> None:
        for process in self._processes.values():
            process.hang_up()
        for process in self._processes.values():
            process.close(seconds)
        self._processes.clear()
