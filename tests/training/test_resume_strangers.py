"""Running statistics of inputs and returns belong to a checkpoint, exactly, and to the exported agents."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
import pytest

import rmix_kit
from rmix_kit.config.load import resolve
from rmix_kit.envs.make import make_vector_env
from rmix_kit.episodes import copies_for
from rmix_kit.errors import Interrupted
from rmix_kit.playing.episodes import play
from rmix_kit.playing.team import LocalTeam, load_team
from rmix_kit.training.exporting import export
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.trainer import train
from tests.training.runs import At, Notes, content, send

ENV = "pettingzoo:tests.fixtures.signal_env.make?scale=5000.0&bounds=none"


def config_of(algo: str, steps: int = 800) -> RunConfig:
    return resolve(
        algo=algo,
        env=ENV,
        seed=3,
        steps=steps,
        overrides=("training.checkpoint_interval=250", "training.buffer_episodes=100", "algorithm.hidden_size=8"),
        report=lambda _: None,
    )


@pytest.mark.parametrize("algo", ["qmix", "rmix", "coma"])
def test_a_run_on_unbounded_inputs_resumes_with_the_same_bytes(algo: str, tmp_path: Path) -> None:
    config = config_of(algo)
    train(config, tmp_path / "whole", reporter=Notes())
    with pytest.raises(Interrupted):
        train(config, tmp_path / "parts", reporter=At(430, send(signal.SIGTERM)))
    train(config, tmp_path / "parts", resume=True, reporter=Notes())
    assert content(tmp_path / "parts") == content(tmp_path / "whole")


def test_exported_agents_code_by_the_statistics_of_their_training(tmp_path: Path) -> None:
    run = train(config_of("rmix"), tmp_path / "run", reporter=Notes())
    names = [name for name in run.networks.state_dict() if name.endswith(("inputs.offset", "inputs.factor"))]
    assert len(names) == 2
    assert float(run.networks.state_dict()["agent.inputs.factor"].max()) < 0.01, "5000 was seen"
    directory = export(rmix_kit.load(tmp_path / "run"), tmp_path / "agents", ("onnx", "torchscript"))
    there = run.evaluate(episodes=20)
    for form in ("onnx", "torchscript"):
        envs = make_vector_env(ENV, copies_for(20))
        here = play(LocalTeam(load_team(directory, form)), envs, episodes=20, seed=0)
        envs.close()
        assert np.array_equal(here.returns, there.returns)
        assert np.array_equal(here.lengths, there.lengths)
