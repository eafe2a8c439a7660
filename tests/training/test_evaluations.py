"""Which episodes a run is evaluated on while it trains."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from rmix_kit.seeding import episode_seed, validation_stream
from rmix_kit.training import loop
from rmix_kit.training.trainer import train
from tests.training.runs import Notes, tiny, with_training

STEPS = 1500


@pytest.fixture
def evaluations(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What every evaluation was asked for."""
    found: list[dict[str, Any]] = []
    play: Callable[..., Any] = loop.evaluate

    def recorded(*rest: Any, **named: Any) -> Any:
        found.append(named)
        return play(*rest, **named)

    monkeypatch.setattr(loop, "evaluate", recorded)
    return found


def seeds_of(asked: dict[str, Any]) -> set[int]:
    return {episode_seed(asked["seed"], asked["stream"], number) for number in range(asked["episodes"])}


def test_no_two_evaluations_share_an_episode_and_none_is_a_tests_or_trainings(
    tmp_path: Path, evaluations: list[dict[str, Any]]
) -> None:
    train(tiny(steps=STEPS), tmp_path / "run", reporter=Notes())
    assert len(evaluations) >= 3
    played = [seeds_of(asked) for asked in evaluations]
    for stream in ("train", "test", "validation"):
        played.append({episode_seed(evaluations[0]["seed"], stream, number) for number in range(1000)})
    assert all(one.isdisjoint(other) for one, other in combinations(played, 2))


def test_an_evaluation_is_known_by_its_step(tmp_path: Path, evaluations: list[dict[str, Any]]) -> None:
    train(tiny(steps=STEPS), tmp_path / "run", reporter=Notes())
    assert [asked["stream"] for asked in evaluations] == [
        validation_stream(asked["checkpoint_step"]) for asked in evaluations
    ]


def test_training_does_not_move_with_the_episodes_that_it_is_evaluated_on(
    tmp_path: Path, evaluations: list[dict[str, Any]]
) -> None:
    weights = []
    for is_fresh in (True, False):
        folder = tmp_path / str(is_fresh)
        train(with_training(tiny(steps=STEPS), fresh_evaluations=is_fresh), folder, reporter=Notes())
        newest = max((folder / "checkpoints").glob("step_*"), key=lambda path: int(path.name.removeprefix("step_")))
        weights.append((newest.name, (newest / "online.safetensors").read_bytes()))
    assert weights[0] == weights[1]
    repeated = evaluations[len(evaluations) // 2 :]
    assert {asked["stream"] for asked in repeated} == {"validation"}
