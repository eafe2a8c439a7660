from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
import torch

from rmix_kit.algorithms.dop import DOP
from rmix_kit.losses.policy_gradient import expected_values
from rmix_kit.mixers.dop import LinearMixer
from rmix_kit.networks.unroll import take
from rmix_kit.testing.episodes import random_batch
from rmix_kit.types import Progress
from tests.algorithms.cases import SPEC, build, small


def make_mixer(*, is_normalised: bool) -> LinearMixer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return LinearMixer(2, 4, hypernet_size=8, is_normalised=is_normalised).double()


@pytest.mark.parametrize("is_normalised", [False, True])
def test_the_expected_joint_value_is_the_mixture_of_the_agents_expectations(is_normalised: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    mixer = make_mixer(is_normalised=is_normalised)
    state = torch.randn(4, generator=generator, dtype=torch.float64)
    values = torch.randn(2, 3, generator=generator, dtype=torch.float64)  # [agent, action]
    policies = torch.rand(2, 3, generator=generator, dtype=torch.float64).softmax(-1)
    joint = torch.zeros((), dtype=torch.float64)
    for pair in product(range(3), repeat=2):
        actions = torch.tensor(pair)
        joint = joint + take(policies, actions).prod() * mixer(take(values, actions), state)
    torch.testing.assert_close(mixer(expected_values(values, policies), state), joint, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("is_normalised", [False, True])
def test_no_agent_counts_against_the_team(is_normalised: bool) -> None:
    states = torch.randn(200, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weights = make_mixer(is_normalised=is_normalised).weights(states)
    assert (weights >= 0).all()
    if is_normalised:
        torch.testing.assert_close(weights.sum(-1), torch.ones(200, dtype=torch.float64))


def test_the_mixture_has_a_bias() -> None:
    mixer, states = make_mixer(is_normalised=True), torch.randn(5, 4, dtype=torch.float64)
    assert (mixer(torch.zeros(5, 2, dtype=torch.float64), states) != 0).all()


def test_an_agents_advantage_is_its_own_times_what_it_counts() -> None:
    algorithm = small(DOP)
    assert isinstance(algorithm, DOP)
    online, _ = build(algorithm)
    batch = random_batch(SPEC, [4, 2], 0)
    policy = algorithm.policy(online, batch).detach()[:, :-1]
    critic, mixer = online.critic, online.mixer
    values = critic.unroll(critic.inputs(batch, policy), batch)[:, :-1]
    state = batch.state[:, :-1]
    found = algorithm.advantages(online, values, batch, policy)
    # What the joint value gains over the agent's own expectation, the other agent's action being given.
    taken = take(values, batch.actions)
    for agent in range(2):
        averaged = taken.clone()
        averaged[..., agent] = expected_values(values, policy)[..., agent]
        gain = mixer(taken, state) - mixer(averaged, state)
        torch.testing.assert_close(found[..., agent], gain, rtol=1e-4, atol=1e-6)


def test_only_the_newest_episodes_move_the_actor() -> None:
    algorithm = small(DOP)
    assert isinstance(algorithm, DOP)
    online, target = build(algorithm)
    batch = random_batch(SPEC, [4, 4, 3], 0)
    judged = algorithm.prepare(online, target, batch)
    before = algorithm.actor_loss(online, batch, judged, Progress()).groups["actor"]
    other = torch.where(batch.is_newest[:, None, None], batch.actions, (batch.actions + 1) % 3)
    after = algorithm.actor_loss(online, replace(batch, actions=other), judged, Progress()).groups["actor"]
    torch.testing.assert_close(after, before)


def test_new_and_old_episodes_have_different_targets() -> None:
    algorithm = small(DOP)
    assert isinstance(algorithm, DOP)
    online, target = build(algorithm)
    batch = random_batch(SPEC, [4, 4, 3], 0)
    targets = [
        algorithm.prepare(online, target, replace(batch, is_newest=torch.full((3,), is_newest))).targets
        for is_newest in (True, False)
    ]
    mixed = algorithm.prepare(online, target, batch).targets
    assert not torch.allclose(targets[0], targets[1])
    torch.testing.assert_close(mixed[batch.is_newest], targets[0][batch.is_newest])
    torch.testing.assert_close(mixed[~batch.is_newest], targets[1][~batch.is_newest])


def test_one_step_targets_are_rewards_and_the_target_networks_values() -> None:
    algorithm = small(DOP, td_lambda=0.0, tree_steps=1, has_bounded_targets=False)
    assert isinstance(algorithm, DOP)
    online, target = build(algorithm)
    batch = random_batch(SPEC, [3, 2], 0)  # the first is terminated, the second cut by the clock
    policy = algorithm.policy(online, batch).detach()
    critic, mixer = target.critic, target.mixer
    values = critic.unroll(critic.inputs(batch, policy), batch)
    expected = mixer(expected_values(values, policy), batch.state)  # E_pi Q_tot^-
    taken = mixer(take(values[:, :-1], batch.actions), batch.state[:, :-1])
    old, new = (
        algorithm.prepare(online, target, replace(batch, is_newest=torch.full((2,), is_newest))).targets
        for is_newest in (False, True)
    )
    torch.testing.assert_close(old[0], batch.reward[0] + 0.99 * torch.stack([*expected[0, 1:3], torch.tensor(0.0)]))
    torch.testing.assert_close(old[1, :2], batch.reward[1, :2] + 0.99 * expected[1, 1:3])
    torch.testing.assert_close(new[0, :2], batch.reward[0, :2] + 0.99 * taken[0, 1:3])
    torch.testing.assert_close(new[1, 0], batch.reward[1, 0] + 0.99 * taken[1, 1])
    torch.testing.assert_close(new[1, 1], batch.reward[1, 1] + 0.99 * expected[1, 2])
