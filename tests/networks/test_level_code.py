from __future__ import annotations

import pytest
import torch

from rmix_kit.networks.quantile import code_level


def test_the_code_is_a_row_of_cosines() -> None:
    half = code_level(torch.tensor([0.5, 1.0]))
    expected = [[0, -1, 0, 1, 0, -1, 0, 1], [-1, 1, -1, 1, -1, 1, -1, 1]]
    torch.testing.assert_close(half, torch.tensor(expected, dtype=torch.float32), rtol=0, atol=1e-5)


def test_neighbouring_levels_are_farther_apart_than_as_plain_numbers() -> None:
    levels = torch.arange(1, 11) / 10
    steps = code_level(levels).diff(dim=0).norm(dim=-1)
    assert steps.min().item() > 10 * 0.1
    assert code_level(levels).shape == (10, 8)


@pytest.mark.parametrize("level", [1e-3, 0.35, 1.0])
def test_every_level_has_a_finite_code(level: float) -> None:
    assert code_level(torch.tensor(level)).isfinite().all()
