"""The plan that car following's best return is taken from: it costs what it says, and nothing costs less."""

from __future__ import annotations

import numpy as np
import pytest

from rmix_kit.envs.didactic.car_following import ARRIVAL_REWARD, CarFollowing
from rmix_kit.envs.didactic.car_motion import ACCELERATIONS, TARGET, driven
from rmix_kit.envs.didactic.car_plan import Road, best_plan
from rmix_kit.envs.make import make_vector_env

CASES = [("even", 0.4), ("even", 0.0), ("even", 1.0), ("released", 0.4), ("released", 0.0)]
COPIES = 4000


def road(accelerations: str, crash: float) -> Road:
    return Road(accelerations=ACCELERATIONS[accelerations], crash=crash)


def costs_to_pass(one: Road) -> np.ndarray:
    """A lower bound of the cost from every position and speed, ``[position, speed]``: of a car that may accelerate by
    every whole number, that is moved on to whole positions, and that arrives by passing the target anywhere.

    It never drives backwards: with the speed max(0, speed) every car is as far in every step and risks no more. Its
    bound falls with the position, so that moving it on cannot make it cost more.
    """
    most = max(one.accelerations.counts)
    speed = np.arange(one.top + 1)[:, None]
    after = speed + np.arange(min(one.accelerations.counts), most + 1)
    distance, is_open = speed + after, (after >= 0) & (after <= one.top) & (speed + after > 0)
    passes = speed + most > one.top  # and the farthest way to the top speed besides
    capped = np.ceil(2 * one.top - (one.top - speed) ** 2 / most - 1e-9).astype(int)
    distance = np.concatenate([np.where(is_open, distance, 1), np.where(passes, capped, 1)], axis=1)
    after = np.concatenate([np.where(is_open, after, 0), np.full_like(speed, one.top)], axis=1)
    closed = np.where(np.concatenate([is_open, passes], axis=1), 0, np.inf) + one.risks[after]
    costs = np.zeros((one.first + int(distance.max()) + 1, one.top + 1))
    away = np.maximum(one.target - np.arange(len(costs)), 0) * one.length
    for position in reversed(range(one.first)):
        costs[position] = (costs[position + distance, after] + away[position + distance] + closed).min(axis=1)
    return costs


def costs_to_turn(one: Road, positions: np.ndarray) -> np.ndarray:
    """A lower bound of the cost from positions beyond the target, ``[position, speed]``: braking as hard as it goes."""
    brake = min(one.accelerations.counts)
    speed = np.tile(np.arange(one.top + 1), (len(positions), 1))
    position, cost = positions[:, None] + 0 * speed, np.zeros(speed.shape)
    while (speed > 0).any():
        position, speed = position + 2 * speed + brake, speed + brake
        cost += np.where(speed > 0, np.maximum(position - one.target, 0), 0)
    return cost * one.length


def lowest_cost(one: Road) -> float:
    """A lower bound of the cost of every plan: exact on whole numbers, and bounded from where a plan leaves them."""
    passing = costs_to_pass(one)
    speed, counts = np.arange(one.top + 1)[:, None], np.asarray(one.accelerations.counts)
    after, distance = speed + counts, 2 * speed + counts
    is_back, is_capped = after < 0, after > one.top
    capped = np.ceil(2 * one.top - (one.top - speed) ** 2 / np.maximum(counts, 1) - 1e-9).astype(int)
    distance, after = np.where(is_capped, capped, distance), np.clip(after, 0, one.top)
    leaves, stands = is_back | is_capped, (distance == 0) & ~is_back
    costs = passing.copy()
    last = 2 * one.target - one.first  # the last position at the target
    costs[one.first : last + 1] = 0
    costs[last + 1 :] = costs_to_turn(one, np.arange(last + 1, len(costs)))
    for position in reversed(range(one.first)):
        there = np.maximum(position + distance, 0)
        ahead = np.where(leaves, passing[there, after], costs[there, after])
        away = np.where(leaves, np.maximum(one.target - there, 0), np.abs(one.target - there)) * one.length
        costs[position] = np.where(stands, np.inf, ahead + away + one.risks[after]).min(axis=1)
    return float(costs[0, 0])


@pytest.mark.parametrize(("accelerations", "crash"), CASES)
def test_no_way_to_the_target_costs_less_than_the_plan(accelerations: str, crash: float) -> None:
    one = road(accelerations, crash)
    # Sums of some thirty numbers below 3. Without crashes the top speed is worth having, and passing it only bounded.
    gap = 1e-9 if crash else 0.016
    assert 0 <= best_plan(one).cost - lowest_cost(one) + 1e-9 <= gap + 1e-9


@pytest.mark.parametrize(("accelerations", "crash"), CASES)
def test_no_car_is_better_off_that_does_not_arrive(accelerations: str, crash: float) -> None:
    one = road(accelerations, crash)
    position, speed, least = np.zeros(1), np.zeros(1), 0.0
    for _ in range(50):  # as far as anyone can be, in every step
        position, speed = driven(
            position, speed, np.full(1, max(one.accelerations.counts) * float(one.accelerations.unit))
        )
        least += max(0.0, TARGET - float(position[0]))
    assert best_plan(one).cost - least < ARRIVAL_REWARD


@pytest.mark.parametrize(
    ("accelerations", "agents", "best"), [("even", 2, -57.733), ("released", 2, -61.0090), ("even", 3, -91.5995)]
)
def test_the_best_return_is_what_the_plan_is_paid_in_the_game(accelerations: str, agents: int, best: float) -> None:
    game = CarFollowing(accelerations=accelerations, agents=agents)
    assert game.best_return == pytest.approx(best, abs=1e-4)
    envs = make_vector_env(f"didactic:car-following?accelerations={accelerations}&agents={agents}", COPIES)
    envs.reset(range(COPIES))
    returns = np.zeros(COPIES)
    for action in game.best_plan.actions:
        step = envs.step(np.full((COPIES, agents), action))
        returns += step.reward
    assert step.terminated.all()
    assert step.success.all()
    assert abs(returns.mean() - best) < 4 * returns.std() / np.sqrt(COPIES)


def test_without_crashes_the_plan_is_paid_exactly() -> None:
    game, envs = CarFollowing(crash=0.0), make_vector_env("didactic:car-following?crash=0", 1)
    envs.reset([0])
    paid = [float(envs.step(np.full((1, 2), action)).reward[0]) for action in game.best_plan.actions]
    assert sum(paid) == pytest.approx(game.best_return, abs=1e-4)  # rewards are float32
    assert game.best_return == pytest.approx(-52.36)
