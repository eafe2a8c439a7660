"""Risk measures beside CVaR: hand-worked values, and the properties by which RiskQ mixes them."""

from __future__ import annotations

import math
from statistics import NormalDist

import pytest
import torch
from torch import Tensor

from rmix_kit.risk import RISK_MEASURES, RiskMeasure, cvar_weights, quantile_edges, risk_weights, weights_of_levels

MEASURES = [pytest.param(name, id=name) for name in RISK_MEASURES]
TABLE = torch.tensor([-10.0, -2.0, 0.0, 1.0, 5.0], dtype=torch.float64)
EDGES = [quantile_edges(5), quantile_edges(5, 0.1)]
LEVELS = [1e-6, 0.05, 0.1, 0.3, 0.4723665527, 0.5, 0.99, 1.0]


def measured(measure: RiskMeasure, level: float, quantiles: Tensor = TABLE, edges: Tensor = EDGES[0]) -> float:
    weights = risk_weights(measure, torch.tensor(level, dtype=torch.float64), edges)
    return float((torch.sort(quantiles).values * weights).sum())


@pytest.mark.parametrize(
    ("measure", "level", "expected"),
    [
        ("cvar", 0.4, -6.0),
        ("var", 0.2, -10.0),  # on the edge: still the first fifth
        ("var", 0.21, -2.0),
        ("var", 0.6, 0.0),
        ("var", 1.0, 5.0),
        ("mean", 0.2, -1.2),
        ("wang", 1.0, -1.2),
    ],
)
def test_hand_worked_values(measure: RiskMeasure, level: float, expected: float) -> None:
    assert measured(measure, level) == pytest.approx(expected, abs=1e-6)


def test_wangs_measure_of_two_outcomes_is_the_distorted_chance() -> None:
    """A loss of 1 with probability 0.5 and RiskQ's 0.75: Phi(0 + 0.75) = 0.7734."""
    level = math.exp(-0.75)
    value = measured("wang", level, torch.tensor([-1.0, 0.0]), quantile_edges(2))
    assert value == pytest.approx(-NormalDist().cdf(0.75), abs=1e-6)


def test_wangs_measure_of_a_normal_return_is_its_mean_less_the_parameter() -> None:
    """Wang (2000): of a normal return, mean - eta sigma; here by 20,000 quantiles."""
    n_quantiles = 20_000
    fractions = (torch.arange(n_quantiles, dtype=torch.float64) + 0.5) / n_quantiles
    normal = 3.0 + 2.0 * torch.special.ndtri(fractions)
    edges = quantile_edges(n_quantiles)
    assert measured("wang", math.exp(-0.75), normal, edges) == pytest.approx(3.0 - 0.75 * 2.0, abs=2e-3)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("edges", EDGES, ids=["equal", "tail"])
@pytest.mark.parametrize("level", LEVELS)
def test_weights_are_a_distribution(measure: RiskMeasure, edges: Tensor, level: float) -> None:
    for dtype, tolerance in ((torch.float32, 1e-6), (torch.float64, 1e-9)):
        weights = risk_weights(measure, torch.tensor([level], dtype=dtype), edges)
        assert weights.shape == (1, 5)
        assert weights.dtype == dtype
        assert (weights >= -tolerance).all()
        assert weights.sum().item() == pytest.approx(1.0, abs=1e-5 if dtype == torch.float32 else 1e-6)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize("level", LEVELS)
def test_measures_add_over_what_rises_together(measure: RiskMeasure, level: float) -> None:
    """RIGM's ground: of 2 X + 3 Y + c, quantiles added at equal fractions, it is the same mixture of theirs."""
    generator = torch.Generator().manual_seed(1)
    first, second = (torch.sort(torch.randn(5, generator=generator, dtype=torch.float64)).values for _ in range(2))
    together = measured(measure, level, 2 * first + 3 * second + 7.0, EDGES[1])
    apart = 2 * measured(measure, level, first, EDGES[1]) + 3 * measured(measure, level, second, EDGES[1]) + 7.0
    assert together == pytest.approx(apart, abs=1e-5)


@pytest.mark.parametrize("measure", ["cvar", "var", "wang"])
def test_lower_levels_are_no_less_cautious(measure: RiskMeasure) -> None:
    values = [measured(measure, level) for level in LEVELS]
    assert values == sorted(values)


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("n_levels", "n_quantiles"), [(10, 10), (3, 7), (10, 100), (4, 1)])
def test_the_matrix_of_levels_has_their_weights(measure: RiskMeasure, n_levels: int, n_quantiles: int) -> None:
    edges = quantile_edges(n_quantiles)
    levels = torch.arange(1, n_levels + 1) / n_levels  # float32, as agents have them
    found = weights_of_levels(measure, n_levels, edges)
    torch.testing.assert_close(found, risk_weights(measure, levels, edges), rtol=0, atol=2e-6)


@pytest.mark.parametrize("n_quantiles", [1, 10, 32, 64, 100])
def test_a_rounded_level_on_an_edge_is_the_quantile_below_it(n_quantiles: int) -> None:
    levels = torch.arange(1, n_quantiles + 1, dtype=torch.float32) / n_quantiles
    torch.testing.assert_close(risk_weights("var", levels, quantile_edges(n_quantiles)), torch.eye(n_quantiles))


def test_cvar_is_the_operators() -> None:
    level = torch.tensor([0.1, 0.7])
    assert torch.equal(risk_weights("cvar", level, EDGES[1]), cvar_weights(level, EDGES[1]))
