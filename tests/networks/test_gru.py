from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from rmix_kit.networks.gru import packed_gru

ROWS = [(1,), (6,), (6, 6, 4, 4, 2), (5, 3, 1), (2,) * 12]
INPUT, HIDDEN = 7, 5


def make_gru(dtype: torch.dtype) -> nn.GRU:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.GRU(INPUT, HIDDEN, dtype=dtype)


def ours(gru: nn.GRU, inputs: Tensor, rows: tuple[int, ...]) -> Tensor:
    weight_ih, weight_hh, bias_ih, bias_hh = gru.all_weights[0]
    return packed_gru(inputs, rows, weight_ih, weight_hh, bias_ih, bias_hh)


def theirs(gru: nn.GRU, inputs: Tensor, rows: tuple[int, ...]) -> Tensor:
    result: Tensor = gru(PackedSequence(inputs, torch.tensor(rows)))[0].data
    return result


def make_inputs(rows: tuple[int, ...], dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(sum(rows), INPUT, generator=torch.Generator().manual_seed(1), dtype=dtype).requires_grad_()


@pytest.mark.parametrize("rows", ROWS)
def test_hidden_states_are_those_of_torch(rows: tuple[int, ...]) -> None:
    gru, inputs = make_gru(torch.float64), make_inputs(rows)
    torch.testing.assert_close(ours(gru, inputs, rows), theirs(gru, inputs, rows), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("rows", ROWS)
def test_all_gradients_are_those_of_torch(rows: tuple[int, ...]) -> None:
    gru, inputs = make_gru(torch.float64), make_inputs(rows)
    slope = torch.randn(sum(rows), HIDDEN, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    leaves = [inputs, *gru.parameters()]
    expected = torch.autograd.grad((theirs(gru, inputs, rows) * slope).sum(), leaves)
    found = torch.autograd.grad((ours(gru, inputs, rows) * slope).sum(), leaves)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)


def test_float32_gradients_are_those_of_torch() -> None:
    rows = ROWS[2]
    gru, inputs = make_gru(torch.float32), make_inputs(rows, torch.float32)
    leaves = [inputs, *gru.parameters()]
    expected = torch.autograd.grad(theirs(gru, inputs, rows).square().sum(), leaves)
    found = torch.autograd.grad(ours(gru, inputs, rows).square().sum(), leaves)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)  # float32, sums in another order


def test_gradients_agree_with_finite_differences() -> None:
    rows = (3, 2, 2)
    gru, inputs = make_gru(torch.float64), make_inputs(rows)
    weights = tuple(gru.all_weights[0])
    assert torch.autograd.gradcheck(lambda x, *w: packed_gru(x, rows, *w), (inputs, *weights))
