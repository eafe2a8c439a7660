"""Every algorithm trains on a heterogeneous StarCraft team, from unit states in the replay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.config.load import resolve
from rmix_kit.training.trainer import train
from tests.training.runs import assert_resumes_exactly, tiny, with_training

SMALL = ("num_envs=2", "batch_size=2", "evaluation_episodes=2", "evaluation_interval=1000", "updates_per_step=0")


@pytest.mark.parametrize("algo", [cls.name for cls in ALGORITHMS])
def test_every_algorithm_trains_on_a_mixed_team(algo: str, tmp_path: Path) -> None:
    overrides = [f"training.{setting}" for setting in SMALL]
    if algo == "dop":
        overrides.append("algorithm.on_policy_episodes=2")
    config = resolve(
        algo=algo, env="smac:2s3z?backend=builtin", seed=0, steps=200, overrides=[*overrides, "updates_per_episode=0.5"]
    )
    train(config, tmp_path / "run")
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    environment = next(row for row in rows if row["kind"] == "environment")
    assert environment["backend"] == "builtin"
    assert "do not compare" in environment["comparable"]
    trained = [row for row in rows if row["kind"] == "training"]
    assert trained[-1]["updates"] >= 1
    assert 0 < trained[-1]["replay_mebibytes"] < 1


def test_battles_that_are_gone_on_with_end_with_the_same_bytes(tmp_path: Path) -> None:
    config = with_training(
        tiny(env="smac:3m?backend=builtin", steps=400), checkpoint_interval=150, evaluation_episodes=1, batch_size=2
    )
    assert_resumes_exactly(config, tmp_path, at=200)
