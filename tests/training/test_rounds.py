"""What a round is collected with, and which updates are owed for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmix_kit.algorithms.dop import DOP
from rmix_kit.algorithms.rmix_averse import RMIXAverse
from rmix_kit.collect import Collector, Round
from rmix_kit.replay import ReplayBuffer
from rmix_kit.training.trainer import train
from rmix_kit.types import EpisodeBatch
from tests.algorithms.cases import small
from tests.training.runs import Notes, tiny, with_training


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[Round]:
    """The rounds that training collects, in order, those of evaluations left out."""
    found: list[Round] = []
    collect = Collector.collect

    def recorded(collector: Collector, *rest: Any, is_greedy: bool = False, **named: Any) -> Round:
        played = collect(collector, *rest, is_greedy=is_greedy, **named)
        if not is_greedy:
            found.append(played)
        return played

    monkeypatch.setattr(Collector, "collect", recorded)
    return found


@pytest.fixture
def samples(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, dict[str, Any], EpisodeBatch]]:
    """Every sample of the replay: how many episodes it held, what was asked for and what came."""
    found: list[tuple[int, dict[str, Any], EpisodeBatch]] = []
    sample = ReplayBuffer.sample

    def recorded(buffer: ReplayBuffer, *rest: Any, **named: Any) -> EpisodeBatch:
        batch = sample(buffer, *rest, **named)
        found.append((len(buffer), named, batch))
        return batch

    monkeypatch.setattr(ReplayBuffer, "sample", recorded)
    return found


def test_episodes_are_played_and_learned_at_levels_of_the_grid(
    tmp_path: Path, rounds: list[Round], samples: list[tuple[int, dict[str, Any], EpisodeBatch]]
) -> None:
    algorithm = small(RMIXAverse, level_redraw_share=0.0)  # learned at the level of their play
    train(tiny(algorithm=algorithm, steps=600), tmp_path / "run", reporter=Notes())
    thirds = {float(np.float32(k / 3)) for k in (1, 2, 3)}
    played = {float(level) for one in rounds for level in one.block.risk_level}
    assert played == thirds  # of at least 30 draws
    pairs = {(round(float(level), 6)) for _, _, batch in samples for level in batch.risk_level}
    assert pairs <= {round(level, 6) for level in thirds}
    assert {named["level_redraw_share"] for _, named, _ in samples} == {0.0}


@pytest.mark.parametrize("per_step", [0.05, 0.3])
def test_updates_are_owed_by_the_step_where_they_are_counted_so(
    tmp_path: Path, rounds: list[Round], samples: list[Any], per_step: float
) -> None:
    train(with_training(tiny(steps=300), updates_per_step=per_step), tmp_path / "run", reporter=Notes())
    steps = sum(one.env_steps for one in rounds)
    assert len(samples) == int(steps * per_step + 1e-9)


def test_the_first_update_comes_with_as_many_episodes_as_a_batch_has(
    tmp_path: Path, rounds: list[Round], samples: list[tuple[int, dict[str, Any], EpisodeBatch]]
) -> None:
    train(with_training(tiny(steps=300), batch_size=8, updates_per_episode=0.25), tmp_path / "run", reporter=Notes())
    assert len(samples) == len(rounds) - 1  # one a round, none for the first with its 4 episodes
    assert samples[0][0] == 8


def test_no_update_comes_before_its_newest_episodes_do(
    tmp_path: Path, samples: list[tuple[int, dict[str, Any], EpisodeBatch]]
) -> None:
    algorithm = small(DOP)
    assert algorithm.newest_episodes > 8
    train(tiny(algorithm=algorithm, steps=1200), tmp_path / "run", reporter=Notes())
    held, named, batch = samples[0]
    assert algorithm.newest_episodes <= held < algorithm.newest_episodes + 4  # 4 a round
    assert named["newest"] == algorithm.newest_episodes
    assert int(batch.is_newest.sum()) == algorithm.newest_episodes
