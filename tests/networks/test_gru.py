from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from rmix_kit.networks.gru import GRUWeights, packed_grus
from rmix_kit.networks.recurrent import torch_gru

ROWS = [(1,), (6,), (6, 6, 4, 4, 2), (5, 3, 1), (2,) * 12]
INPUT, HIDDEN = 7, 5


def make_gru(dtype: torch.dtype) -> nn.GRU:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.GRU(INPUT, HIDDEN, dtype=dtype)


def ours(gru: nn.GRU, inputs: Tensor, rows: tuple[int, ...]) -> Tensor:
    return packed_grus([inputs], rows, [GRUWeights(*gru.all_weights[0])])[0]


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
    assert torch.autograd.gradcheck(lambda x, *w: packed_grus([x], rows, [GRUWeights(*w)]), (inputs, *weights))


def two_grus() -> tuple[list[nn.GRU], list[Tensor]]:
    grus = [make_gru(torch.float64), make_gru(torch.float64)]
    with torch.no_grad():
        for parameter in grus[1].parameters():
            parameter.mul_(-0.7)
    inputs = make_inputs(ROWS[2])
    return grus, [inputs, (inputs.detach() * 0.5).requires_grad_()]


def together(grus: list[nn.GRU], inputs: list[Tensor]) -> tuple[Tensor, ...]:
    return packed_grus(inputs, ROWS[2], [GRUWeights(*gru.all_weights[0]) for gru in grus])


def test_grus_that_run_together_give_what_each_gives_alone() -> None:
    grus, inputs = two_grus()
    alone = tuple(theirs(gru, rows, ROWS[2]) for gru, rows in zip(grus, inputs, strict=True))
    torch.testing.assert_close(together(grus, inputs), alone, rtol=1e-12, atol=1e-12)


def test_gradients_of_grus_that_run_together_are_those_of_each_alone() -> None:
    grus, inputs = two_grus()
    leaves = [*inputs, *grus[0].parameters(), *grus[1].parameters()]
    alone = [theirs(gru, rows, ROWS[2]) for gru, rows in zip(grus, inputs, strict=True)]
    expected = torch.autograd.grad((alone[0] * alone[1]).sum(), leaves)
    first, second = together(grus, inputs)
    torch.testing.assert_close(torch.autograd.grad((first * second).sum(), leaves), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("reached", [0, 1])
def test_a_loss_that_reaches_one_gru_gives_the_other_no_gradient(reached: int) -> None:
    grus, inputs = two_grus()
    own, other = (list(grus[i].parameters()) for i in (reached, 1 - reached))
    loss = together(grus, inputs)[reached].square().sum()
    found: tuple[Tensor | None, ...] = torch.autograd.grad(loss, [*own, *other], allow_unused=True)
    expected = torch.autograd.grad(theirs(grus[reached], inputs[reached], ROWS[2]).square().sum(), own)
    torch.testing.assert_close(found[: len(own)], expected, rtol=1e-10, atol=1e-12)
    assert found[len(own) :] == (None,) * len(other)


def test_a_frozen_gru_needs_no_gradient() -> None:
    grus, inputs = two_grus()
    grus[1].requires_grad_(False)
    first, second = together(grus, [inputs[0], inputs[1].detach()])
    assert (first.requires_grad, second.requires_grad) == (True, False)


@pytest.fixture(params=["compiled", "operations"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both forms of GRUs of float32 on the CPU."""
    if request.param == "operations":
        monkeypatch.setattr("rmix_kit.networks.gru.compiled_module", lambda name: "numba is not installed")
    return str(request.param)


def scalar(states: Sequence[Tensor], slopes: Sequence[Tensor]) -> Tensor:
    return torch.stack([(state * slope).sum() for state, slope in zip(states, slopes, strict=False)]).sum()


@pytest.mark.parametrize("rows", [*ROWS, (64, 64, 33, 1)])
@pytest.mark.parametrize("size", [1, 5, 16, 64])
def test_float32_values_and_gradients_are_those_of_torch_in_float64(
    form: str, rows: tuple[int, ...], size: int
) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(size)
        grus = [nn.GRU(INPUT, size), nn.GRU(INPUT, size), nn.GRU(INPUT, size).requires_grad_(False)]
        inputs = [torch.randn(sum(rows), INPUT).requires_grad_(i < 2) for i in range(3)]
        slopes = [torch.randn(sum(rows), size, dtype=torch.float64) for _ in range(3)]
    found = packed_grus(inputs, rows, [GRUWeights(*gru.all_weights[0]) for gru in grus])
    learning = [tensor for i in (0, 1) for tensor in (inputs[i], *grus[i].parameters())]
    grads = torch.autograd.grad(scalar(found[:2], slopes), learning)
    exact_inputs = [rows_.detach().double().requires_grad_() for rows_ in inputs]
    doubles = [nn.GRU(INPUT, size, dtype=torch.float64) for _ in grus]
    for double, gru in zip(doubles, grus, strict=True):
        double.load_state_dict(gru.state_dict())
    exact = [theirs(gru, rows_, rows) for gru, rows_ in zip(doubles, exact_inputs, strict=True)]
    leaves = [tensor for i in (0, 1) for tensor in (exact_inputs[i], *doubles[i].parameters())]
    expected = torch.autograd.grad(scalar(exact[:2], slopes), leaves)
    for ours_, exact_ in zip(found, exact, strict=True):
        torch.testing.assert_close(ours_.double(), exact_, rtol=0, atol=2e-6)
    for grad, exact_ in zip(grads, expected, strict=True):
        torch.testing.assert_close(grad.double(), exact_, rtol=1e-4, atol=1e-5)


def test_a_graph_that_is_kept_gives_the_same_gradients_again(form: str) -> None:
    gru, inputs = make_gru(torch.float32), make_inputs(ROWS[2], torch.float32)
    loss = ours(gru, inputs, ROWS[2]).square().sum()
    leaves = [inputs, *gru.parameters()]
    first = torch.autograd.grad(loss, leaves, retain_graph=True)
    torch.testing.assert_close(torch.autograd.grad(loss, leaves), first, rtol=0, atol=0)


@pytest.mark.parametrize("value", [torch.nan, 1e30, -1e30])
def test_inputs_out_of_all_bounds_give_nan_or_saturated_gates(form: str, value: float) -> None:
    gru, inputs = make_gru(torch.float32), make_inputs((3, 3), torch.float32).detach().clone()
    inputs[1] = value
    states, expected = ours(gru, inputs, (3, 3)), theirs(gru, inputs, (3, 3))
    assert states.isnan().any(-1).tolist() == [False, value != value, False, False, value != value, False]
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-6, equal_nan=True)


def test_the_compiled_sigmoid_is_within_a_unit_of_float32() -> None:
    from rmix_kit.compiling.gru_passes import sigmoid

    points = torch.cat([torch.linspace(-100, 100, 4001), torch.linspace(-1, 1, 999), torch.tensor([0.0, 1e30, -1e30])])
    found = torch.tensor([float(sigmoid(x)) for x in points.numpy()], dtype=torch.float64)
    torch.testing.assert_close(found, points.double().sigmoid(), rtol=0, atol=1.2e-7)


@pytest.mark.parametrize("rows", ROWS)
def test_torchs_own_gru_is_called_with_the_same_rows(rows: tuple[int, ...]) -> None:
    gru, inputs = make_gru(torch.float64), make_inputs(rows)
    torch.testing.assert_close(torch_gru(gru, inputs, rows), ours(gru, inputs, rows), rtol=1e-12, atol=1e-12)
