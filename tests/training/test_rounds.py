"""What a round is collected with, and which updates are owed for it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from rmix_kit.algorithms import Algorithm
from rmix_kit.algorithms.coma import COMA
from rmix_kit.algorithms.dop import DOP
from rmix_kit.algorithms.rmix_averse import RMIXAverse
from rmix_kit.collect import Collector, Round, Starts
from rmix_kit.replay import ReplayBuffer
from rmix_kit.seeding import episode_seed
from rmix_kit.training.round_plan import RoundPlan
from rmix_kit.training.trainer import train
from rmix_kit.types import EpisodeBatch
from tests.algorithms.cases import small
from tests.training.runs import Notes, tiny, with_training


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> list[Round]:
    """The episodes that training collects, as they are handed on, those of evaluations left out."""
    found: list[Round] = []
    play = Collector._play

    def recorded(collector: Collector, *rest: Any, is_greedy: bool, **named: Any) -> Iterator[Round]:
        for played in play(collector, *rest, is_greedy=is_greedy, **named):
            if not is_greedy:
                found.append(played)
            yield played

    monkeypatch.setattr(Collector, "_play", recorded)
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
    steps = np.cumsum([one.env_steps for one in rounds])
    held = np.cumsum([one.episodes for one in rounds])
    missed = int(steps[held < 4].max(initial=0) * per_step + 1e-9)  # while there were too few for a batch
    assert len(samples) == int(steps[-1] * per_step + 1e-9) - missed


def test_the_first_update_comes_with_as_many_episodes_as_a_batch_has(
    tmp_path: Path, rounds: list[Round], samples: list[tuple[int, dict[str, Any], EpisodeBatch]]
) -> None:
    config = with_training(tiny(steps=300), batch_size=8, updates_per_episode=0.25, episodes_per_copy=1)
    train(config, tmp_path / "run", reporter=Notes())
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


@pytest.mark.parametrize("algorithm", [small(DOP), small(COMA)], ids=lambda one: one.name)
def test_copies_wait_for_each_other_where_an_algorithm_learns_from_fresh_episodes(
    tmp_path: Path, rounds: list[Round], algorithm: Algorithm[Any]
) -> None:
    train(tiny(algorithm=algorithm, steps=300), tmp_path / "run", reporter=Notes())
    assert {one.episodes for one in rounds} == {4}


class Asked(NamedTuple):
    """A question of which episodes begin."""

    plan: RoundPlan
    env_steps: int
    free: int
    seeds: list[int]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """All of these questions, in order."""
    found: list[Asked] = []
    begin = RoundPlan.begin

    def recorded(plan: RoundPlan, free: int) -> Starts:
        starts = begin(plan, free)
        found.append(Asked(plan, plan._state.env_steps, free, starts.seeds))
        return starts

    monkeypatch.setattr(RoundPlan, "begin", recorded)
    return found


def by_round(asked: list[Asked]) -> list[list[Asked]]:
    return [list(group) for _, group in groupby(asked, key=lambda one: id(one.plan))]


def test_episodes_are_numbered_in_the_order_of_their_starts(
    tmp_path: Path, asked: list[Asked], rounds: list[Round]
) -> None:
    train(tiny(steps=600), tmp_path / "run", reporter=Notes())
    played = sum(one.episodes for one in rounds)
    assert [seed for one in asked for seed in one.seeds] == [episode_seed(0, "train", n) for n in range(played)]


def test_a_round_holds_as_many_episodes_as_are_planned(tmp_path: Path, asked: list[Asked], rounds: list[Round]) -> None:
    config = with_training(tiny(steps=400), episodes_per_copy=3, evaluation_interval=10_000, checkpoint_interval=10_000)
    train(config, tmp_path / "run", reporter=Notes())
    *whole, _ = by_round(asked)
    assert whole
    assert {sum(len(one.seeds) for one in group) for group in whole} == {3 * 4}
    assert set(range(12, 12 * len(whole) + 1, 12)) <= set(np.cumsum([one.episodes for one in rounds]).tolist())


def test_nothing_begins_once_an_evaluation_a_checkpoint_or_the_end_is_due(tmp_path: Path, asked: list[Asked]) -> None:
    train(with_training(tiny(steps=1234), episodes_per_copy=1000), tmp_path / "run", reporter=Notes())
    due = [500, 700, 1000, 1234]  # checkpoints, an evaluation, the end
    groups = by_round(asked)
    assert len(groups) == len(due)
    for limit, group, following in zip_longest(due, groups, groups[1:]):
        assert all(len(one.seeds) == (one.free if one.env_steps < limit else 0) for one in group)
        if following is not None:
            # All that was begun has ended: in the copies, and one episode that was waited for, of at most 20 steps.
            assert limit <= following[0].env_steps < limit + (4 + 1) * 20


def test_updates_come_as_episodes_end(tmp_path: Path, rounds: list[Round], samples: list[Any]) -> None:
    config = with_training(tiny(steps=300), episodes_per_copy=50, batch_size=4, updates_per_episode=0.25)
    train(config, tmp_path / "run", reporter=Notes())
    held = [held for held, _, _ in samples]
    assert held == sorted(held)
    assert len(set(held)) > len(held) / 2  # and not many of them at once
