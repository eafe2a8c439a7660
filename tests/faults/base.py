"""The material that every case copies from: runs that are finished, under way and another's, and two exports."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.faults.cases import ENVIRONMENT, SETTINGS, STEPS


def build(base: Path) -> None:
    """Train and export into a folder.

    Args:
        base: Made here. ``run`` and ``other`` are finished, ``half`` is ``run`` as a kill before its last checkpoint
            left it, ``agents`` and ``other-agents`` are exports.
    """
    import rmix_kit
    from rmix_kit.config.load import resolve
    from rmix_kit.training.absolute import evaluate_run
    from rmix_kit.training.exporting import export
    from rmix_kit.training.progress_bar import SilentReporter
    from rmix_kit.training.trainer import train

    base.mkdir()
    for name, seed in (("run", 3), ("other", 4)):
        config = resolve(
            algo="rmix", env=ENVIRONMENT, seed=seed, steps=STEPS, num_envs=4, device="cpu", overrides=list(SETTINGS)
        )
        train(config, base / name, reporter=SilentReporter())
    for name, agents in (("run", "agents"), ("other", "other-agents")):
        export(rmix_kit.load(base / name), base / agents, ("onnx", "torchscript"))
    shutil.copytree(base / "run", base / "half")
    evaluate_run(base / "run")
    last = max((base / "half" / "checkpoints").iterdir(), key=lambda place: int(place.name[5:]))
    shutil.rmtree(last)
