from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rmix_kit.losses import lambda_returns, masked_mean, n_step_returns

REWARD = torch.tensor([[1.0, 2.0, 3.0]])
NEXT_VALUES = torch.tensor([[10.0, 20.0, 30.0]])
GOES_ON = torch.tensor([[True, True, False]])
NEVER = torch.zeros(1, 3, dtype=torch.bool)


def returns(trace: Tensor, terminated: Tensor, td_lambda: float) -> list[float]:
    result = lambda_returns(REWARD, terminated, NEXT_VALUES, trace, gamma=0.5, td_lambda=td_lambda)
    return [round(value, 5) for value in result[0].tolist()]


def test_lambda_zero_gives_one_step_targets() -> None:
    assert returns(GOES_ON, NEVER, 0.0) == [6.0, 12.0, 18.0]


def test_lambda_one_gives_the_return_up_to_the_bootstrap() -> None:
    # 3 + 0.5 * 30 = 18; 2 + 0.5 * 18 = 11; 1 + 0.5 * 11 = 6.5
    assert returns(GOES_ON, NEVER, 1.0) == [6.5, 11.0, 18.0]


def test_lambda_between_mixes_the_value_and_the_return() -> None:
    # 2 + 0.5 (0.5 * 20 + 0.5 * 18) = 11.5; 1 + 0.5 (0.5 * 10 + 0.5 * 11.5) = 6.375
    assert returns(GOES_ON, NEVER, 0.5) == [6.375, 11.5, 18.0]


def test_termination_cuts_the_bootstrap() -> None:
    assert returns(GOES_ON, torch.tensor([[False, False, True]]), 1.0) == [2.75, 3.5, 3.0]


def test_a_truncated_last_step_bootstraps_from_the_final_observation() -> None:
    assert returns(GOES_ON, NEVER, 1.0)[-1] == 3.0 + 0.5 * 30.0


def test_a_cut_trace_falls_back_to_the_value_of_the_next_step() -> None:
    # Step 1 is not greedy: step 0 may not look past it.
    assert returns(torch.tensor([[False, True, False]]), NEVER, 1.0) == [6.0, 11.0, 18.0]


def test_returns_of_several_agents_are_computed_apart() -> None:
    stacked = torch.stack([REWARD, 2 * REWARD], dim=-1)  # [batch, time, agent]
    wide = lambda_returns(
        stacked,
        NEVER.unsqueeze(-1).expand(-1, -1, 2),
        torch.stack([NEXT_VALUES, 2 * NEXT_VALUES], dim=-1),
        GOES_ON.unsqueeze(-1).expand(-1, -1, 2),
        gamma=0.5,
        td_lambda=0.5,
    )
    torch.testing.assert_close(wide[..., 1], 2 * wide[..., 0])


def test_n_step_returns_stop_at_the_most_steps_allowed() -> None:
    result = n_step_returns(REWARD, NEVER, GOES_ON, gamma=0.5, n_max=2)
    assert result.rewards.tolist() == [[2.0, 3.5, 3.0]]


def test_n_step_returns_bootstrap_where_they_stop() -> None:
    result = n_step_returns(REWARD, NEVER, GOES_ON, gamma=0.5, n_max=2)
    assert result.bootstrap_steps.tolist() == [[2, 3, 3]]


def test_n_step_returns_stop_before_a_step_that_is_not_greedy() -> None:
    result = n_step_returns(REWARD, NEVER, torch.tensor([[False, True, False]]), gamma=0.5, n_max=3)
    assert result.bootstrap_steps.tolist() == [[1, 3, 3]]


def test_n_step_returns_discount_by_the_steps_they_span() -> None:
    result = n_step_returns(REWARD, torch.tensor([[False, False, True]]), GOES_ON, gamma=0.5, n_max=2)
    assert result.discounts.tolist() == [[0.25, 0.0, 0.0]]


def test_the_masked_mean_counts_real_steps_only() -> None:
    values = torch.tensor([[1.0, 2.0, 100.0], [3.0, 100.0, 100.0]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    assert masked_mean(values, mask).item() == 2.0


def test_the_masked_mean_repeats_the_mask_over_trailing_axes() -> None:
    values = torch.tensor([[[1.0, 3.0], [100.0, 100.0]]])
    assert masked_mean(values, torch.tensor([[True, False]])).item() == 2.0


@pytest.mark.parametrize("n_max", [1, 3])
def test_one_step_is_the_least(n_max: int) -> None:
    result = n_step_returns(REWARD, NEVER, NEVER, gamma=0.5, n_max=n_max)
    assert result.bootstrap_steps.tolist() == [[1, 2, 3]]


def test_the_masked_mean_of_a_batch_without_a_real_step_is_zero_and_moves_nothing() -> None:
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    mean = masked_mean(values, torch.zeros(2, 2, dtype=torch.bool))
    (slope,) = torch.autograd.grad(mean, [values])
    assert mean.item() == 0.0
    assert slope.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_the_masked_mean_of_one_real_step_is_its_value() -> None:
    assert masked_mean(torch.tensor([[4.0, 9.0]]), torch.tensor([[True, False]])).item() == 4.0


def test_termination_cuts_the_bootstrap_of_one_step_targets() -> None:
    assert returns(GOES_ON, torch.tensor([[False, True, False]]), 0.0) == [6.0, 2.0, 18.0]
