"""Who has a word for success, and who has not."""

from __future__ import annotations

import numpy as np
import pytest

from rmix_kit.envs.interface import reports_success
from rmix_kit.envs.make import make_vector_env
from rmix_kit.films.watching import WatchedEnvs
from tests.fixtures.quiet_team import LATE, LENGTH, QUIET


def said_by(text: str, seeds: list[int]) -> list[bool]:
    """What copies say before, during and after an episode."""
    envs = make_vector_env(text, len(seeds))
    envs.reset(seeds)
    said = [reports_success(envs)]
    for _ in range(LENGTH):
        envs.step(np.zeros((len(seeds), envs.spec.n_agents), dtype=np.int64))
        said.append(reports_success(envs))
    return said


@pytest.mark.parametrize("text", ["macn:4x7", "didactic:climbing", "smac:3m?backend=builtin"])
def test_our_own_environments_report_success(text: str) -> None:
    assert reports_success(make_vector_env(text, 1))


def test_an_environment_without_a_word_for_it_does_not() -> None:
    assert said_by(QUIET, list(range(20))) == [False] * (LENGTH + 1)


def test_one_word_of_one_copy_is_enough() -> None:
    assert said_by(LATE, list(range(100))) == [False] * LENGTH + [True]


def test_who_watches_says_what_is_watched_says() -> None:
    assert not reports_success(WatchedEnvs(make_vector_env(QUIET, 1)))
    assert reports_success(WatchedEnvs(make_vector_env("macn:4x7", 1)))
