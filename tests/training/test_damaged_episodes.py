"""Training in an environment whose episodes break."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rmix_kit.algorithms import Algorithm
from rmix_kit.algorithms.coma import COMA
from rmix_kit.algorithms.dop import DOP
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import ConfigError, Interrupted
from rmix_kit.replay import ReplayBuffer
from rmix_kit.replay.episode import EpisodeBlock
from rmix_kit.seeding import episode_seed
from rmix_kit.training.checkpoint import verify_checkpoint
from rmix_kit.training.trainer import train
from rmix_kit.types import TimeStep
from tests.fixtures.breaking_env import BreakingEnv
from tests.training.runs import At, Notes, send, tiny, with_training


class Stage:
    """Makes the environment, and keeps what the replay is given."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.made: list[BreakingEnv] = []
        self.blocks: list[EpisodeBlock] = []
        real = ReplayBuffer.add

        def add(buffer: ReplayBuffer, block: EpisodeBlock, *rest: Any, **options: Any) -> None:
            self.blocks.append(block)
            real(buffer, block, *rest, **options)

        patch.setattr(ReplayBuffer, "add", add)

    def make(self, text: str, num_envs: int) -> BreakingEnv:
        self.made.append(BreakingEnv(make_vector_env(text, num_envs)))
        return self.made[-1]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def rows_of(folder: Path, kind: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [row for row in rows if row["kind"] == kind]


def test_no_damaged_episode_reaches_the_replay_and_all_are_counted(tmp_path: Path, stage: Stage) -> None:
    notes = Notes()
    train(tiny(steps=600), tmp_path / "run", make_env=stage.make, reporter=notes)
    last = rows_of(tmp_path / "run", "training")[-1]
    assert sum(len(block.length) for block in stage.blocks) == last["episodes"]
    assert min(block.reward.min() for block in stage.blocks) > -1000
    assert last["damaged_episodes"] > 0
    assert f"episodes broke and are dropped; {last['damaged_episodes']} so far" in notes.text


def test_evaluations_hold_as_many_sound_episodes_as_ever(tmp_path: Path, stage: Stage) -> None:
    train(tiny(steps=300), tmp_path / "run", make_env=stage.make, reporter=Notes())
    for row in rows_of(tmp_path / "run", "evaluation"):
        assert row["episodes"] == 3
        assert row["return_mean"] > -1000


@pytest.mark.parametrize("algorithm", [COMA(), DOP()])
def test_an_on_policy_update_takes_the_sound_episodes_of_its_round(
    tmp_path: Path, stage: Stage, algorithm: Algorithm
) -> None:
    config = tiny(steps=200, algorithm=algorithm, preset=algorithm.name)
    train(with_training(config, updates_per_episode=1.0), tmp_path / "run", make_env=stage.make, reporter=Notes())
    last = rows_of(tmp_path / "run", "training")[-1]
    assert last["updates"] > 0
    assert last["damaged_episodes"] > 0


def test_rounds_without_a_sound_episode_are_survived(tmp_path: Path, stage: Stage) -> None:
    def make(text: str, num_envs: int) -> BreakingEnv:
        env = stage.make(text, num_envs)
        real = env.reset

        def reset(seeds: Sequence[int]) -> TimeStep:
            env.breaks_always = 1 < env.resets < 5
            return real(seeds)

        env.reset = reset  # type: ignore[method-assign]
        return env

    train(tiny(steps=200), tmp_path / "run", make_env=make, reporter=Notes())
    assert rows_of(tmp_path / "run", "training")[-1]["damaged_episodes"] >= 12


def test_costly_copies_are_made_once(tmp_path: Path, stage: Stage) -> None:
    train(tiny(steps=100), tmp_path / "run", make_env=stage.make, reporter=Notes())
    assert [env.num_envs for env in stage.made] == [4]


def test_fewer_copies_than_training_wants_are_refused(tmp_path: Path, stage: Stage) -> None:
    with pytest.raises(
        ConfigError, match=r"num_envs is 4, and macn:.* gives at most 2 copies; give --set training.num"
    ):
        train(tiny(), tmp_path / "run", make_env=lambda text, _: stage.make(text, 2), reporter=Notes())


def test_facts_of_the_environment_are_in_the_metrics(tmp_path: Path, stage: Stage) -> None:
    train(tiny(steps=100), tmp_path / "run", make_env=stage.make, reporter=Notes())
    (row,) = rows_of(tmp_path / "run", "environment")
    assert row["game_version"] == "4.10"
    assert row["resumed_inexactly"] is False


def test_a_resumed_run_says_that_it_is_not_exact(tmp_path: Path, stage: Stage) -> None:
    config = tiny(steps=800)
    with pytest.raises(Interrupted):
        train(config, tmp_path / "run", make_env=stage.make, reporter=At(300, send(signal.SIGTERM)))
    notes = Notes()
    train(config, tmp_path / "run", resume=True, make_env=stage.make, reporter=notes)
    assert "resumes inexactly" in notes.text
    assert [row["resumed_inexactly"] for row in rows_of(tmp_path / "run", "environment")] == [False, True]
    newest = max((tmp_path / "run" / "checkpoints").glob("step_*"), key=lambda path: int(path.name[5:]))
    assert verify_checkpoint(newest).state["resumed_inexactly"] is True


def test_seeds_go_on_behind_damaged_episodes(tmp_path: Path, stage: Stage) -> None:
    train(tiny(steps=300), tmp_path / "run", make_env=stage.make, reporter=Notes())
    last = rows_of(tmp_path / "run", "training")[-1]
    assert last["damaged_episodes"] > 0
    begun = last["episodes"] + last["damaged_episodes"]
    numbered = {episode_seed(0, "train", number): number for number in range(2 * begun)}
    played = [numbered[seed] for seed in stage.made[0].seeds if seed in numbered]  # evaluations play others there
    assert played == list(range(begun))
