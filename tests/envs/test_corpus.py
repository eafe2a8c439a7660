"""Environments as other people have them play with known numbers, or are refused in one line that says why."""

from __future__ import annotations

import numpy as np
import pytest

from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import RmixKitError
from rmix_kit.types import TimeStep
from tests.envs.corpus import (
    actions,
    episodes,
    faults,
    gymnasium_teams,
    leaving,
    misshapen,
    observations,
    rewards,
    turn_based,
)
from tests.envs.corpus.playing import measured
from tests.envs.corpus.team import Case

MODULES = (observations, rewards, leaving, misshapen, actions, episodes, faults, turn_based, gymnasium_teams)
CASES = tuple(case for module in MODULES for case in module.CASES)
PLAYED = tuple(case for case in CASES if not case.refused)
REFUSED = tuple(case for case in CASES if case.refused)


def kind_of(case: Case) -> str:
    return case.kind


def test_no_kind_stands_twice() -> None:
    assert len({case.kind for case in CASES}) == len(CASES)
    assert len({case.text for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", PLAYED, ids=kind_of)
def test_an_environment_that_plays_does_what_is_known_of_it(case: Case) -> None:
    found = measured(case)
    # Sums of float32 rewards; everything else is exact.
    known = {name: pytest.approx(fact) if name.endswith("return") else fact for name, fact in case.facts.items()}
    assert found == known


@pytest.mark.parametrize("case", PLAYED, ids=kind_of)
def test_a_random_episode_gives_what_the_spec_promises(case: Case) -> None:
    envs = make_vector_env(case.text, case.num_envs)
    spec = envs.spec
    steps = play(envs)
    assert 1 <= len(steps) - 1 <= spec.episode_limit
    low, high = np.asarray(spec.obs_low), np.asarray(spec.obs_high)
    for step in steps:
        seen = step.obs.reshape(spec.n_agents, -1)
        assert (step.obs.dtype, step.obs.shape[1:]) == (spec.obs_dtype, (spec.n_agents, *spec.obs_shape))
        assert (low <= seen).all()
        assert (seen <= high).all()
        assert step.state.shape == (case.num_envs, spec.state_size)
        assert step.avail_actions.shape == (case.num_envs, spec.n_agents, spec.n_actions)
        assert step.avail_actions.any(-1).all()
        assert np.isfinite(step.reward).all()
    envs.close()


@pytest.mark.parametrize("case", REFUSED, ids=kind_of)
def test_an_environment_that_cannot_be_played_is_refused_in_one_line(case: Case) -> None:
    with pytest.raises(RmixKitError, match=case.refused) as caught:
        play(make_vector_env(case.text, case.num_envs))
    assert case.text in str(caught.value)
    assert "\n" not in str(caught.value)


def play(envs: VectorEnv) -> list[TimeStep]:
    """Random episodes of all copies, to the end of the longest."""
    rng = np.random.default_rng(0)
    steps = [envs.reset(range(5, 5 + envs.num_envs))]
    while not steps[-1].has_ended.all():
        masks = steps[-1].avail_actions
        steps.append(envs.step(np.array([[rng.choice(np.flatnonzero(row)) for row in copy] for copy in masks])))
    return steps
