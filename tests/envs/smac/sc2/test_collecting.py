"""From the games to what the replay is given."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rmix_kit.collect import Collector, Round
from rmix_kit.networks import QuantileAgent
from rmix_kit.policy import TeamPolicy
from tests.envs.smac.sc2.theatre import Theatre, fault
from tests.fixtures.episodes import CPU


def collect(theatre: Theatre, *kinds: str) -> list[Round]:
    """Two rounds of three copies; in the first the copies fail so, in their second step."""
    faults = [fault("step", kind, worker=number, at=1) for number, kind in enumerate(kinds)]
    envs = theatre.make(*faults, num_envs=3, step_timeout=1.0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = QuantileAgent(envs.spec, hidden_size=8, n_quantiles=4, level_source="predicted", n_levels=5)
    collector = Collector(envs, TeamPolicy(agent, envs.spec, CPU))
    rng = np.random.default_rng(0)
    return [collector.collect([3, 3, 3], epsilon=1.0, rng=rng) for _ in range(2)]


@pytest.mark.parametrize("kinds", [("killed", "empty info"), ("garbage", "hang"), ("crash", "nan reward", "error")])
def test_no_damaged_episode_is_in_what_the_collector_gives(theatre: Theatre, kinds: tuple[str, ...]) -> None:
    first, second = collect(theatre, *kinds)
    assert (first.damaged, first.episodes, second.damaged, second.episodes) == (len(kinds), 3 - len(kinds), 0, 3)
    for played in (first, second):
        assert played.block.terminated.all()
        assert (played.block.length > 2).all()  # whole battles: the others had two steps
