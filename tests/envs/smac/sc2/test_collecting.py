"""From the games to what the replay is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rmix_kit.collect import Collector, Round, Starts
from rmix_kit.networks import QuantileAgent
from rmix_kit.policy import TeamPolicy
from rmix_kit.testing.episodes import CPU
from tests.envs.smac.sc2.theatre import Theatre, fault


def collector_of(theatre: Theatre, *kinds: str) -> Collector:
    """Three copies, which fail so in their second step."""
    faults = [fault("step", kind, worker=number, at=1) for number, kind in enumerate(kinds)]
    envs = theatre.make(*faults, num_envs=3, step_timeout=1.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = QuantileAgent(envs.spec, hidden_size=8, n_quantiles=4, level_source="predicted", n_levels=5)
    return Collector(envs, TeamPolicy(agent, envs.spec, CPU))


def collect(theatre: Theatre, *kinds: str) -> list[Round]:
    """Two rounds."""
    collector = collector_of(theatre, *kinds)
    rng = np.random.default_rng(0)
    return [collector.collect([3, 3, 3], epsilon=1.0, rng=rng) for _ in range(2)]


@pytest.mark.parametrize("kinds", [("killed", "empty info"), ("garbage", "hang"), ("crash", "nan reward", "error")])
def test_no_damaged_episode_is_in_what_the_collector_gives(theatre: Theatre, kinds: tuple[str, ...]) -> None:
    first, second = collect(theatre, *kinds)
    assert (first.damaged, first.episodes, second.damaged, second.episodes) == (len(kinds), 3 - len(kinds), 0, 3)
    for played in (first, second):
        assert played.block.terminated.all()
        assert (played.block.length > 2).all()  # whole battles: the others had two steps


def test_a_game_that_failed_is_started_anew_while_the_others_play_on(theatre: Theatre) -> None:
    left = [3, 3]  # of all at first, then of those that are free

    def begin(free: int) -> Starts:
        count = min(free, left.pop(0)) if left else 0
        return Starts([3] * count, np.zeros(count, dtype=np.float32))

    collector = collector_of(theatre, "killed")
    rounds = list(collector.play(begin, epsilon=lambda: 1.0, rng=np.random.default_rng(0)))
    assert [one.damaged for one in rounds] == [1, 0, 0]
    lengths = [one.block.length.tolist() for one in rounds]
    assert lengths == [
        [],
        [3],
        [6, 6],
    ]  # seed 3 is an episode of six steps, and the next one, of the new game, of three
    assert theatre.workers() == 4
