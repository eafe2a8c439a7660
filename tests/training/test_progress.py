"""A round's environment steps are spread evenly over its updates (docs/contracts.md, training semantics)."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from torch import Tensor

from rmix_kit.collect import Collector, Round
from rmix_kit.training import loop
from rmix_kit.training.evaluator import Evaluation
from rmix_kit.training.learner import Learner
from rmix_kit.training.trainer import train
from rmix_kit.types import EpisodeBatch, Progress
from tests.training.runs import Notes, tiny, with_training

UPDATES = 8  # of a round: 4 episodes, 2 updates for each
STEPS = 300


class Trained(NamedTuple):
    played: list[int]
    """Environment steps of each round."""
    updates: list[Progress]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    found = Trained([], [])
    update, collect = Learner.update, Collector.collect

    def recorded(learner: Learner, batch: EpisodeBatch, progress: Progress, **named: Any) -> dict[str, Tensor]:
        found.updates.append(progress)
        return update(learner, batch, progress, **named)

    def counted(collector: Collector, *rest: Any, is_greedy: bool = False, **named: Any) -> Round:
        played = collect(collector, *rest, is_greedy=is_greedy, **named)
        if not is_greedy:  # evaluations are greedy, and no part of training
            found.played.append(played.env_steps)
        return played

    folder = tmp_path_factory.mktemp("progress") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "update", recorded)
        patch.setattr(Collector, "collect", counted)
        train(with_training(tiny(steps=STEPS), updates_per_episode=2.0, episodes_per_copy=1), folder, reporter=Notes())
    return found


def test_a_rounds_steps_are_spread_evenly_over_its_updates(trained: Trained) -> None:
    assert len(trained.updates) == UPDATES * len(trained.played)
    before = 0
    for index, played in enumerate(trained.played):
        steps = [before, *(entry.env_steps for entry in trained.updates[UPDATES * index :][:UPDATES])]
        gaps = [later - earlier for earlier, later in pairwise(steps)]
        assert sum(gaps) == played
        assert max(gaps) - min(gaps) <= 1
        before += played


def test_each_update_goes_on_where_the_one_before_it_stood(trained: Trained) -> None:
    assert [entry.updates for entry in trained.updates] == list(range(1, len(trained.updates) + 1))
    assert trained.updates[0].previous_env_steps == 0
    assert all(later.previous_env_steps == earlier.env_steps for earlier, later in pairwise(trained.updates))


@pytest.mark.parametrize("interval", [10, 50])
def test_a_schedule_in_environment_steps_fires_once_for_each_multiple(trained: Trained, interval: int) -> None:
    # 4 episodes of at most 20 steps give none of their 8 updates more than 10, so that none passes two multiples.
    fired = [entry.env_steps // interval for entry in trained.updates if entry.is_due(interval)]
    assert fired == list(range(1, sum(trained.played) // interval + 1))


def test_updates_know_the_episodes_played_and_the_share_of_the_plan(trained: Trained) -> None:
    assert sum(trained.played) > STEPS  # the last round goes past the end
    for index, entry in enumerate(trained.updates):
        assert entry.episodes == 4 * (index // UPDATES + 1)
        assert entry.share == min(entry.env_steps / STEPS, 1.0)


def test_updates_know_the_best_success_rate_of_all_evaluations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    solved = iter([[False, False, False], [True, True, False], [True, False, False]] + [[False, True, False]] * 20)
    seen: list[float | None] = []  # what each update was told; None for an evaluation
    evaluate, update = loop.evaluate, Learner.update

    def scripted(*rest: Any, **named: Any) -> Evaluation:
        seen.append(None)
        return replace(evaluate(*rest, **named), success=np.array(next(solved)))

    def recorded(learner: Learner, batch: EpisodeBatch, progress: Progress, **named: Any) -> dict[str, Tensor]:
        seen.append(progress.best_success_rate)
        return update(learner, batch, progress, **named)

    monkeypatch.setattr(loop, "evaluate", scripted)
    monkeypatch.setattr(Learner, "update", recorded)
    config = with_training(tiny(steps=STEPS), updates_per_episode=0.25, evaluation_interval=80)
    train(config, tmp_path / "run", reporter=Notes())
    evaluations, best = 0, [0.0, 0.0, 2 / 3]  # after none, one, two and more of them
    for rate in seen:
        if rate is None:
            evaluations += 1
        else:
            assert rate == pytest.approx(best[min(evaluations, 2)])
    assert evaluations > 3
