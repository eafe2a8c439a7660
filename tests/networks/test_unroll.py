from __future__ import annotations

import torch

from rmix_kit.networks.unroll import available_probabilities

AVAILABLE = torch.tensor([[True, True, False]])


def test_probabilities_of_the_available_actions_keep_their_ratios() -> None:
    found = available_probabilities(torch.tensor([[0.2, 0.4, 0.4]]), AVAILABLE)
    torch.testing.assert_close(found, torch.tensor([[1 / 3, 2 / 3, 0.0]]))


def test_available_actions_that_all_underflowed_are_drawn_evenly() -> None:
    certain = torch.tensor([[0.0, 0.0, 200.0]]).softmax(-1)  # of the action that is not available
    assert certain[0, 0] == 0
    torch.testing.assert_close(available_probabilities(certain, AVAILABLE), torch.tensor([[0.5, 0.5, 0.0]]))
