"""Observations of any size are learned from alike, whoever provides the state."""

from __future__ import annotations

from pathlib import Path

import pytest

from rmix_kit.config.load import resolve
from rmix_kit.training.trainer import train

ENV = "pettingzoo:tests.fixtures.signal_env.make"
PROOF = 10_000


def learned(tmp_path: Path, algo: str, options: str, seed: int, *, steps: int = PROOF) -> float:
    """Train with the defaults that a stranger gets, and give the mean return of greedy episodes; 1 is the optimum."""
    config = resolve(algo=algo, env=f"{ENV}?{options}", seed=seed, steps=steps, report=lambda _: None)
    return train(config, tmp_path / "run").evaluate(episodes=64).return_mean


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("algo", "steps"), [("qmix", PROOF), ("rmix", 2 * PROOF)])
def test_bytes_are_learned_from_without_a_state_of_their_own(tmp_path: Path, algo: str, steps: int, seed: int) -> None:
    assert learned(tmp_path, algo, "scale=255", seed, steps=steps) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize(
    "options",
    [
        "scale=1&bounds=unit",
        "scale=1&bounds=million",
        "scale=1&bounds=none",
        "scale=1000000.0&bounds=none",
        "scale=1&bounds=dtype",
        "scale=1000&bounds=dtype&dtype=int64",
        "scale=1&bounds=dtype&dtype=int16",
    ],
)
def test_bounds_that_say_nothing_cost_nothing(tmp_path: Path, options: str) -> None:
    assert learned(tmp_path, "qmix", options, 0) == 1.0
