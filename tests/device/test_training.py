"""Whole runs whose games are played on the device: the same folder, and the same bytes after any interruption."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rmix_kit.algorithms import ALGORITHMS, Algorithm
from rmix_kit.algorithms.coma import COMA
from rmix_kit.errors import CheckpointError, ConfigError, Interrupted, NonFiniteError
from rmix_kit.files.writing import seal
from rmix_kit.training.learner import TargetSettings
from rmix_kit.training.loading import load
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.trainer import train
from tests.algorithms.cases import small
from tests.training.runs import At, Notes, assert_resumes_exactly, content, send, tiny, with_training

DRAWING = [kind for kind in ALGORITHMS if kind.name in ("rmix-averse", "lh-iqn", "qtran")]
"""Algorithms that draw levels or fractions, and one whose first group counts."""


def on_device(config: RunConfig, **changes: Any) -> RunConfig:
    return with_training(config, rollout="device", rollout_steps=7, **changes)


def rows(folder: Path, kind: str) -> list[dict[str, Any]]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [row for row in map(json.loads, lines) if row["kind"] == kind]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("device") / "run"
    train(on_device(tiny()), folder, reporter=Notes())
    return folder


def test_a_run_leaves_what_every_run_leaves(finished: Path, tmp_path: Path) -> None:
    train(tiny(), tmp_path / "host", reporter=Notes())

    def kinds(folder: Path) -> set[str]:
        return {path.name for path in folder.rglob("*") if not path.name.startswith(("segment", "step_", "events"))}

    assert kinds(finished) - {"rollout.safetensors"} == kinds(tmp_path / "host")
    ours, theirs = (set().union(*rows(folder, "training")) for folder in (finished, tmp_path / "host"))
    assert ours == theirs
    assert load(finished, consent="once").evaluate(episodes=2).return_mean <= 0


def test_rows_count_steps_episodes_and_updates(finished: Path) -> None:
    last = rows(finished, "training")[-1]
    assert last["env_steps"] == 3024  # the first multiple of 4 copies and 7 steps from 3,000 on
    assert last["episodes"] > 150
    assert 0.25 * last["episodes"] < last["updates"] <= 0.3 * last["episodes"]


def test_a_run_interrupted_several_times_ends_with_the_same_bytes(finished: Path, tmp_path: Path) -> None:
    for index, env_steps in enumerate((1, 620, 1100, 1130, 2400)):
        with pytest.raises(Interrupted):
            train(on_device(tiny()), tmp_path / "run", resume=index > 0, reporter=At(env_steps, send(signal.SIGTERM)))
    train(on_device(tiny()), tmp_path / "run", resume=True, reporter=Notes())
    assert content(tmp_path / "run") == content(finished)


def test_a_run_planned_for_more_steps_becomes_the_longer_run(tmp_path: Path) -> None:
    config = on_device(tiny(steps=700), epsilon_steps=300, learning_rate_decay_from=1.0)
    train(config, tmp_path / "extended", reporter=Notes())
    train(replace(config, steps=1300), tmp_path / "extended", resume=True, reporter=Notes())
    train(replace(config, steps=1300), tmp_path / "whole", reporter=Notes())
    assert content(tmp_path / "extended") == content(tmp_path / "whole")


@pytest.mark.parametrize("kind", DRAWING, ids=lambda kind: kind.name)
def test_what_is_drawn_for_an_update_is_drawn_again_on_resume(kind: type[Algorithm], tmp_path: Path) -> None:
    target = TargetSettings(interval_episodes=0, interval_steps=7)  # in the middle of two copies at the interruption
    config = on_device(tiny(algorithm=small(kind), steps=400), checkpoint_interval=150, target=target)
    train(config, tmp_path / "whole", reporter=Notes())
    with pytest.raises(Interrupted):
        train(config, tmp_path / "parts", reporter=At(230, send(signal.SIGTERM)))
    train(config, tmp_path / "parts", resume=True, reporter=Notes())
    assert content(tmp_path / "parts") == content(tmp_path / "whole")
    assert rows(tmp_path / "whole", "training")[-1]["updates"] > 3


def test_battles_are_trained_on_and_resumed_exactly(tmp_path: Path) -> None:
    config = on_device(
        tiny(env="smac:3m?backend=builtin", steps=600), checkpoint_interval=250, evaluation_episodes=1, batch_size=2
    )
    assert_resumes_exactly(config, tmp_path, at=300)


def test_a_checkpoint_without_the_copies_in_play_is_refused(tmp_path: Path) -> None:
    config = on_device(tiny(steps=600))
    train(config, tmp_path / "run", reporter=Notes())
    (tmp_path / "run" / "seal.json").unlink()
    for place in (tmp_path / "run" / "checkpoints").iterdir():
        (place / "rollout.safetensors").unlink()
        values = json.loads((place / "manifest.json").read_text())
        values["files"] = [file for file in values["files"] if file["name"] != "rollout.safetensors"]
        values["is_finished"] = False
        del values["sha256"]
        (place / "manifest.json").write_bytes(seal(values))
    with pytest.raises(CheckpointError, match="the copies in play belong to another run: carry/hidden_state is None"):
        train(config, tmp_path / "run", resume=True, reporter=Notes())


def test_a_loss_that_is_not_finite_ends_the_run_before_a_weight_moves(tmp_path: Path) -> None:
    config = on_device(tiny(), reward_scale=1e30)
    with pytest.raises(NonFiniteError, match="loss_.* is not finite; no weight was changed since.*no checkpoint"):
        train(config, tmp_path / "run", reporter=Notes())


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (tiny(algorithm=small(COMA)), "'device', and coma learns from the newest episodes"),
        (tiny(env="matrix:[[8,-12],[-12,0]]"), "'device', and this environment has no form in tensors; macn"),
        (with_training(tiny(), reward_scale="auto"), "'device', where training.reward_scale is a number; it is 'auto'"),
    ],
)
def test_what_the_device_cannot_take_is_refused_in_one_line(config: RunConfig, expected: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="give --set training") as caught:
        train(on_device(config), tmp_path / "run", reporter=Notes())
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "run").exists()
