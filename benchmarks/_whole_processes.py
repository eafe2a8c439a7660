"""CPU seconds of whole processes from their start: commands of `rmix-kit`, and training runs.

A training run is timed with its imports, evaluations, records and checkpoints.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

STEPS_PER_UPDATE = 400  # JaxMARL's ratio with 8 copies of 50 steps
EPISODES_PER_COPY = 16  # so that few copies stand still; at 1 they wait for each other
HERE = Path(__file__).resolve().parents[1]
KIT = ("-m", "rmix_kit.cli.main")
PROGRAM = """
import sys
from pathlib import Path
from rmix_kit.config.load import resolve
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.trainer import train

env, preset, steps, copies, folder, *overrides = sys.argv[1:]
config = resolve(
    algo="qmix", preset=preset, env=env, seed=0, steps=int(steps), num_envs=int(copies), overrides=overrides
)
train(config, Path(folder), reporter=SilentReporter())
"""


def on_one_core() -> None:
    """Keep this process and those it starts to one core, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)


def timed_process(
    command: Sequence[str], *, environ: dict[str, str] | None = None, folder: Path | None = None
) -> tuple[float, str]:
    """Run a command on one thread; return its CPU seconds, those of its children included, and what it printed.

    Raises:
        RuntimeError: It failed; its complaint is in the message.
    """
    search = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    whole = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": search, **(environ or {})}
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as complaint:
        process = subprocess.Popen(command, env=whole, stdout=said, stderr=complaint, cwd=folder)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complaint.seek(0)
        if process.returncode:
            what = (said.read() + complaint.read())[-1500:]
            raise RuntimeError(f"{' '.join(command[:6])} exited {process.returncode}: {what}")
        return usage.ru_utime + usage.ru_stime, said.read()


def cpu_seconds(command: Sequence[str]) -> float:
    """Run a command on one thread and return its CPU seconds."""
    return timed_process(command)[0]


def qmix_run(env: str, steps: int, copies: int, *, preset: str = "qmix", overrides: Sequence[str] = ()) -> float:
    """Train QMIX in a fresh process; return its CPU seconds."""
    with tempfile.TemporaryDirectory() as name:
        words = [env, preset, str(steps), str(copies), str(Path(name) / "run"), *overrides]
        return cpu_seconds([sys.executable, "-c", PROGRAM, *words])


def batched_macn_run(steps: int, copies: int) -> float:
    """Train QMIX on ``macn:4x12`` with one update of 32 episodes per 400 steps; return CPU seconds."""
    overrides = [f"training.updates_per_step={1 / STEPS_PER_UPDATE}", "training.batch_size=32"]
    overrides += [f"training.episodes_per_copy={EPISODES_PER_COPY}"]
    return qmix_run("macn:4x12", steps, copies, overrides=overrides)


def episode_by_episode_run(steps: int, *, map_name: str = "5m_vs_6m") -> float:
    """Train QMIX as PyMARL does, one copy of a map of SMAC and one update per episode; return CPU seconds."""
    return qmix_run(f"smac:{map_name}?backend=builtin", steps, 1, preset="qmix-paper")


def command_seconds(*words: str) -> float:
    """Run ``rmix-kit`` in a fresh process; return its CPU seconds."""
    return cpu_seconds([sys.executable, *KIT, *words])
