"""A process per agent: alone, and gone in the end, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from exporters.errors import BundleError
from rmix_kit.errors import AgentProcessError
from rmix_kit.playing.isolation import AgentProcess, IsolatedTeam
from tests.fixtures.trained import Trained

OBS = np.zeros((1, 2, 11), dtype=np.int8)
MASK = np.ones((1, 2, 4), dtype=np.bool_)
posix = pytest.mark.skipif(os.name != "posix", reason="signals")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_agent_process_has_no_torch(trained: Trained) -> None:
    process = AgentProcess("agent_0", trained.agents / "agent_0.onnx", "onnx")
    try:
        assert process.receive(60)[0]["torch"] is False
    finally:
        process.close(10)


def test_processes_are_gone_afterwards(trained: Trained) -> None:
    with IsolatedTeam(trained.agents, "onnx") as team:
        pids = team.pids
        assert len(set(pids.values()) | {os.getpid()}) == 3
        team.reset()
        assert team.act(OBS, MASK, 0.0).actions.shape == (1, 2)
    assert not any(map(_is_running, pids.values()))


def test_an_agent_remembers_until_it_is_reset(trained: Trained) -> None:
    with IsolatedTeam(trained.agents, "onnx") as team:
        team.reset()
        first = team.act(OBS, MASK, 0.0)
        for _ in range(3):
            team.act(OBS, MASK, 0.0)
        team.reset()
        again = team.act(OBS, MASK, 0.0)
    assert np.array_equal(first.actions, again.actions)
    assert np.array_equal(first.risk_level, again.risk_level)


@posix
def test_a_killed_process_is_named_and_the_others_end(trained: Trained) -> None:
    with pytest.raises(AgentProcessError, match=r"agent_1 ended with exit code -9"):  # noqa: SIM117, PT012
        with IsolatedTeam(trained.agents, "onnx") as team:
            pids = team.pids
            team.reset()
            os.kill(pids["agent_1"], signal.SIGKILL)
            while True:
                team.act(OBS, MASK, 0.0)
    assert not any(map(_is_running, pids.values()))


@posix
def test_a_hung_process_is_named_and_ended(trained: Trained) -> None:
    with pytest.raises(AgentProcessError, match=r"agent_0 did not answer within 0\.5 s"):  # noqa: SIM117, PT012
        with IsolatedTeam(trained.agents, "onnx", seconds=0.5) as team:
            pids = team.pids
            os.kill(pids["agent_0"], signal.SIGSTOP)
            team.reset()
    assert not any(map(_is_running, pids.values()))


def test_what_the_guards_refuse_is_told_in_one_line(trained: Trained) -> None:
    with pytest.raises(AgentProcessError, match="agent_1: no action is available"):  # noqa: SIM117, PT012
        with IsolatedTeam(trained.agents, "onnx") as team:
            mask = MASK.copy()
            mask[0, 1] = False
            team.act(OBS, mask, 0.0)


def test_a_file_that_cannot_be_loaded_is_told(trained: Trained, tmp_path: Path) -> None:
    process = AgentProcess("agent_0", tmp_path / "agent_0.onnx", "onnx")
    try:
        with pytest.raises(AgentProcessError, match="no such file"):
            process.receive(60)
    finally:
        process.close(10)


def test_a_format_that_was_not_exported_is_refused(trained: Trained) -> None:
    with pytest.raises(BundleError, match="no tflite file"):
        IsolatedTeam(trained.agents, "tflite")


@posix
def test_no_process_survives_a_killed_parent(trained: Trained) -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from rmix_kit.playing.isolation import IsolatedTeam\n"
        "with IsolatedTeam(Path(sys.argv[1]), 'onnx') as team:\n"
        "    print(*team.pids.values(), flush=True)\n"
        "    time.sleep(60)\n"
    )
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", program, str(trained.agents)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        parent.kill()
    assert len(pids) == 2
    end = time.monotonic() + 20
    while any(map(_is_running, pids)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(_is_running, pids))
