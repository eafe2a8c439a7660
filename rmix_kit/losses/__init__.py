"""Losses: pure functions of tensors."""

from rmix_kit.losses.masking import masked_mean
from rmix_kit.losses.quantile import quantile_fractions, quantile_huber_loss, quantile_spread
from rmix_kit.losses.td import lambda_returns, n_step_returns

__all__ = [
    "lambda_returns",
    "masked_mean",
    "n_step_returns",
    "quantile_fractions",
    "quantile_huber_loss",
    "quantile_spread",
]
