"""What is measured, and what it is called."""

from __future__ import annotations

import numpy as np

from rmix_kit.episodes import summarize
from rmix_kit.metrics import METRICS, cvar_name, is_share, label_of, percent_label_of
from rmix_kit.reports.curves import DRAWN


def test_episodes_are_summarised_under_these_names_in_this_order() -> None:
    one = np.ones(1)
    record = summarize(
        returns=one,
        success=one > 0,
        fell=one > 2,
        lengths=one.astype(np.int64),
        risk_levels=one,
        checkpoint_step=1,
        seed=0,
    )
    assert [name for name in record if name in METRICS] == list(METRICS)
    assert set(record) - set(METRICS) == {"episodes", "checkpoint_step", "seed"}


def test_shares_are_bounded_and_every_curve_has_an_axis() -> None:
    assert all(metric.is_bounded for metric in METRICS.values() if metric.is_share)
    assert all(METRICS[name].axis for name in DRAWN)
    assert set(METRICS) - set(DRAWN) == {"return_std"}


def test_labels_say_what_is_written_in_percent() -> None:
    assert [label_of("fall_rate"), percent_label_of("fall_rate")] == ["falls", "falls, %"]
    assert percent_label_of("return_mean") == label_of("return_mean") == "mean return"
    assert label_of(cvar_name(0.5)) == "CVaR 0.5"  # a level of a user's own
    assert not is_share(cvar_name(0.5))
