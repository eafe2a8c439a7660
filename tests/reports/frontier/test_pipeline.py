"""The pipeline measures what the oracle computes: scripted policies of known return distribution, both doors."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from macn import oracle
from rmix_kit.envs.macn import settings_of
from rmix_kit.envs.make import MakeEnv
from rmix_kit.envs.text import parse
from rmix_kit.episodes import PlayedEpisodes
from rmix_kit.reports.frontier.measuring import Frontier, measure
from rmix_kit.reports.frontier.visits import Visits
from tests.fixtures.scripted_team import Script, played

ENVIRONMENT = "macn:bridge?slip=0.1&include_position=true"
SETTINGS = settings_of(parse(ENVIRONMENT))
EPISODES = 2000
STANDARD_ERRORS = 4  # a sound pipeline misses one of the checks below in some 16,000
DOORS = ("torch", "exported")
POLICIES = ("neutral", "averse", "parted")


@cache
def policy(name: str) -> oracle.MarkovPolicy:
    """The optimum, the greedy-CVaR policy at 0.1, or agent 0 of the one with agent 1 of the other."""
    if name == "parted":
        return lambda time, cells: np.stack(
            [policy("neutral")(time, cells)[:, 0], policy("averse")(time, cells)[:, 1]], axis=1
        )
    return oracle.solve("bridge", slip=0.1, risk_level=1.0 if name == "neutral" else 0.1).policy


@cache
def exact(name: str) -> oracle.Evaluation:
    return oracle.evaluate(policy(name), "bridge", slip=0.1)


@cache
def measured(name: str, door: str) -> Frontier:
    script = Script(policy(name), SETTINGS)

    def play(level: float | None, make_env: MakeEnv) -> PlayedEpisodes:
        return played(script, door, ENVIRONMENT, make_env, EPISODES)

    return measure(play, [None], env_text=ENVIRONMENT, episodes=EPISODES, seed=0)


def found(name: str, door: str, quantity: str) -> float:
    return measured(name, door).levels[0].estimates[quantity].measured


def spread_of_tail(known: oracle.Evaluation, level: float) -> float:
    """The standard deviation of one episode's part in the CVaR: of the shortfall below the quantile, by the level."""
    quantile = known.returns[np.searchsorted(np.cumsum(known.probabilities), level)]
    shortfall = np.maximum(quantile - known.returns, 0.0)
    mean = known.probabilities @ shortfall
    return float(np.sqrt(known.probabilities @ (shortfall - mean) ** 2)) / level


each_policy = pytest.mark.parametrize("name", POLICIES)
each_door = pytest.mark.parametrize("door", DOORS)


@each_policy
@each_door
def test_measured_mean_is_within_sampling_error_of_the_exact_one(name: str, door: str) -> None:
    error = exact(name).return_std / np.sqrt(EPISODES)
    assert abs(found(name, door, "return_mean") - exact(name).return_mean) < STANDARD_ERRORS * error


@each_policy
@each_door
@pytest.mark.parametrize(
    ("quantity", "attribute"), [("fall_rate", "fall_probability"), ("success_rate", "success_probability")]
)
def test_measured_rates_are_within_sampling_error_of_the_exact_ones(
    name: str, door: str, quantity: str, attribute: str
) -> None:
    probability = getattr(exact(name), attribute)
    # One episode is the grain of a rate; at a probability of a few in 100,000 the standard error lies below it.
    error = max(np.sqrt(probability * (1 - probability) / EPISODES), 1 / (STANDARD_ERRORS * EPISODES))
    assert abs(found(name, door, quantity) - probability) <= STANDARD_ERRORS * error


@each_policy
@each_door
@pytest.mark.parametrize("level", [0.1, 0.25])
def test_measured_cvar_is_within_sampling_error_of_the_exact_one(name: str, door: str, level: float) -> None:
    error = spread_of_tail(exact(name), level) / np.sqrt(EPISODES)
    assert abs(found(name, door, f"cvar_{level}") - exact(name).cvar(level)) < STANDARD_ERRORS * error


@each_policy
def test_both_doors_measure_the_same_episodes(name: str) -> None:
    torch, exported = (measured(name, door).rows() for door in DOORS)
    assert torch == exported


def test_another_policy_is_further_off_than_sampling_error() -> None:
    probability = exact("neutral").fall_probability
    error = np.sqrt(probability * (1 - probability) / EPISODES)
    assert abs(found("averse", "exported", "fall_rate") - probability) > 2 * STANDARD_ERRORS * error


def visits(name: str) -> Visits:
    counted = measured(name, "exported").levels[0].visits
    assert counted is not None
    return counted


def test_every_episode_visits_the_start() -> None:
    assert (visits("averse").share[:, SETTINGS.layout.cells.index("S")] == 1.0).all()


def test_visits_tell_the_long_way_from_the_short_one() -> None:
    top_row, beside_the_cliff = 2, SETTINGS.layout.width * 3 + 2
    assert (visits("averse").share[:, top_row] > 0.9).all()
    assert visits("parted").share[1, top_row] > 0.9
    assert visits("parted").share[0, top_row] < 0.1
    assert visits("parted").share[0, beside_the_cliff] > 0.9


@each_policy
def test_steps_of_all_cells_are_the_length_of_an_episode(name: str) -> None:
    # The start is counted before the first step.
    length = found(name, "exported", "episode_length_mean")
    np.testing.assert_allclose(visits(name).steps.sum(axis=1), length + 1)


def test_visits_of_the_cliff_are_the_falls() -> None:
    share = visits("neutral").share[:, SETTINGS.layout.cells.index("C")]
    # Both agents may fall in one step; then one episode is two visits.
    assert share.max() <= found("neutral", "exported", "fall_rate") <= share.sum()
