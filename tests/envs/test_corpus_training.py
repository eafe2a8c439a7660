"""Other people's environments are trained on and exported, and the exported agents play as the trained ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rmix_kit.config.load import resolve
from rmix_kit.envs.make import make_vector_env
from rmix_kit.playing.episodes import play
from rmix_kit.playing.team import LocalTeam, load_team
from rmix_kit.training.exporting import export
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.run import Run
from rmix_kit.training.trainer import train
from tests.envs.test_corpus import PLAYED

TRAINED = (
    "sees several_numbers",
    "sees small_codes",
    "actions from five on",
    "a mask by the method ByName",
    "observations from an unseeded generator",
    "one that can exist once, alone",
    "turns that may be taken together",
    "a team in arrays",
    "a state with a space",  # of which agents, and so exports, see nothing
)
# An agent takes three seconds to become ONNX; what only the playing concerns is exported to TorchScript.
EXPORTED = (
    ("sees a_million_wide", "onnx"),
    ("one dies at step 2", "torchscript"),
    ("300 actions", "onnx"),
    ("a team in tuples", "torchscript"),
)
OVERRIDES = (
    "training.batch_size=4",
    "training.buffer_episodes=16",
    "training.evaluation_episodes=2",
    "training.evaluation_interval=60",
)


def trained(kind: str, folder: Path) -> Run:
    """Some 60 steps of VDN."""
    (case,) = (case for case in PLAYED if case.kind == kind)
    copies = 1 if "copies=1" in case.text else 2
    config = resolve(algo="vdn", env=case.text, seed=0, steps=60, num_envs=copies, device="cpu", overrides=OVERRIDES)
    return train(config, folder, reporter=SilentReporter())


@pytest.mark.parametrize("kind", TRAINED)
def test_training_goes_through_and_its_episodes_are_those_of_the_environment(kind: str, tmp_path: Path) -> None:
    run = trained(kind, tmp_path / "run")
    evaluated = run.evaluate(episodes=4, seed=1)
    assert run.checkpoint_step >= 60
    assert np.isfinite(evaluated.returns).all()
    assert (evaluated.lengths == 3).all()


@pytest.mark.parametrize(("kind", "form"), EXPORTED)
def test_exported_agents_play_as_the_trained_ones(kind: str, form: str, tmp_path: Path) -> None:
    run = trained(kind, tmp_path / "run")
    evaluated = run.evaluate(episodes=4, seed=1)
    export(run, tmp_path / "agents", (form,))
    envs = make_vector_env(run.config.env, 2)
    try:
        played = play(LocalTeam(load_team(tmp_path / "agents", form)), envs, episodes=4, seed=1)
    finally:
        envs.close()
    assert played.returns.tolist() == evaluated.returns.tolist()
    assert played.lengths.tolist() == evaluated.lengths.tolist()
