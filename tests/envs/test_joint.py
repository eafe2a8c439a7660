"""Every joint action sequence, once."""

from __future__ import annotations

import numpy as np
import pytest

from rmix_kit.envs.joint import joint_actions, play_joint_actions
from rmix_kit.errors import ConfigError


def test_two_agents_and_one_step_in_lexicographic_order() -> None:
    assert joint_actions(2, 2, 1).tolist() == [[[0, 0]], [[0, 1]], [[1, 0]], [[1, 1]]]


def test_the_last_step_changes_fastest() -> None:
    assert joint_actions(1, 3, 2)[:, :, 0].tolist() == [[a, b] for a in range(3) for b in range(3)]


@pytest.mark.parametrize(("n_agents", "n_actions", "steps"), [(3, 2, 4), (2, [2, 3], 2), (1, 1, 50), (16, 2, 1)])
def test_every_sequence_comes_once_and_in_order(n_agents: int, n_actions: int | list[int], steps: int) -> None:
    actions = joint_actions(n_agents, n_actions, steps)
    flat = actions.reshape(len(actions), -1)
    assert actions.dtype == np.int64
    assert actions.shape[1:] == (steps, n_agents)
    assert len(actions) == np.prod(n_actions if isinstance(n_actions, list) else [n_actions] * n_agents) ** steps
    rows = list(map(tuple, flat.tolist()))
    assert rows == sorted(set(rows))


def test_too_many_are_refused_with_their_number() -> None:
    with pytest.raises(ConfigError, match=r"9\^6 = 531,441 .* at most 65,536"):
        joint_actions(2, 3, 6)
    with pytest.raises(ConfigError, match=r"4\^100 joint"):
        play_joint_actions("didactic:mmdp")


@pytest.mark.parametrize("numbers", [(0, 2, 1), (2, 0, 1), (2, 2, 0), (2, [2], 1)])
def test_numbers_below_one_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigError, match="expected at least 1"):
        joint_actions(*numbers)


def test_what_is_played_is_what_was_chosen() -> None:
    actions, played = play_joint_actions("matrix:[[1,2,3],[4,5,6]]")
    assert len(played) == 2
    assert played[1].reward.tolist() == [1, 2, 3, 4, 5, 6]
    assert actions[:, 0].tolist() == [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]
