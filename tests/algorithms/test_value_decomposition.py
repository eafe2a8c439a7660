from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from rmix_kit.algorithms.value_decomposition import bound_values, squared_td_error, watkins_trace
from tests.fixtures.episodes import make_spec, random_batch

SPEC = make_spec()


def test_a_trace_goes_on_only_where_every_agent_is_greedy_at_a_real_next_step() -> None:
    batch = random_batch(SPEC, [4, 2], 0)
    greedy = torch.nn.functional.pad(batch.actions, (0, 0, 0, 1))  # all greedy
    greedy[0, 2, 1] = (greedy[0, 2, 1] + 1) % 3  # but agent 1 at step 2 of the first episode
    # First episode: step 1 looks at step 2 and is cut; step 3 is the last. Second: step 1 is its last.
    expected = [[True, False, True, False], [True, False, False, False]]
    assert watkins_trace(batch, greedy).tolist() == expected


def test_the_trace_leaves_the_batch_as_it_was() -> None:
    batch = random_batch(SPEC, [4, 2], 0)
    mask = batch.mask.clone()
    watkins_trace(batch, torch.nn.functional.pad(batch.actions, (0, 0, 0, 1)))
    assert torch.equal(batch.mask, mask)


@pytest.mark.parametrize(
    ("rewards", "gamma", "expected"),
    [
        ((-1.0, 0.0), 0.9, [-10.0, -10.0, -5.0, 0.0, 0.0]),
        ((-1.0, 0.0), 1.0, [-50.0, -20.0, -5.0, 0.0, 0.0]),
        ((0.0, 2.0), 0.5, [0.0, 0.0, 0.0, 3.0, 4.0]),
        ((0.0, 2.0), 1.0, [0.0, 0.0, 0.0, 3.0, 30.0]),
        ((-1.0, 1.0), 1.0, [-50.0, -20.0, -5.0, 3.0, 30.0]),
        ((0.0, 0.0), 1.0, [0.0, 0.0, 0.0, 0.0, 0.0]),
        ((-2.0, -1.0), 0.5, [-4.0, -4.0, -4.0, -1.0, -1.0]),
        ((-1.0, 3.0), 0.0, [-1.0, -1.0, -1.0, 3.0, 3.0]),
    ],
)
def test_values_are_bounded_by_what_rewards_can_add_up_to(
    rewards: tuple[float, float], gamma: float, expected: list[float]
) -> None:
    values = torch.tensor([-50.0, -20.0, -5.0, 3.0, 30.0])
    torch.testing.assert_close(bound_values(values, torch.tensor(rewards), gamma), torch.tensor(expected))


def test_the_td_error_is_squared_and_averaged_over_real_steps() -> None:
    batch = random_batch(SPEC, [2, 1], 0)
    q_tot, targets = torch.tensor([[1.0, 2.0], [3.0, 100.0]]), torch.zeros(2, 2)
    assert squared_td_error(q_tot, targets, replace(batch)).item() == pytest.approx(14.0 / 3.0)
