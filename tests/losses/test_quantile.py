from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from rmix_kit.errors import ShapeError
from rmix_kit.losses import quantile_fractions, quantile_huber_loss, quantile_spread
from rmix_kit.risk.operators import cvar, cvar_weights, quantile_edges


def pairwise_loss(quantiles: Tensor, targets: Tensor, tau: Tensor, kappa: float) -> Tensor:
    """The definition, with the whole pairwise tensor: sum over predictions, mean over targets."""
    error = targets.unsqueeze(-2) - quantiles.unsqueeze(-1)  # [..., prediction, target]
    huber = torch.where(error.abs() <= kappa, 0.5 * error.square(), kappa * (error.abs() - 0.5 * kappa)) / kappa
    return ((tau.unsqueeze(-1) - (error.detach() < 0).to(tau.dtype)).abs() * huber).mean(-1).sum(-1)


def evaluated(loss: Callable[[Tensor], Tensor], quantiles: Tensor) -> tuple[Tensor, Tensor]:
    leaf = quantiles.clone().requires_grad_()
    value = loss(leaf)
    weights = torch.linspace(0.5, 2.0, value.numel(), dtype=torch.float64).view(value.shape)
    (gradient,) = torch.autograd.grad((value * weights).sum(), [leaf])
    return value.detach(), gradient


def both(quantiles: Tensor, targets: Tensor, kappa: float) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    tau = quantile_fractions(quantile_edges(quantiles.shape[-1])).double()
    ours = evaluated(lambda q: quantile_huber_loss(q, targets, tau, kappa=kappa), quantiles)
    return ours, evaluated(lambda q: pairwise_loss(q, targets, tau, kappa), quantiles)


@pytest.mark.parametrize("kappa", [0.01, 0.05, 0.3, 1.0, 5.0])
@pytest.mark.parametrize("spread", [0.1, 3.0, 100.0])
def test_the_loss_and_its_gradient_equal_the_pairwise_definition(kappa: float, spread: float) -> None:
    generator = torch.Generator().manual_seed(0)
    quantiles = spread * torch.randn(4, 3, 17, generator=generator, dtype=torch.float64)
    targets = spread * torch.randn(4, 3, 11, generator=generator, dtype=torch.float64) + 1.0
    ours, reference = both(quantiles, targets, kappa)
    # Running sums of squares lose about spread^2 / kappa units in the last place of float64.
    torch.testing.assert_close(ours, reference, rtol=1e-9, atol=1e-12 * spread**2 / kappa)


@pytest.mark.parametrize("kappa", [0.5, 1.0, 2.0])
def test_ties_and_errors_exactly_at_the_threshold_count_as_defined(kappa: float) -> None:
    values = torch.tensor([-2.0, -1.0, -1.0, 0.0, 0.0, 0.5, 1.0, 2.0], dtype=torch.float64)
    ours, reference = both(values, values.flip(0), kappa)
    torch.testing.assert_close(ours, reference, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("offset", [-1000.0, 1000.0])
def test_targets_beyond_every_prediction_count_as_defined(offset: float) -> None:
    quantiles = torch.linspace(-1.0, 1.0, 8, dtype=torch.float64)
    ours, reference = both(quantiles, quantiles + offset, 1.0)
    torch.testing.assert_close(ours, reference, rtol=1e-10, atol=1e-9)


def test_targets_count_by_their_shares_of_probability() -> None:
    # Shares 1/4, 1/4, 1/2 are those of four equally likely targets, the highest of which comes twice.
    quantiles, tau = torch.tensor([0.5, -2.0], dtype=torch.float64), torch.tensor([0.2, 0.7], dtype=torch.float64)
    edges = torch.tensor([0.0, 0.25, 0.5, 1.0])
    targets = torch.tensor([3.0, -1.0, 0.8], dtype=torch.float64)
    ours = evaluated(lambda q: quantile_huber_loss(q, targets, tau, kappa=0.5, edges=edges), quantiles)
    repeated = torch.tensor([-1.0, 0.8, 3.0, 3.0], dtype=torch.float64)
    torch.testing.assert_close(ours, evaluated(lambda q: pairwise_loss(q, repeated, tau, 0.5), quantiles))


def test_half_of_the_quantiles_resolve_a_rare_loss_in_the_tail() -> None:
    # -100 with probability 0.052, else 0: the mean is -5.2; of 16 equal atoms one sinks, -6.25, of 8 + 8 four, -5.
    edges = quantile_edges(16, 0.1)
    samples = torch.where(torch.arange(1000) < 52, -100.0, 0.0).expand(2000, -1)
    means = []
    for shares in (quantile_edges(16), edges):
        atoms = fit(samples, n_quantiles=16, kappa=0.01, tau=quantile_fractions(shares), learning_rate=1.0)
        means.append((atoms * cvar_weights(torch.tensor(1.0), shares)).sum().item())
    assert means == pytest.approx([-6.25, -5.0], abs=0.3)


def test_the_loss_of_one_hand_worked_pair() -> None:
    # u = 3 - 1 = 2 > kappa: tau 0.5 * (2 - 0.5) = 0.75
    loss = quantile_huber_loss(torch.tensor([1.0]), torch.tensor([3.0]), torch.tensor([0.5]))
    assert loss.item() == pytest.approx(0.75)


def test_targets_receive_no_gradient() -> None:
    targets = torch.zeros(3, requires_grad=True)
    loss = quantile_huber_loss(torch.ones(3, requires_grad=True), targets, quantile_fractions(quantile_edges(3)))
    found: list[Tensor | None] = list(torch.autograd.grad(loss, [targets], allow_unused=True))
    assert found == [None]


def test_different_leading_axes_are_refused() -> None:
    with pytest.raises(ShapeError):
        quantile_huber_loss(torch.zeros(2, 3), torch.zeros(4, 3), quantile_fractions(quantile_edges(3)))


def test_fractions_are_the_midpoints() -> None:
    torch.testing.assert_close(quantile_fractions(quantile_edges(4)), torch.tensor([0.125, 0.375, 0.625, 0.875]))


def fit(
    samples: Tensor,
    *,
    n_quantiles: int,
    kappa: float,
    is_transposed: bool = False,
    tau: Tensor | None = None,
    learning_rate: float = 0.1,
) -> Tensor:
    """Fit atoms to batches of samples; ``is_transposed`` pairs tau with the targets, as the released code does."""
    atoms = torch.zeros(n_quantiles, requires_grad=True)
    tau = quantile_fractions(quantile_edges(n_quantiles)) if tau is None else tau
    optimizer = torch.optim.Adam([atoms], lr=learning_rate)
    for step, targets in enumerate(samples):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * (1.0 - step / len(samples)) + 1e-3
        if is_transposed:
            error = atoms.unsqueeze(-1) - targets  # [prediction, target]
            huber = torch.where(error.abs() <= kappa, 0.5 * error.square(), kappa * (error.abs() - 0.5 * kappa))
            loss = ((tau - (error.detach() < 0).float()).abs() * huber).mean()
        else:
            loss = quantile_huber_loss(atoms, targets, tau, kappa=kappa).mean()
        (atoms.grad,) = torch.autograd.grad(loss, [atoms])
        optimizer.step()
    return atoms.detach().sort().values


def normal_samples(steps: int, width: int) -> Tensor:
    return 5.0 + 3.0 * torch.randn(steps, width, generator=torch.Generator().manual_seed(0))


def test_the_fit_of_a_normal_distribution_keeps_its_spread() -> None:
    atoms = fit(normal_samples(1500, 256), n_quantiles=20, kappa=1.0)
    # True 2.9 for 20 midpoints; kappa 1 pulls the outer atoms inwards (measured 2.7 for this setting).
    assert atoms.std().item() == pytest.approx(2.72, abs=0.15)


def test_the_fit_of_a_normal_distribution_has_its_quartiles() -> None:
    atoms = fit(normal_samples(1500, 256), n_quantiles=20, kappa=1.0)
    expected = torch.tensor([3.21, 5.19, 6.79])  # the exact quantiles at .275, .525 and .725
    torch.testing.assert_close(atoms[[5, 10, 14]], expected, rtol=0, atol=0.3)  # kappa 1 smooths them


def test_pairing_the_fractions_with_the_targets_collapses_the_distribution() -> None:
    # A documented contrast: the loss that the released code minimises. Every atom gets the same loss.
    atoms = fit(normal_samples(600, 20), n_quantiles=20, kappa=1.0, is_transposed=True)
    assert atoms.std().item() < 1e-3


@pytest.mark.parametrize(("level", "expected"), [(0.1, -20.0), (0.5, -2.0), (1.0, 4.0)])
def test_the_fit_of_two_points_has_their_cvar(level: float, expected: float) -> None:
    targets = torch.tensor([-20.0] * 20 + [10.0] * 80).expand(1500, -1)
    atoms = fit(targets, n_quantiles=20, kappa=0.01)
    assert cvar(atoms, torch.tensor(level)).item() == pytest.approx(expected, abs=0.05)


@pytest.fixture(params=["paired", "sorted"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both forms of the loss of float32 on the CPU."""
    if request.param == "sorted":
        monkeypatch.setattr("rmix_kit.losses.quantile.compiled_module", lambda name: "numba is not installed")
    return str(request.param)


def test_float32_keeps_its_digits_where_squares_of_targets_are_large(form: str) -> None:
    generator = torch.Generator().manual_seed(0)
    quantiles = 1000.0 + torch.randn(3, 17, generator=generator)
    targets = 1000.0 + torch.randn(3, 200, generator=generator)
    tau = quantile_fractions(quantile_edges(17))
    ours = evaluated(lambda q: quantile_huber_loss(q, targets, tau, kappa=5.0).double(), quantiles)
    reference = evaluated(lambda q: pairwise_loss(q, targets.double(), tau.double(), 5.0), quantiles.double())
    # One rounding of the result to float32; the sums of 200 squares of 1,000, taken from each other, would keep none.
    torch.testing.assert_close(ours[0], reference[0], rtol=1e-6, atol=0)
    # Slopes of pairs are sums of 200 float32 of both signs.
    torch.testing.assert_close(ours[1].double(), reference[1], rtol=1e-6, atol=0 if form == "sorted" else 1e-8)


@pytest.mark.parametrize("kappa", [0.01, 0.3, 1.0, 5.0])
@pytest.mark.parametrize("spread", [0.1, 3.0, 100.0])
@pytest.mark.parametrize("sizes", [(17, 11), (1, 40), (32, 32), (100, 100)])
def test_float32_is_the_pairwise_definition(form: str, kappa: float, spread: float, sizes: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    quantiles, targets = (spread * torch.randn(4, 3, size, generator=generator) for size in sizes)
    taus = torch.rand(4, 3, sizes[0], generator=generator)
    ours = evaluated(lambda q: quantile_huber_loss(q, targets, taus, kappa=kappa).double(), quantiles)
    reference = evaluated(lambda q: pairwise_loss(q, targets.double(), taus.double(), kappa), quantiles.double())
    torch.testing.assert_close(ours[0], reference[0], rtol=1e-6, atol=0)
    torch.testing.assert_close(ours[1].double(), reference[1], rtol=1e-5, atol=1e-6)


def test_float32_targets_count_by_their_shares_of_probability(form: str) -> None:
    quantiles, targets = torch.tensor([[0.5, -2.0]]), torch.tensor([[3.0, -1.0, 0.8]])
    tau, edges = torch.tensor([0.2, 0.7]), torch.tensor([0.0, 0.5, 1.0, 2.0])
    ours = evaluated(lambda q: quantile_huber_loss(q, targets, tau, kappa=0.5, edges=edges).double(), quantiles)
    repeated = torch.tensor([[-1.0, 0.8, 3.0, 3.0]], dtype=torch.float64)
    expected = evaluated(lambda q: pairwise_loss(q, repeated, tau.double(), 0.5), quantiles.double())
    torch.testing.assert_close(ours[0], expected[0])
    torch.testing.assert_close(ours[1].double(), expected[1])


@pytest.mark.parametrize("where", ["quantiles", "targets"])
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_what_is_not_finite_reaches_the_loss(form: str, where: str, value: float) -> None:
    rows = {"quantiles": torch.zeros(2, 5), "targets": torch.zeros(2, 5)}
    rows[where][1, 2] = value
    loss = quantile_huber_loss(rows["quantiles"], rows["targets"], torch.full((5,), 0.5))
    assert loss.isfinite().tolist() == [True, False]


def test_what_was_given_stays_as_it_was(form: str) -> None:
    quantiles, targets = torch.arange(5.0).flip(0).view(1, 5), torch.arange(5.0).flip(0).view(1, 5)
    quantile_huber_loss(quantiles, targets, torch.full((5,), 0.5), edges=torch.tensor([0.0, 1, 2, 3, 4, 8]))
    assert quantiles.tolist() == targets.tolist() == [[4.0, 3.0, 2.0, 1.0, 0.0]]


def test_the_spread_is_the_standard_deviation_of_the_quantiles() -> None:
    quantiles = torch.randn(5, 3, 7, generator=torch.manual_seed(0)) * 20.0 - 100.0
    torch.testing.assert_close(quantile_spread(quantiles), quantiles.std(-1, correction=0))
