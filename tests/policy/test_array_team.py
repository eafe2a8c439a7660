"""The team policy on NumPy arrays beside torch's, for the whole roster."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.algorithms.algorithm import Algorithm
from rmix_kit.algorithms.lh_iqn import LHIQN
from rmix_kit.algorithms.qmix import QMIX
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.networks.agent import AgentNetwork
from rmix_kit.networks.carry import Carry
from rmix_kit.networks.implicit_quantile import ImplicitQuantileAgent
from rmix_kit.networks.quantile import QuantileAgent
from rmix_kit.networks.value import ValueAgent
from rmix_kit.policy import ArrayTeamPolicy, TeamChoice, TeamPolicy, team_policy
from rmix_kit.testing.episodes import CPU, allowed_actions, float_spec, make_spec, random_mask, random_obs
from rmix_kit.types import BoolArray, EnvSpec, FloatArray
from tests.algorithms.cases import CASES, PROGRESS, batch_for, build, make_learner, small

STEPS, COPIES = 40, 5
ROUNDING = 1e-5
"""float32: sums are taken in another order, sigmoid is half a tanh and the predictor's products are folded. Measured
over 40 recurrent steps, with weights twice as large as at the start: at most 3e-7."""
SPECS = {
    "int8": make_spec(),
    "float32": float_spec(),
    "wide": make_spec(n_agents=3, n_actions=6, obs_values=40),  # too many values for one-hot: scaled
    "alone": make_spec(n_agents=1),
}
Played = list[tuple[TeamChoice, Carry]]


def loud_agent(algorithm: Algorithm, spec: EnvSpec) -> AgentNetwork:
    """Return an agent with larger weights, so that actions and levels change over an episode."""
    agent = build(algorithm, spec=spec)[0].agent
    with torch.no_grad():
        for parameter in agent.parameters():
            parameter.mul_(2.0)
    for name, values in {"offset": 0.25, "factor": 1.5}.items():
        if agent.inputs.normalised:  # statistics, as if something had been collected
            getattr(agent.inputs, name)[-1] = values
    return agent


def levels_of(kind: str, copies: int = COPIES) -> FloatArray:
    own = np.zeros(copies, dtype=np.float32)
    return {"own": own, "fixed": own + np.float32(0.35), "mixed": np.where(np.arange(copies) % 2, own, 0.35)}[
        kind
    ].astype(np.float32)


def steps_of(spec: EnvSpec, copies: int = COPIES, steps: int = STEPS) -> list[tuple[np.ndarray, BoolArray, np.ndarray]]:
    """Draw observations, masks and executed actions."""
    rng, drawn = np.random.default_rng(0), []
    for _ in range(steps):
        mask = random_mask((copies, spec.n_agents, spec.n_actions), rng)
        drawn.append((random_obs(spec, (copies, spec.n_agents), rng), mask, allowed_actions(mask, rng)))
    return drawn


def play(team: TeamPolicy, spec: EnvSpec, levels: FloatArray, copies: int = COPIES) -> Played:
    """Act in the first copies of the same steps."""
    carry, played = team.initial_carry(copies), []
    for obs, mask, executed in steps_of(spec):
        choice, carry = team.act(obs[:copies], mask[:copies], levels[:copies], carry)
        carry = team.executed(carry, executed[:copies])
        played.append((choice, carry))
    return played


@pytest.mark.parametrize("levels", ["own", "mixed"])
@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
@pytest.mark.parametrize("algorithm", CASES.values(), ids=CASES)
def test_it_acts_as_torch_does(algorithm: Algorithm, spec: EnvSpec, levels: str) -> None:
    agent, level = loud_agent(algorithm, spec), levels_of(levels)
    arrays = agent.array_agent()
    team = TeamPolicy(agent, spec, CPU)
    assert arrays is not None
    carry = array_carry = team.initial_carry(COPIES)
    n_clear = n_rows = 0
    for obs, mask, executed in steps_of(spec):
        with torch.inference_mode():
            rows, ids = torch.from_numpy(obs).flatten(0, 1), torch.eye(spec.n_agents).repeat(COPIES, 1)
            step = agent.step(rows, ids, torch.from_numpy(level.repeat(spec.n_agents)), carry)
        array_step = arrays.step(obs, mask, level, array_carry)
        is_allowed = mask.reshape(-1, spec.n_actions)
        values, array_values = step.action_values.numpy(), array_step.action_values
        np.testing.assert_allclose(array_values[is_allowed], values[is_allowed], rtol=0, atol=ROUNDING)
        np.testing.assert_allclose(array_step.risk_level, step.risk_level.numpy(), rtol=0, atol=ROUNDING)
        ranked = np.sort(np.where(is_allowed, values, -np.inf), axis=-1)
        is_clear = ~(ranked[:, -1] - ranked[:, -2] < 2 * ROUNDING)  # a tie, but for rounding, may fall either way
        best, array_best = (np.where(is_allowed, found, -np.inf).argmax(-1) for found in (values, array_values))
        np.testing.assert_array_equal(array_best[is_clear], best[is_clear])
        n_clear, n_rows = n_clear + int(is_clear.sum()), n_rows + len(is_clear)
        assert array_step.carry.keys() == step.carry.keys()
        for name, tensor in step.carry.items():
            np.testing.assert_allclose(array_step.carry[name].numpy(), tensor.numpy(), rtol=0, atol=ROUNDING)
        carry, array_carry = team.executed(step.carry, executed), team.executed(array_step.carry, executed)
    assert n_clear > 0.99 * n_rows


@pytest.mark.parametrize("algorithm", CASES.values(), ids=CASES)
def test_choices_are_torchs(algorithm: Algorithm) -> None:
    spec, level = SPECS["float32"], levels_of("fixed")
    agent = loud_agent(algorithm, spec)
    team = team_policy(agent, spec, CPU)
    assert isinstance(team, ArrayTeamPolicy)
    for (found, _), (expected, _) in zip(
        play(team, spec, level), play(TeamPolicy(agent, spec, CPU), spec, level), strict=True
    ):
        np.testing.assert_array_equal(found.actions, expected.actions)
        assert found.actions.dtype == np.int64
        np.testing.assert_allclose(found.risk_level, expected.risk_level, rtol=0, atol=ROUNDING)
        assert (found.probabilities is None) == (expected.probabilities is None)
        if found.probabilities is not None and expected.probabilities is not None:
            np.testing.assert_allclose(found.probabilities, expected.probabilities, rtol=0, atol=ROUNDING)
            assert found.probabilities.dtype == np.float32


@pytest.mark.parametrize("algorithm", CASES.values(), ids=CASES)
def test_a_policy_made_before_training_acts_by_the_newest_weights(algorithm: Algorithm) -> None:
    learner, level = make_learner(algorithm), levels_of("own")
    agent, spec = learner.online.agent, learner.spec
    team = team_policy(agent, spec, CPU)
    before = play(team, spec, level)
    for seed in range(3):
        learner.update(batch_for(algorithm, seed), PROGRESS, learning_rate_factor=20.0)
    after = play(team, spec, level)
    assert any((a["hidden_state"] != b["hidden_state"]).any() for (_, a), (_, b) in zip(before, after, strict=True))
    for (found, carry), (expected, expected_carry) in zip(
        after, play(TeamPolicy(agent, spec, CPU), spec, level), strict=True
    ):
        np.testing.assert_array_equal(found.actions, expected.actions)
        np.testing.assert_allclose(found.risk_level, expected.risk_level, rtol=0, atol=ROUNDING)
        for name, tensor in expected_carry.items():
            np.testing.assert_allclose(carry[name].numpy(), tensor.numpy(), rtol=0, atol=ROUNDING)


def test_what_is_folded_into_the_last_layer_is_the_newest() -> None:
    spec, level = make_spec(n_actions=6), levels_of("own")
    agent = loud_agent(small(LHIQN), spec)
    assert isinstance(agent, ImplicitQuantileAgent)
    team = team_policy(agent, spec, CPU)
    before = [choice.actions for choice, _ in play(team, spec, level)]
    with torch.no_grad():
        agent.tau_layer.bias.copy_(torch.tensor([4.0, -4.0]).repeat(4))
    after = [choice.actions for choice, _ in play(team, spec, level)]
    np.testing.assert_array_equal(
        after, [choice.actions for choice, _ in play(TeamPolicy(agent, spec, CPU), spec, level)]
    )
    assert not np.array_equal(after, before)


def test_it_codes_by_the_newest_statistics() -> None:
    spec = float_spec()
    agent = loud_agent(small(QMIX), spec)
    team = team_policy(agent, spec, CPU)
    agent.inputs.set_statistics(torch.tensor([2.0]), torch.tensor([0.5]))
    pairs = zip(
        play(team, spec, levels_of("own")), play(TeamPolicy(agent, spec, CPU), spec, levels_of("own")), strict=True
    )
    for (_, carry), (_, expected) in pairs:
        np.testing.assert_allclose(
            carry["hidden_state"].numpy(), expected["hidden_state"].numpy(), rtol=0, atol=ROUNDING
        )


@pytest.mark.parametrize("algorithm", [small(kind) for kind in ALGORITHMS], ids=lambda a: a.name)
def test_the_same_steps_give_the_same_bits(algorithm: Algorithm) -> None:
    spec = make_spec()
    team = team_policy(loud_agent(algorithm, spec), spec, CPU)
    assert bits(play(team, spec, levels_of("mixed"))) == bits(play(team, spec, levels_of("mixed")))


@pytest.mark.parametrize("algorithm", [kind() for kind in ALGORITHMS], ids=lambda a: a.name)
def test_bits_depend_on_the_number_of_copies_no_more_than_torchs(algorithm: Algorithm) -> None:
    spec, level = make_spec(n_actions=5), levels_of("mixed")
    agent = build(algorithm, spec=spec)[0].agent
    for copies in range(2, COPIES):
        array, plain = (
            bits(play(team, spec, level, copies)) == bits(play(team, spec, level), copies)
            for team in (team_policy(agent, spec, CPU), TeamPolicy(agent, spec, CPU))
        )
        assert array >= plain


def bits(played: Played, copies: int | None = None) -> list[bytes]:
    """All numbers of an episode in the first copies."""
    found = []
    for choice, carry in played:
        parts = [part for part in choice if part is not None]
        found += [part[:copies].tobytes() for part in parts]
        rows = None if copies is None else copies * choice.actions.shape[1]
        found += [carry[name].numpy()[:rows].tobytes() for name in sorted(carry)]
    return found


@pytest.mark.parametrize("kind", [QMIX, RMIX])
def test_what_finished_copies_show_is_no_warning(kind: type[Algorithm]) -> None:
    spec = float_spec()
    agent = loud_agent(small(kind), spec)
    team = team_policy(agent, spec, CPU)
    carry = team.initial_carry(3)
    mask = np.ones((3, spec.n_agents, spec.n_actions), dtype=np.bool_)
    mask[0] = False
    obs = random_obs(spec, (3, spec.n_agents), np.random.default_rng(0))
    for value in (np.inf, -np.inf, np.nan, 3e38):
        obs[0] = value
        choice, carry = team.act(obs, mask, levels_of("own", 3), carry)
        assert (choice.actions >= 0).all()
        carry = team.executed(carry, choice.actions)
    assert torch.isfinite(carry["hidden_state"][spec.n_agents :]).all()


def picture_spec() -> EnvSpec:
    """Return a spec whose observations are pictures of 8 x 8."""
    bounds = {"obs_low": (0.0,) * 192, "obs_high": (255.0,) * 192}
    return replace(make_spec(), obs_shape=(8, 8, 3), obs_dtype="uint8", **bounds)  # type: ignore[arg-type]


class OwnAgent(ValueAgent):
    """Someone's agent that acts otherwise, and does not say what would act in its place."""


def test_networks_that_nothing_stands_in_for_act_themselves() -> None:
    spec = make_spec()
    assert type(team_policy(OwnAgent(spec, hidden_size=4), spec, CPU)) is TeamPolicy
    pictures = picture_spec()
    for agent in (ValueAgent(pictures, hidden_size=4), RMIX().networks(pictures).agent):
        assert isinstance(agent, ValueAgent | QuantileAgent)
        assert type(team_policy(agent, pictures, CPU)) is TeamPolicy


def test_elsewhere_than_on_the_cpu_torch_acts() -> None:
    spec = make_spec()
    assert type(team_policy(ValueAgent(spec, hidden_size=4), spec, torch.device("meta"))) is TeamPolicy
