"""Risk operators: pure functions on the last axis of a quantile tensor."""

from rmix_kit.risk.operators import cvar, cvar_levels, cvar_weights, level_weights, quantile_edges, sort_quantiles

__all__ = ["cvar", "cvar_levels", "cvar_weights", "level_weights", "quantile_edges", "sort_quantiles"]
