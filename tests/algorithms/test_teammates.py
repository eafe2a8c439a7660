"""Which steps count for an independent learner of `rmix-averse`."""

from __future__ import annotations

import torch

from rmix_kit.algorithms.rmix_averse import teammates_are_greedy


def test_a_step_counts_where_every_other_agent_is_greedy() -> None:
    greedy = torch.tensor([[[0, 1, 2]] * 4])  # [batch, time, agent]
    actions = torch.tensor([[[0, 1, 2], [3, 1, 2], [3, 3, 2], [3, 3, 3]]])
    counts = teammates_are_greedy(actions, greedy)
    expected = [[True, True, True], [True, False, False], [False, False, False], [False, False, False]]
    assert counts.tolist() == [expected]
