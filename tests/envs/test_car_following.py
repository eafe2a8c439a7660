"""Car following's rules, in situations built by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rmix_kit.config.load import resolve
from rmix_kit.envs.didactic.car_following import BOUND, CarFollowing, Traffic
from rmix_kit.envs.didactic.car_motion import driven
from rmix_kit.envs.didactic.draws import happens, stream_keys
from rmix_kit.envs.make import make_vector_env
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.trainer import train
from rmix_kit.types import FloatArray

SAFE = CarFollowing(crash=0.0)
BRAKE, COAST, FULL = 0, 10, 20


def traffic(*cars: tuple[float, float], copies: int = 1) -> Traffic:
    """Cars by position and speed."""
    position, speed = np.asarray(cars, dtype=np.float64).T
    return Traffic(np.tile(position, (copies, 1)), np.tile(speed, (copies, 1)))


def play(state: Traffic, *actions: int, game: CarFollowing = SAFE) -> tuple[Traffic, FloatArray, bool]:
    """One step of every copy; whether the task ended in the first."""
    copies = len(state.position)
    after, reward, has_ended = game.advance(
        state, np.tile(actions, (copies, 1)), stream_keys(range(copies)), np.ones(copies, dtype=np.int64)
    )
    return after, reward, bool(has_ended[0])


def test_everyone_starts_at_rest_at_zero() -> None:
    state = SAFE.start(stream_keys([1, 2]))
    assert (state.position.tolist(), state.speed.tolist()) == ([[0, 0]] * 2, [[0, 0]] * 2)


def test_a_car_drives_by_the_mean_of_its_speeds() -> None:
    # 1.0 + 0.5 * 0.1 + 1 * 0.01 / 2 = 1.055, and 0 - 1 * 0.01 / 2 = -0.005: nothing stops a car from driving backwards.
    after, _, _ = play(traffic((1.0, 0.5), (0.0, 0.0)), FULL, BRAKE)
    assert after.position[0] == pytest.approx([1.055, -0.005])
    assert after.speed[0] == pytest.approx([0.6, -0.1])


def test_the_top_speed_is_kept_from_the_moment_it_is_reached() -> None:
    # From 1.77 by 1 it takes 0.03: 1.77 * 0.03 + 0.00045 + 1.8 * 0.07 = 0.17955. By 0.5 it takes 0.06: 0.1071 + 0.072.
    after, _, _ = play(traffic((0.0, 1.77), (0.0, 1.77)), FULL, 15)
    assert after.position[0] == pytest.approx([0.17955, 0.1062 + 0.0009 + 0.072])
    assert after.speed.tolist() == [[1.8, 1.8]]


def test_at_the_top_speed_nothing_is_faster_than_coasting() -> None:
    after, _, _ = play(traffic((0.0, 1.8), (0.0, 1.8)), FULL, COAST)
    assert after.position[0] == pytest.approx([0.18, 0.18])
    assert after.speed.tolist() == [[1.8, 1.8]]


def test_the_released_accelerations_are_never_zero_or_one() -> None:
    after, _, _ = play(traffic((0.0, 0.0), (0.0, 0.0)), COAST, FULL, game=CarFollowing(accelerations="released"))
    assert after.speed[0] == pytest.approx([-0.1 / 21, 1.9 / 21])
    assert CarFollowing().action_counts == CarFollowing(accelerations="released").action_counts == (21, 21)


def test_a_step_costs_itself_and_the_distances_and_pays_for_following() -> None:
    _, reward, _ = play(traffic((1.0, 0.0), (1.3, 0.0)), COAST, COAST)
    assert reward[0] == pytest.approx(-1 - 1.5 - 1.2 + 1)
    _, reward, _ = play(traffic((1.0, 0.0), (1.301, 0.0)), COAST, COAST)
    assert reward[0] == pytest.approx(-1 - 1.5 - 1.199)
    _, reward, _ = play(traffic((3.0, 0.0), (3.0, 0.0)), COAST, COAST)  # beyond the target it is as far
    assert reward[0] == pytest.approx(-1 - 0.5 - 0.5 + 1)


def test_three_cars_follow_when_every_two_are_near() -> None:
    game = CarFollowing(agents=3, crash=0.0)
    _, reward, _ = play(traffic((1.0, 0.0), (1.2, 0.0), (1.4, 0.0)), *[COAST] * 3, game=game)
    assert reward[0] == pytest.approx(-1 - 1.5 - 1.3 - 1.1)
    _, reward, _ = play(traffic((1.0, 0.0), (1.2, 0.0), (1.3, 0.0)), *[COAST] * 3, game=game)
    assert reward[0] == pytest.approx(-1 - 1.5 - 1.3 - 1.2 + 1)


def test_arriving_pays_once_and_the_car_then_stands_at_the_target() -> None:
    first, reward, has_ended = play(traffic((2.405, 0.9), (1.0, 0.0)), COAST, COAST)
    assert first.position[0] == pytest.approx([2.495, 1.0])
    assert reward[0] == pytest.approx(-1 - 0.005 - 1.5 + 5)
    assert not has_ended
    second, reward, _ = play(first, FULL, COAST)
    assert (second.position[0].tolist(), second.speed[0].tolist()) == ([2.5, 1.0], [0.0, 0.0])
    assert reward[0] == pytest.approx(-1 - 1.5)
    third, _, _ = play(second, BRAKE, COAST)
    assert third.position[0, 0] == 2.5


def test_the_last_arrival_ends_the_task_and_pays_ten() -> None:
    after, reward, has_ended = play(traffic((2.5, 0.0), (2.41, 0.9)), COAST, COAST)
    assert has_ended
    assert SAFE.view(after).success.tolist() == [True]
    assert reward[0] == pytest.approx(-1 + 5 + 1 + 10)


@pytest.mark.parametrize(("speed", "has_come"), [(0.9, False), (0.905, True), (1.095, True), (1.1, False)])
def test_a_hundredth_away_is_not_there_and_passing_is_not_arriving(speed: float, has_come: bool) -> None:
    # 2.4 + 0.09 is a hundredth before the target, 2.4 + 0.11 one behind it: neither is nearer than that.
    after, _, _ = play(traffic((2.4, speed), (1.0, 0.0)), COAST, COAST)
    assert SAFE.view(after).success.tolist() == [False]
    assert (play(after, FULL, COAST)[0].position[0, 0] == 2.5) == has_come


def test_where_cars_have_passed_they_can_come_back() -> None:
    after, _, has_ended = play(traffic((2.55, -0.5), (2.5, 0.0)), COAST, COAST)
    assert after.position[0, 0] == pytest.approx(2.5)
    assert has_ended


@pytest.mark.parametrize(
    ("crash", "speed", "probability"), [(0.4, 1.8, 0.32), (1.0, 1.5, 0.5), (0.4, -1.5, 0.2), (1.0, -3.0, 1.0)]
)
def test_a_car_above_the_limit_crashes_as_often_as_it_should(crash: float, speed: float, probability: float) -> None:
    copies = 8000
    state = traffic((0.0, speed), (5.0, 0.0), copies=copies)
    _, reward, _ = play(state, COAST, COAST, game=CarFollowing(crash=crash))
    without = -1 - abs(speed * 0.1 - 2.5) - 2.5
    has_crashed = np.isclose(reward, without - 1)
    assert np.isclose(reward[~has_crashed], without).all()
    # Four standard deviations of the share; a certain event has none.
    assert abs(has_crashed.mean() - probability) <= 4 * np.sqrt(probability * (1 - probability) / copies)


def test_cars_crash_each_on_its_own() -> None:
    copies = 8000
    _, reward, _ = play(traffic((0.0, 1.5), (5.0, -1.5), copies=copies), COAST, COAST, game=CarFollowing(crash=1.0))
    crashes = np.rint(-1 - 2.35 - 2.35 - reward).astype(int)
    shares = np.bincount(crashes, minlength=3) / copies
    expected = np.asarray([0.25, 0.5, 0.25])
    assert (np.abs(shares - expected) < 4 * np.sqrt(expected * (1 - expected) / copies)).all()


@pytest.mark.parametrize("speed", [1.0, -1.0, 0.3, 0.0])
def test_nobody_crashes_within_the_limit(speed: float) -> None:
    _, reward, _ = play(traffic((0.0, speed), (5.0, 0.0), copies=1000), COAST, COAST, game=CarFollowing(crash=1.0))
    assert np.ptp(reward) == 0


def test_what_is_certain_happens_and_what_is_impossible_does_not() -> None:
    raw = np.asarray([-(2**63), -1, 0, 1, 2**63 - 1])
    assert happens(raw, np.ones(5)).all()
    assert not happens(raw, np.zeros(5)).any()


def test_a_car_sees_itself_and_those_within_three_tenths() -> None:
    view = CarFollowing(agents=3).view(traffic((1.0, 0.5), (1.3, 0.25), (2.0, -1.0)))
    assert view.obs.dtype == np.float32
    assert view.obs[0] == pytest.approx(
        np.asarray([[1.0, 0.5, 1.3, 0.25, 0, 0], [1.0, 0.5, 1.3, 0.25, 0, 0], [0, 0, 0, 0, 2.0, -1.0]])
    )
    assert view.state[0] == pytest.approx([1.0, 0.5, 1.3, 0.25, 2.0, -1.0])
    assert view.avail_actions.all()


@pytest.mark.parametrize("action", [BRAKE, FULL])
def test_nobody_leaves_the_bounds_and_the_clock_ends_it(action: int) -> None:
    envs = make_vector_env("didactic:car-following", 1)
    envs.reset([0])
    steps = 0
    while True:
        steps += 1
        step = envs.step(np.full((1, 2), action))
        assert np.abs(step.state).max() < BOUND
        if step.has_ended.any():
            break
    assert (steps, step.terminated[0], step.truncated[0], step.success[0]) == (200, False, True, False)
    # Backwards: -200^2 / 200. Forwards: 18 steps to the top speed, 1.62 long, and 182 at it.
    assert step.state[0, 0] == pytest.approx(-200 if action == BRAKE else 1.62 + 182 * 0.18, rel=1e-6)


def test_motion_takes_any_shape_and_changes_nothing_it_was_given() -> None:
    position, speed = np.zeros((2, 3, 4)), np.full((2, 3, 4), 1.79)
    after, faster = driven(position, speed, np.ones((2, 3, 4)))
    assert after.shape == faster.shape == (2, 3, 4)
    assert (position == 0).all()
    assert (speed == 1.79).all()


def test_a_thousand_steps_repeat_exactly() -> None:
    def seen() -> list[np.ndarray]:
        envs, rng = make_vector_env("didactic:car-following?crash=1&agents=9", 2), np.random.default_rng(3)
        parts = []
        for episode in range(5):
            step = envs.reset([episode, episode + 100])
            for _ in range(200):
                step = envs.step(rng.integers(8, 21, size=(2, 9)))
                parts += [step.obs, step.state, step.reward]
        return parts

    assert all(np.array_equal(left, right) for left, right in zip(seen(), seen(), strict=True))


def test_training_goes_through(tmp_path: Path) -> None:
    overrides = ("training.batch_size=2", "training.buffer_episodes=4", "training.evaluation_episodes=2")
    env = "didactic:car-following?agents=3"
    config = resolve(algo="qmix", env=env, seed=0, steps=400, num_envs=2, device="cpu", overrides=overrides)
    run = train(config, tmp_path / "run", reporter=SilentReporter())
    assert run.checkpoint_step >= 400
    evaluated = run.evaluate(episodes=2, seed=1)
    assert np.isfinite(evaluated.returns).all()
    assert (evaluated.lengths <= 200).all()
