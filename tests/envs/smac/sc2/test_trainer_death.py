"""Whatever ends the trainer, or a worker, or both, no game is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT
from tests.envs.smac.sc2.theatre import FAKE, Theatre, all_gone, fault, is_running, pids_in

TRAINER = """
import sys, time
from pathlib import Path
import numpy as np
from rmix_kit.envs.smac.sc2.settings import Settings
from rmix_kit.envs.smac.sc2.vector import SC2Vector

vector = SC2Vector(Settings(map_name="3m", worker=Path(sys.argv[1])), 2)
step = vector.reset([0, 1])
print("ready", flush=True)
if sys.argv[2] == "in a step":
    vector.step(step.avail_actions.argmax(-1))
time.sleep(60)
"""


def trainer(moment: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", TRAINER, str(FAKE), moment], cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    return process


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_a_trainer_that_is_killed_leaves_no_worker_and_no_game(theatre: Theatre, number: signal.Signals) -> None:
    theatre.script()
    process = trainer("between steps")
    assert theatre.running() == 4
    process.send_signal(number)
    process.wait()
    assert all_gone(theatre.folder)


def test_a_trainer_that_is_killed_while_a_worker_hangs_leaves_nothing(theatre: Theatre) -> None:
    theatre.script(fault("step", "hang"))
    process = trainer("in a step")
    wait_for(lambda: "step" in theatre.requests(0))
    process.kill()
    process.wait()
    assert all_gone(theatre.folder)


def test_a_trainer_and_its_workers_killed_together_leave_no_game(theatre: Theatre) -> None:
    theatre.script()
    process = trainer("between steps")
    workers = [pids_in(theatre.folder)[place] for place in (0, 2)]
    for pid in (*workers, process.pid):
        os.kill(pid, signal.SIGKILL)
    process.wait()
    assert all_gone(theatre.folder)


def test_a_worker_outlives_the_thread_that_started_it(theatre: Theatre) -> None:
    from threading import Thread

    vector = theatre.make(num_envs=1)
    thread = Thread(target=vector.reset, args=([0],))
    other = theatre.make(num_envs=1)
    thread.start()
    thread.join()
    time.sleep(0.1)  # the kernel's signal would have come by now
    assert not vector.reset([0]).terminated.any()
    assert vector.pids[0] is not None
    assert is_running(vector.pids[0])
    other.close()


def wait_for(condition: object, seconds: float = 10.0) -> None:
    assert callable(condition)
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_temporary_files_of_a_killed_game_are_removed(theatre: Theatre, tmp_path: Path) -> None:
    vector = theatre.make(fault("step", "killed"), num_envs=1)
    step = vector.reset([0])
    worker = vector.pids[0]
    environment = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
    (folder,) = [Path(entry[7:].decode()) for entry in environment if entry.startswith(b"TMPDIR=")]
    assert folder.is_dir()
    vector.step(step.avail_actions.argmax(-1))
    assert not folder.exists()
