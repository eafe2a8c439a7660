"""Predicted return distributions beside the returns that come."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

import rmix_kit
from macn import oracle
from rmix_kit.algorithms.ddn import DDN
from rmix_kit.algorithms.dmix import DMIX
from rmix_kit.algorithms.riskq import RiskQ
from rmix_kit.algorithms.rmix_averse import RMIXAverse
from rmix_kit.cli.main import main
from rmix_kit.errors import ConfigError, EnvironmentContractError
from rmix_kit.losses import quantile_fractions
from rmix_kit.risk import quantile_edges
from rmix_kit.training.calibration import Calibration
from rmix_kit.training.forecast_scores import distance_from_uniform, edges_of, pinball_loss, pit
from rmix_kit.training.run import Run
from rmix_kit.training.trainer import train
from tests.algorithms.cases import small
from tests.training.runs import Notes, tiny

FRACTIONS = (np.arange(20) + 0.5) / 20


def test_the_pinball_loss_by_hand() -> None:
    # Forecast 0 and 10 at fractions 0.25 and 0.75; what came is 4: 0.25 * 4 and (1 - 0.75) * 6.
    found = pinball_loss(np.array([[0.0, 10.0]]), np.array([4.0]), np.array([0.25, 0.75]))
    assert found == pytest.approx((1.0 + 1.5) / 2)


def test_quantiles_count_as_the_shares_that_they_stand_for() -> None:
    """Half of them in the lowest tenth: shares 0.05, 0.05, 0.45, 0.45."""
    fractions = quantile_fractions(quantile_edges(4, 0.1)).double().numpy()
    assert edges_of(fractions) == pytest.approx([0.0, 0.05, 0.1, 0.55, 1.0], abs=1e-6)
    found = pinball_loss(np.array([-8.0, 0.0, 0.0, 4.0]), np.array([1.0]), fractions)
    by_hand = 0.05 * 0.025 * 9 + 0.05 * 0.075 * 1 + 0.45 * 0.325 * 1 + 0.45 * (1 - 0.775) * 3
    assert found == pytest.approx(by_hand, abs=1e-6)


@pytest.mark.parametrize("kind", [RMIXAverse, RiskQ])
def test_the_bias_of_a_forecast_with_a_fine_tail_is_that_of_its_mean(
    kind: type[RMIXAverse | RiskQ], tmp_path: Path
) -> None:
    algorithm = small(kind, tail_level=0.1, n_quantiles=4)
    train(tiny(steps=200, algorithm=algorithm, preset=kind.name), tmp_path / "run", reporter=Notes())
    run = rmix_kit.load(tmp_path / "run")
    if isinstance(run.config.algorithm, RiskQ):
        run.networks.mixer.scale[-1].weight.zero_()
        run.networks.mixer.scale[-1].bias.fill_(1.0)  # the weights of a step add up to 1
        for parameter in run.networks.mixer.shift.parameters():
            parameter.zero_()
    certain = with_constant_quantiles(run, np.zeros(4)).calibration(episodes=40, risk_level=1.0)
    unequal = np.array([-40.0, -20.0, 0.0, 2.0])
    found = with_constant_quantiles(run, unequal).calibration(episodes=40, risk_level=1.0)
    mean = 0.05 * -40 + 0.05 * -20 + 0.45 * 2
    assert found.bias - certain.bias == pytest.approx(mean, abs=1e-3)
    spread = np.sqrt(0.05 * (40 + mean) ** 2 + 0.05 * (20 + mean) ** 2 + 0.45 * mean**2 + 0.45 * (2 - mean) ** 2)
    assert found.spread == pytest.approx(spread, abs=1e-3)


def pit_of(forecasts: np.ndarray, came: np.ndarray) -> np.ndarray:
    return pit(forecasts, came, FRACTIONS, np.random.default_rng(0))


def test_forecasts_that_are_right_give_an_even_histogram() -> None:
    rng = np.random.default_rng(1)
    centre = rng.normal(size=20_000) * 5
    quantiles = centre[:, None] + np.quantile(rng.normal(size=200_000), FRACTIONS)
    shares = pit_of(quantiles, centre + rng.normal(size=20_000))
    assert distance_from_uniform(shares) < 0.03


@pytest.mark.parametrize("wrong", ["too high", "too narrow"])
def test_forecasts_that_are_wrong_do_not(wrong: str) -> None:
    rng = np.random.default_rng(1)
    unit = np.quantile(rng.normal(size=200_000), FRACTIONS)
    came = rng.normal(size=20_000)
    shares = pit_of(np.tile(unit + 2 if wrong == "too high" else unit / 4, (20_000, 1)), came)
    assert distance_from_uniform(shares) > 0.25


def test_certain_returns_that_were_predicted_are_spread_evenly() -> None:
    came = np.repeat([-12.0, -3.0], 5000)
    shares = pit_of(came[:, None] + np.linspace(-0.01, 0.01, 20), came)
    assert distance_from_uniform(shares) < 0.03


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("calibration") / "run"
    train(tiny(steps=300), folder, reporter=Notes())
    return folder


def with_constant_quantiles(run: Run, quantiles: np.ndarray) -> Run:
    """Every action's distribution is the same everywhere; in reward units."""
    head = run.networks.agent.head
    assert isinstance(head, torch.nn.Linear)
    head.weight.zero_()
    scaled = torch.from_numpy(quantiles * run.reward_scale).float()
    head.bias.copy_(scaled.repeat(run.env_spec.n_actions))
    return run


def test_a_constant_forecast_of_the_returns_own_quantiles_has_no_skill_and_no_bias(trained: Path) -> None:
    run = rmix_kit.load(trained)
    first = with_constant_quantiles(run, np.zeros(4)).calibration(episodes=40)
    came = _all_returns(run)
    again = with_constant_quantiles(run, np.quantile(came, first.fractions)).calibration(episodes=40)
    assert again.pinball == pytest.approx(again.pinball_constant, rel=1e-5)
    assert again.skill == pytest.approx(0.0, abs=1e-4)
    assert first.pinball > again.pinball
    assert first.bias == pytest.approx(-came.mean(), rel=1e-5)
    assert first.spread == pytest.approx(0.0, abs=1e-5)


def _all_returns(run: Run) -> np.ndarray:
    """Discounted returns to go of every step and agent, from the rewards of the same episodes, one after the other."""
    from rmix_kit.collect import Collector
    from rmix_kit.envs.make import make_vector_env
    from rmix_kit.policy import team_policy
    from rmix_kit.seeding import episode_seed

    found = []
    envs = make_vector_env(run.config.env, 1)
    collector = Collector(envs, team_policy(run.networks.agent, envs.spec, torch.device("cpu")))
    for number in range(40):
        played = collector.collect(
            [episode_seed(0, "test", number)], epsilon=0.0, rng=np.random.default_rng(0), is_greedy=True
        ).block
        if played.terminated[0]:
            rewards = played.reward[0, : played.length[0]].astype(np.float64)
            for start in range(len(rewards)):
                value = sum(run.config.algorithm.gamma**k * reward for k, reward in enumerate(rewards[start:]))
                found += [value] * run.env_spec.n_agents
    return np.array(found)


def test_the_same_episodes_as_evaluate_and_the_undiscounted_returns(trained: Path) -> None:
    run = rmix_kit.load(trained)
    found, played = run.calibration(episodes=40), run.evaluate(episodes=40)
    assert found.episodes + found.cut_episodes == 40
    before_the_limit = played.lengths < run.env_spec.episode_limit
    ended = Counter(np.round(played.returns[before_the_limit], 3).tolist())
    assert ended
    assert ended <= Counter(np.round(found.returns, 3).tolist())
    assert found.pit.sum() == pytest.approx(1.0)


def test_the_record_is_plain_and_knows_its_skill(trained: Path) -> None:
    found = rmix_kit.load(trained).calibration(episodes=40)
    record = json.loads(json.dumps(found.to_json()))
    assert record["skill"] == found.skill
    assert set(record) == {*Calibration.__dataclass_fields__, "skill"}


@pytest.mark.parametrize("kind", [DMIX, DDN])
def test_of_dmix_and_ddn_the_joint_distribution_is_compared_once_a_step(kind: type[DMIX], tmp_path: Path) -> None:
    train(tiny(steps=200, algorithm=small(kind), preset=kind.name), tmp_path / "run", reporter=Notes())
    run = rmix_kit.load(tmp_path / "run")
    agent = run.networks.agent
    for layer in (agent.head.weight, agent.head.bias):
        layer.zero_()
    agent.head.bias += 3.0 * run.reward_scale  # every agent is certain of 3, whatever it does
    found = run.calibration(episodes=40)
    expected = 6.0 if kind is DDN else found.first_quantiles[0]  # DDN: the sum of two agents
    assert found.first_quantiles == pytest.approx(np.full(len(found.fractions), expected), abs=1e-4)
    assert found.spread == pytest.approx(0.0, abs=1e-4)


def test_algorithms_without_distributions_are_refused(tmp_path: Path) -> None:
    from rmix_kit.algorithms.vdn import VDN

    train(tiny(steps=60, algorithm=small(VDN), preset="vdn"), tmp_path / "run", reporter=Notes())
    with pytest.raises(ConfigError, match="vdn predicts no return distribution"):
        rmix_kit.load(tmp_path / "run").calibration(episodes=2)


def test_episodes_that_all_end_by_the_clock_are_refused(tmp_path: Path) -> None:
    env = "macn:4x7?max_steps=3"
    train(tiny(steps=60, env=env), tmp_path / "run", reporter=Notes())
    run = rmix_kit.load(tmp_path / "run")
    head = run.networks.agent.head
    head.weight.zero_()
    head.bias.copy_(torch.arange(4.0).flip(0).repeat_interleave(4))  # always the first action, towards the wall
    with pytest.raises(EnvironmentContractError, match="the clock ended all 4 episodes"):
        run.calibration(episodes=4)


def test_the_command_writes_record_and_figure(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "forecasts"
    command = ["evaluate", str(trained), "--episodes", "40", "--calibration", str(out), "--json"]
    result = CliRunner().invoke(main, command)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {"calibration.json", "calibration.png", "calibration.svg"}
    assert json.loads(result.stdout)["episodes"] <= 40
    refused = CliRunner().invoke(main, ["evaluate", str(trained), "--calibration", str(out), "--table"])
    assert refused.exit_code == 2
    assert "--calibration compares at one level" in refused.output


def test_the_oracles_own_distribution_is_drawn_beside_it(trained: Path) -> None:
    from rmix_kit.cli.calibration import draw

    run = rmix_kit.load(trained)
    figure = draw(run.calibration(episodes=40, risk_level=0.5))
    labels = [
        text.get_text()
        for axes in figure.axes
        for legend in [axes.get_legend()]
        if legend
        for text in legend.get_texts()
    ]
    assert "exact at level 0.5" in labels
    exact = oracle.solve("4x7", slip=0.1, max_steps=20, risk_level=0.5).evaluation
    (line,) = (line for axes in figure.axes for line in axes.lines if line.get_label() == "exact at level 0.5")
    assert line.get_xdata()[1:].tolist() == exact.returns[exact.probabilities > 1e-5].tolist()
