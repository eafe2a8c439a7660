from __future__ import annotations

import numpy as np
import pytest

import macn
from macn import oracle
from macn.errors import ParameterError, ProblemTooLargeError
from macn.joint import KIND_FELL, joint_game, mix_slips
from macn.settings import make_settings

WALLED_BRIDGE = ".....\n.###.\n.###.\nS#..G\n##C##"  # the bridge, its short way closed


@pytest.mark.parametrize(("layout", "optimum"), [("4x7", -7), ("4x11", -11), ("4x12", -12), ("4x15", -15)])
def test_the_optimum_without_slip_is_known(layout: str, optimum: float) -> None:
    solution = oracle.solve(layout)
    assert solution.optimal_return == optimum
    assert solution.success_probability == 1.0
    assert solution.fall_probability == 0.0
    assert solution.evaluation.returns.tolist() == [optimum]


def test_the_bridge_with_slip_has_its_known_optimum() -> None:
    solution = oracle.solve("bridge", slip=0.1)
    assert solution.optimal_return == pytest.approx(-8.66, abs=0.005)
    assert solution.fall_probability == pytest.approx(0.052, abs=0.0005)


def test_the_long_way_of_the_bridge_costs_ten_and_never_falls() -> None:
    solution = oracle.solve(WALLED_BRIDGE, slip=0.1)
    assert solution.optimal_return == pytest.approx(-10.08, abs=0.005)
    assert solution.fall_probability < 1e-6


def test_a_risk_averse_team_takes_the_long_way_over_the_bridge() -> None:
    averse = oracle.solve("bridge", slip=0.1, risk_level=0.1)
    neutral = oracle.solve("bridge", slip=0.1)
    assert averse.fall_probability < 1e-4
    assert averse.success_probability > 0.999
    assert averse.cvar(0.1) > neutral.cvar(0.1) + 40
    assert averse.optimal_return < neutral.optimal_return


def test_detours_has_three_ways_each_exact_for_some_level() -> None:
    """Past two cliffs, one and none: 4, 8 and 16 steps, a little more where the ground slips."""
    found = {level: oracle.solve("detours", slip=0.05, risk_level=level).evaluation for level in (0.2, 0.45, 0.8)}
    lengths = [found[level].episode_length_mean for level in (0.2, 0.45, 0.8)]
    assert lengths == pytest.approx([17.45, 8.7, 4.34], abs=0.1)
    assert [found[level].fall_probability for level in found] == pytest.approx([0.0, 0.026, 0.0503], abs=0.001)
    assert found[0.8].return_mean == pytest.approx(-8.186, abs=0.001)


def test_4x12_with_slip_falls_nearly_as_often_as_it_must() -> None:
    assert oracle.solve("4x12", slip=0.1).fall_probability == pytest.approx(0.068, abs=0.0005)
    assert least_fall_probability("4x12") == pytest.approx(0.055, abs=0.0005)


def least_fall_probability(layout: str) -> float:
    """The lowest probability of a fall within 50 steps that any joint policy can have at slip 0.1."""
    game = joint_game(make_settings(layout, slip=0.1))
    falls = np.zeros(game.n_states + 1)
    for _ in range(50):
        executed = (KIND_FELL[:, None] + falls).reshape(-1)[game.entry]
        falls[:-1] = mix_slips(executed[..., None], game.settings)[..., 0].min(axis=1)
    return float(falls[game.start])


def test_level_one_of_the_cvar_is_the_mean_and_it_rises_with_the_level() -> None:
    evaluation = oracle.solve("bridge", slip=0.1).evaluation
    assert evaluation.cvar(1.0) == pytest.approx(evaluation.return_mean)
    assert evaluation.probabilities.sum() == pytest.approx(1.0)
    levels = [evaluation.cvar(level) for level in (0.01, 0.1, 0.25, 0.5, 1.0)]
    assert levels == sorted(levels)


def test_cvar_of_two_outcomes_worked_by_hand() -> None:
    evaluation = oracle.Evaluation(
        returns=np.asarray([-100.0, -10.0]),
        probabilities=np.asarray([0.05, 0.95]),
        return_mean=-14.5,
        fall_probability=0.05,
        success_probability=0.95,
        episode_length_mean=10.0,
    )
    assert evaluation.cvar(0.05) == pytest.approx(-100.0)
    assert evaluation.cvar(0.1) == pytest.approx(-55.0)
    assert evaluation.return_std == pytest.approx(90 * np.sqrt(0.05 * 0.95))


def test_the_exact_distribution_agrees_with_played_episodes() -> None:
    settings = {"layout": "bridge", "slip": 0.1}
    solution = oracle.solve(**settings)
    env = macn.vector_env(4000, autoreset_mode="Disabled", **settings)
    env.reset(seed=0)
    total, rows, columns = np.zeros(4000), 5, 5
    for time in range(50):
        state = env.state()
        cells = np.rint(state[:, [0, 3]] * (rows - 1)) * columns + np.rint(state[:, [1, 4]] * (columns - 1))
        cells[env.tables.is_cliff[cells.astype(int)].any(axis=1)] = env.tables.start_cells
        _, reward, _, _, infos = env.step(solution.policy(time, cells.astype(np.int64)))
        total += reward
    # Five standard errors of 4,000 episodes.
    assert abs(total.mean() - solution.optimal_return) < 5 * solution.evaluation.return_std / np.sqrt(4000)
    assert abs(infos["success"].mean() - solution.success_probability) < 5 * np.sqrt(0.052 * 0.948 / 4000)


def test_a_policy_that_stands_still_is_evaluated_exactly() -> None:
    evaluation = oracle.evaluate(lambda time, cells: np.full_like(cells, 2), "4x12")
    assert evaluation.return_mean == -50.0
    assert evaluation.episode_length_mean == 50.0
    assert evaluation.success_probability == evaluation.fall_probability == 0.0


def test_evaluating_the_solution_gives_the_solution() -> None:
    solution = oracle.solve("4x7", slip=0.2)
    again = oracle.evaluate(solution.policy, "4x7", slip=0.2)
    assert again.return_mean == pytest.approx(solution.optimal_return, abs=1e-9)
    np.testing.assert_allclose(again.probabilities, solution.evaluation.probabilities)


def test_one_and_three_agents_are_solved() -> None:
    assert oracle.solve("4x7", n_agents=1).optimal_return == -7.0
    assert oracle.solve("S.\nCG", n_agents=3).optimal_return == -1.0


def test_a_random_policy_is_never_better_than_the_optimum() -> None:
    rng = np.random.default_rng(0)
    best = oracle.solve("4x7", slip=0.1).optimal_return
    for _ in range(5):
        evaluation = oracle.evaluate(lambda time, cells: rng.integers(0, 4, cells.shape), "4x7", slip=0.1)
        assert evaluation.return_mean <= best


def test_too_large_a_problem_is_refused_with_the_number() -> None:
    with pytest.raises(ProblemTooLargeError, match="533,794,816 joint state-actions"):
        oracle.solve("4x12", n_agents=4)


@pytest.mark.parametrize("level", [0.0, -1.0, 1.1, float("nan")])
def test_a_bad_risk_level_is_refused(level: float) -> None:
    with pytest.raises(ParameterError, match="risk_level is"):
        oracle.solve("4x7", risk_level=level)


def test_a_policy_with_bad_actions_is_refused() -> None:
    with pytest.raises(ParameterError, match="the policy gave actions"):
        oracle.evaluate(lambda time, cells: cells[:, :1], "4x7")


EDGE = "C.\nSG"  # up is the cliff, right the goal, left and down hold


@pytest.mark.parametrize("level", [0.01, 0.025])
def test_equal_cvars_are_decided_by_the_better_mean(level: float) -> None:
    # One step, slip 0.1: every action falls with probability 0.025 at least, so that all CVaRs are -100. Up falls with
    # 0.925; left and down hold; right reaches the goal with 0.925, falls with 0.025 and stays with 0.05.
    solution = oracle.solve(EDGE, n_agents=1, slip=0.1, max_steps=1, risk_level=level)
    assert solution.policy(0, np.asarray([[2]])).tolist() == [[3]]
    assert solution.cvar(level) == pytest.approx(-100.0)
    assert solution.optimal_return == pytest.approx(-0.025 * 100 - 0.05)
    assert solution.fall_probability == pytest.approx(0.025)


@pytest.mark.parametrize("level", [1.0, 0.5])
def test_of_equally_good_actions_the_first_is_taken(level: float) -> None:
    # Down then right is worth as much as right then down: -1. Down comes first.
    solution = oracle.solve("S.\n.G", n_agents=1, max_steps=2, risk_level=level)
    assert solution.policy(0, np.asarray([[0]])).tolist() == [[1]]
    assert solution.optimal_return == -1.0


@pytest.mark.parametrize("action", [-1, 4])
def test_a_policy_with_an_action_out_of_range_is_refused(action: int) -> None:
    with pytest.raises(ParameterError, match=r"whole numbers 0\.\.3"):
        oracle.evaluate(lambda time, cells: np.full_like(cells, action), "4x7")
