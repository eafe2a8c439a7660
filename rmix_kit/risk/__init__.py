"""Risk operators: pure functions on the last axis of a quantile tensor."""

from rmix_kit.risk.measures import RISK_MEASURES, RiskMeasure, risk_weights, weights_of_levels
from rmix_kit.risk.operators import cvar, cvar_levels, cvar_weights, level_weights, quantile_edges, sort_quantiles

__all__ = [
    "RISK_MEASURES",
    "RiskMeasure",
    "cvar",
    "cvar_levels",
    "cvar_weights",
    "level_weights",
    "quantile_edges",
    "risk_weights",
    "sort_quantiles",
    "weights_of_levels",
]
