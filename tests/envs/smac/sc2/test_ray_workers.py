"""Workers on a Ray cluster do what workers here do (`make test-ray`)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from rmix_kit.envs.smac.sc2.vector import SC2Vector
from tests.envs.smac.sc2.theatre import Theatre, all_gone, ended, fault, first_allowed, play
from tests.fixtures.ray_cluster import ray_cluster

pytestmark = pytest.mark.ray


class Stage:
    """A theatre whose workers live on two nodes."""

    def __init__(self, theatre: Theatre, patch: pytest.MonkeyPatch) -> None:
        self.theatre, self._patch = theatre, patch

    @contextmanager
    def open(self, *faults: dict[str, Any], **settings: Any) -> Iterator[SC2Vector]:
        import ray

        self.theatre.script(*faults)  # nodes hand on the environment that they were started in
        with ray_cluster(self._patch) as cluster:
            cluster.add_node(num_cpus=1)
            ray.init(address=cluster.address, log_to_driver=False)
            try:
                yield self.theatre.make(*faults, workers="ray", **settings)
                for vector in self.theatre.vectors:
                    vector.close()
            finally:
                ray.shutdown()
        assert all_gone(self.theatre.folder)


@pytest.fixture
def stage(theatre: Theatre, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(theatre, monkeypatch)


def test_an_episode_is_the_one_that_workers_here_play(stage: Stage, theatre: Theatre) -> None:
    with stage.open() as vector:
        there = play(vector)
    here = play(theatre.make())
    for name in ("obs", "state", "avail_actions", "reward", "terminated", "truncated", "damaged"):
        np.testing.assert_array_equal(getattr(there, name), getattr(here, name), err_msg=name)


@pytest.mark.parametrize("kind", ["killed", "error", "hang"])
def test_a_failure_damages_the_episode_of_that_copy_alone(stage: Stage, kind: str) -> None:
    with stage.open(fault("step", kind, worker=1, at=1), step_timeout=2.0) as vector:
        assert np.asarray(play(vector).damaged).tolist() == [False, True]
        assert np.asarray(play(vector).damaged).tolist() == [False, False]


def test_a_lost_actor_costs_its_episode(stage: Stage) -> None:
    with stage.open(num_envs=1) as vector:
        step = vector.reset([0])
        worker = vector._copies[0]._worker
        assert worker is not None
        worker._ray.kill(worker._actor)  # type: ignore[union-attr]
        step = vector.step(first_allowed(step))
        assert ended(step).all()
        assert np.asarray(step.damaged).tolist() == [True]
        assert np.asarray(play(vector).damaged).tolist() == [False]
