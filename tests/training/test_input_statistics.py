from __future__ import annotations

import numpy as np
import pytest
import torch

from rmix_kit.errors import CheckpointError
from rmix_kit.networks.coding import ObsCoding
from rmix_kit.replay.episode import EpisodeBlock, empty_block
from rmix_kit.testing.episodes import float_spec, make_spec
from rmix_kit.training.input_statistics import InputStatistics, RunningMoments


def block_of(values: list[list[float]]) -> EpisodeBlock:
    """Return episodes of two agents whose unbounded element holds these numbers."""
    block = empty_block(float_spec(), len(values), 8)
    for episode, numbers in enumerate(values):
        block.length[episode] = len(numbers) - 1
        for t, number in enumerate(numbers):
            block.observed["obs"][episode, t, :, 1, 1] = number
        block.observed["obs"][episode, len(numbers) :] = 1e9  # padding must not count
    return block


@pytest.mark.parametrize("cut", [1, 7, 50, 99])
def test_moments_do_not_depend_on_how_rows_come(cut: int) -> None:
    rows = np.random.default_rng(0).normal(1e6, 2.0, size=(100, 3))
    moments = RunningMoments(3)
    for part in (rows[:cut], rows[:0], rows[cut:]):
        moments.add(part)
    np.testing.assert_allclose(moments.mean, rows.mean(0), rtol=1e-12)
    np.testing.assert_allclose(moments.deviation, rows.std(0), rtol=1e-7)


def test_an_element_that_never_varied_keeps_its_size() -> None:
    moments = RunningMoments(2)
    moments.add(np.array([[1e6, 0.0]] * 5))
    assert moments.deviation.tolist() == [1.0, 1.0]


def test_networks_code_by_what_was_collected() -> None:
    statistics, coding = InputStatistics(float_spec()), ObsCoding(float_spec())
    statistics.add(block_of([[1.0, 3.0], [5.0, 7.0]]))
    statistics.write_into(coding)
    seen = torch.tensor([[0.0, 0.0], [0.0, 6.0]])
    assert torch.cat(coding.code(seen), -1)[3].item() == pytest.approx((6.0 - 4.0) / 5**0.5)


def test_what_was_saved_is_read_back_exactly() -> None:
    first, second = InputStatistics(float_spec()), InputStatistics(float_spec())
    first.add(block_of([[0.1, 0.2, 0.3]]))
    second.load(first.tensors())
    for statistics in (first, second):
        statistics.add(block_of([[1.1, 1.2]]))
    assert all(torch.equal(value, second.tensors()[name]) for name, value in first.tensors().items())


def test_statistics_of_other_environments_are_refused() -> None:
    with pytest.raises(CheckpointError, match="this environment's"):
        InputStatistics(make_spec()).load(InputStatistics(float_spec()).tensors())


def test_bounds_that_inform_need_no_statistics() -> None:
    assert not InputStatistics(make_spec()).is_needed
    assert InputStatistics(float_spec()).is_needed
