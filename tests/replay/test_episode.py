"""Blocks of finished episodes: what is refused as none, and how played steps become one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rmix_kit.replay.episode import block_of, block_of_rows, misfit_of
from rmix_kit.testing.episodes import make_spec
from rmix_kit.types import TimeStep
from tests.fixtures.blocks import random_block

SPEC = make_spec()  # 2 agents, 3 actions, at most 8 steps


def test_the_episodes_of_an_environment_fit_it() -> None:
    block = random_block([8, 3])
    actions = block.actions.copy()
    actions[0, 0] = [0, 2]  # the first and the last action
    assert misfit_of(replace(block, actions=actions), SPEC) == ""


@pytest.mark.parametrize(("action", "found"), [(3, "an action is 3; there are 3"), (-1, "there are 3")])
def test_an_action_out_of_range_does_not_fit(action: int, found: str) -> None:
    block = random_block([4])
    actions = block.actions.astype(np.int16)
    actions[0, 1, 1] = action
    assert found in misfit_of(replace(block, actions=actions), SPEC)


def test_origins_of_other_agents_do_not_fit() -> None:
    block = random_block([4])
    assert "the team has 2" in misfit_of(replace(block, is_explored=block.is_explored[:, :, :1]), SPEC)


def test_an_episode_beyond_the_limit_does_not_fit() -> None:
    assert misfit_of(random_block([8]), SPEC) == ""
    assert "9 steps of at most 8" in misfit_of(random_block([9]), SPEC)


def test_an_episode_without_a_step_is_refused() -> None:
    rows = random_block([2, 1]).rows()
    with pytest.raises(ValueError, match="episodes have 0 to 3 steps"):
        block_of_rows(rows | {"length": np.array([3, 0])})


@pytest.mark.parametrize("name", ["terminated", "risk_level"])
def test_rows_with_more_episodes_in_one_field_are_refused(name: str) -> None:
    rows = random_block([2, 1]).rows()
    with pytest.raises(ValueError, match="there are 2 lengths"):
        block_of_rows(rows | {name: np.append(rows[name], rows[name][:1])})


def played(t: int, *, terminated: list[bool], truncated: list[bool]) -> TimeStep:
    """Step t of three copies: every number in it is 10 t plus the copy's own."""
    marks = 10 * t + np.arange(3)
    return TimeStep(
        obs=np.broadcast_to(marks[:, None, None], (3, 2, 2)).astype(np.int8),
        avail_actions=np.ones((3, 2, 3), dtype=np.bool_),
        state=np.broadcast_to(marks[:, None], (3, 5)).astype(np.float32),
        reward=marks.astype(np.float32),
        terminated=np.array(terminated),
        truncated=np.array(truncated),
        success=np.zeros(3, dtype=np.bool_),
        fell=np.zeros((3, 2), dtype=np.bool_),
    )


def test_what_was_played_becomes_a_block_that_stops_where_each_episode_did() -> None:
    never = [False] * 3
    steps = [
        played(0, terminated=never, truncated=never),
        played(1, terminated=never, truncated=[True, False, False]),
        played(2, terminated=[False, True, False], truncated=[True, False, False]),
        played(3, terminated=[False, True, False], truncated=[True, False, False]),
    ]
    actions = np.array([[[0, 1], [1, 2], [2, 0]]] * 3)
    block = block_of(SPEC, actions, steps)
    assert block.length.tolist() == [1, 2, 3]
    assert block.terminated.tolist() == [False, True, False]
    assert block.reward.tolist() == [[10.0, 0.0, 0.0], [11.0, 21.0, 0.0], [12.0, 22.0, 32.0]]
    assert block.observed["state"][..., 0].tolist() == [[0, 10, 0, 0], [1, 11, 21, 0], [2, 12, 22, 32]]
    assert block.actions.tolist() == [
        [[0, 1], [0, 0], [0, 0]],
        [[0, 1], [1, 2], [0, 0]],
        [[0, 1], [1, 2], [2, 0]],
    ]
