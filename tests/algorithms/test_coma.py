from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from rmix_kit.algorithms.actor_critic import ActorCritic
from rmix_kit.algorithms.coma import COMA
from rmix_kit.algorithms.dop import DOP
from rmix_kit.collect.exploration import explore
from rmix_kit.losses.policy_gradient import counterfactual_advantage, entropy_shortfall, expected_values
from rmix_kit.networks.unroll import take
from rmix_kit.networks.value import ValueAgent
from rmix_kit.policy import TeamPolicy
from rmix_kit.testing.episodes import CPU, random_batch
from rmix_kit.types import Progress
from tests.algorithms.cases import SPEC, build, make_learner, small

KINDS = [COMA, DOP]


def make(kind: type[ActorCritic], **changes: object) -> ActorCritic:
    algorithm = small(kind, **changes)
    assert isinstance(algorithm, ActorCritic)
    return algorithm


def test_an_agent_s_own_action_is_left_out_of_its_critic_s_inputs() -> None:
    online, _ = build(make(COMA))
    batch = random_batch(SPEC, [4, 2], 0)
    policy = make(COMA).policy(online, batch)
    inputs = online.critic.inputs(batch, policy)
    own = replace(batch, actions=torch.stack([(batch.actions[..., 0] + 1) % 3, batch.actions[..., 1]], -1))
    changed = online.critic.inputs(own, policy)
    first = slice(0, 1)  # later steps see the last joint action
    assert torch.equal(inputs[:, first, 0], changed[:, first, 0])
    assert not torch.equal(inputs[:, first, 1], changed[:, first, 1])


def test_where_nobody_acted_the_others_are_their_probabilities() -> None:
    online, _ = build(make(COMA))
    batch = random_batch(SPEC, [4, 2], 0)
    policy = make(COMA).policy(online, batch)
    start = SPEC.state_size + 8  # two elements of four values
    others = torch.unflatten(online.critic.inputs(batch, policy)[..., start : start + 6], -1, (2, 3))
    torch.testing.assert_close(others[0, 4, 0, 1], policy[0, 4, 1])
    torch.testing.assert_close(others[1, 2, 1, 0], policy[1, 2, 0])
    assert set(others[0, :4].unique().tolist()) == {0.0, 1.0}
    assert (others[:, :, 0, 0] == 0).all()


def test_the_advantage_is_counterfactual() -> None:
    algorithm = make(COMA)
    online, _ = build(algorithm)
    batch = random_batch(SPEC, [4, 2], 0)
    policy = algorithm.policy(online, batch).detach()
    values = online.critic.unroll(online.critic.inputs(batch, policy), batch)[:, :-1]
    averages = expected_values(
        torch.stack(
            [counterfactual_advantage(values, policy[:, :-1], torch.full_like(batch.actions, u)) for u in range(3)], -1
        ),
        policy[:, :-1],
    )
    torch.testing.assert_close(averages, torch.zeros_like(averages), rtol=0, atol=1e-6)
    found = algorithm.advantages(online, values, batch, policy[:, :-1])
    torch.testing.assert_close(found, counterfactual_advantage(values, policy[:, :-1], batch.actions))


def test_the_critic_s_target_is_made_of_the_target_critic_alone() -> None:
    algorithm = make(COMA, td_lambda=0.0, has_bounded_targets=False)
    online, target = build(algorithm)
    batch = random_batch(SPEC, [3, 2], 0)  # the first is terminated, the second cut by the clock
    policy = algorithm.policy(online, batch).detach()
    critic = target.critic
    values = critic.unroll(critic.inputs(batch, policy), batch)
    found = algorithm.prepare(online, target, batch).targets  # [batch, time, agent]
    done_next = take(values[:, 1:-1], batch.actions[:, 1:])  # Q^- of what was done one step later
    torch.testing.assert_close(found[0, :2], batch.reward[0, :2, None] + 0.99 * done_next[0])
    torch.testing.assert_close(found[0, 2], batch.reward[0, 2].expand(2))
    torch.testing.assert_close(found[1, 0], batch.reward[1, 0] + 0.99 * done_next[1, 0])
    at_the_end = (policy[1, 2] * values[1, 2]).sum(-1)
    torch.testing.assert_close(found[1, 1], batch.reward[1, 1] + 0.99 * at_the_end)


@pytest.mark.parametrize("kind", KINDS)
def test_the_policy_is_the_collector_s(kind: type[ActorCritic]) -> None:
    online, _ = build(make(kind))
    batch = replace(random_batch(SPEC, [4, 2], 0), epsilon=torch.tensor(0.3))
    policy = make(kind).policy(online, batch)
    torch.testing.assert_close(policy.sum(-1), torch.ones(2, 5, 2))
    assert (policy[~batch.avail_actions] == 0).all()
    floor = 0.3 / batch.avail_actions.sum(-1, keepdim=True)
    assert (policy >= floor - 1e-6)[batch.avail_actions].all()


@pytest.mark.parametrize("kind", KINDS)
def test_actions_are_drawn_as_often_as_the_loss_says(kind: type[ActorCritic]) -> None:
    copies, epsilon = 20_000, 0.3
    algorithm = make(kind)
    online, _ = build(algorithm)
    with torch.no_grad():
        networks = online.agent
        assert isinstance(networks, ValueAgent)
        networks.head.weight *= 20.0  # far from even
    batch = replace(random_batch(SPEC, [1, 1], 0), epsilon=torch.tensor(epsilon))
    policy = algorithm.policy(online, batch)[0, 0].detach()  # [agent, action]
    team = TeamPolicy(online.agent, SPEC, CPU)
    obs = batch.obs[:1, 0].expand(copies, -1, -1).numpy()
    avail = batch.avail_actions[:1, 0].expand(copies, -1, -1).numpy()
    choice, _ = team.act(obs, avail, np.zeros(copies, dtype=np.float32), team.initial_carry(copies))
    actions = explore(choice.actions, avail, epsilon, np.random.default_rng(0), choice.probabilities).actions
    frequency = (actions[..., None] == np.arange(3)).mean(0)  # [agent, action]
    # Five standard errors of a frequency.
    torch.testing.assert_close(torch.from_numpy(frequency), policy.double(), rtol=0, atol=5 * 0.5 / copies**0.5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_released", [False, True])
def test_the_critic_is_stepped_several_times_and_the_actor_once(kind: type[ActorCritic], is_released: bool) -> None:
    learner = make_learner(make(kind, critic_steps=3, has_step_per_time_step=is_released), interval_episodes=0)
    batch = random_batch(SPEC, [5, 2], 0)
    groups = [
        tuple(losses.groups) for losses in learner.algorithm.phases(learner.online, learner.target, batch, Progress())
    ]
    assert groups == [("critic",)] * (5 if is_released else 3) + [("actor",)]
    learner.update(batch, Progress())
    assert learner.steps_since_copy == (5 if is_released else 3)


@pytest.mark.parametrize("kind", KINDS)
def test_steps_over_time_add_up_to_the_whole_batch(kind: type[ActorCritic]) -> None:
    algorithm = make(kind)
    online, target = build(algorithm)
    batch = random_batch(SPEC, [5, 2], 0)
    judged = algorithm.prepare(online, target, batch)
    whole = algorithm.critic_loss(online, batch, judged, slice(0, 5)).groups["critic"]
    real = batch.mask.sum(0)  # [time]
    parts = [algorithm.critic_loss(online, batch, judged, slice(t, t + 1)).groups["critic"] for t in range(5)]
    torch.testing.assert_close((torch.stack(parts) * real).sum() / real.sum(), whole)


@pytest.mark.parametrize("kind", KINDS)
def test_groups_share_no_parameter(kind: type[ActorCritic]) -> None:
    algorithm = make(kind)
    online, _ = build(algorithm)
    actor, critic = (algorithm.parameters_of(group, online) for group in ("actor", "critic"))
    assert actor.keys().isdisjoint(critic)
    assert actor.keys() | critic.keys() == dict(online.named_parameters()).keys()


@pytest.mark.parametrize("kind", KINDS)
def test_an_entropy_bonus_is_a_part_of_the_actor_s_loss(kind: type[ActorCritic]) -> None:
    batch = random_batch(SPEC, [5, 2], 0)
    plain, with_bonus = make(kind, entropy_bonus=0.0), make(kind, entropy_bonus=0.5)
    online, target = build(plain)
    first = plain.losses(online, target, batch, Progress())
    second = with_bonus.losses(online, target, batch, Progress())
    difference = first.groups["actor"] - second.groups["actor"]
    torch.testing.assert_close(difference, 0.5 * first.metrics["entropy"])


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_entropy_lacks_of_its_floor_is_a_part_of_the_actor_s_loss(kind: type[ActorCritic]) -> None:
    batch = random_batch(SPEC, [5, 2], 0)
    plain = make(kind)
    with_floor = make(kind, entropy_floor=1.0, entropy_floor_end=0.0, entropy_floor_steps=100, entropy_floor_weight=0.5)
    online, target = build(plain)
    policy, mask = plain.policy(online, batch)[:, :-1], plain.actor_mask(batch)
    for env_steps, floor in ((0, 1.0), (1, 0.99), (100, 0.0), (200, 0.0)):
        progress = Progress(env_steps=env_steps)
        difference = (
            with_floor.losses(online, target, batch, progress).groups["actor"]
            - plain.losses(online, target, batch, progress).groups["actor"]
        )
        expected = 0.5 * entropy_shortfall(policy, batch.avail_actions[:, :-1], mask, floor)
        torch.testing.assert_close(difference, expected)
        assert (expected.item() > 0) == (env_steps < 100)


@pytest.mark.parametrize("kind", KINDS)
def test_the_actor_s_loss_weighs_each_draw_by_the_advantage_of_its_own_step(kind: type[ActorCritic]) -> None:
    algorithm = make(kind)
    online, target = build(algorithm)
    batch = random_batch(SPEC, [5, 2], 0)
    policy = algorithm.policy(online, batch)
    critic = online.critic
    with torch.no_grad():
        values = critic.unroll(critic.inputs(batch, policy), batch)[:, :-1]
        advantage = algorithm.advantages(online, values, batch, policy[:, :-1])
    total, count = torch.zeros(()), 0
    for episode, t in algorithm.actor_mask(batch).nonzero().tolist():
        for agent in range(2):
            chosen = policy[episode, t, agent, batch.actions[episode, t, agent]]
            total, count = total - advantage[episode, t, agent] * chosen.log(), count + 1
    found = algorithm.losses(online, target, batch, Progress()).groups["actor"]
    torch.testing.assert_close(found, total / count)


@pytest.mark.parametrize("kind", KINDS)
def test_joint_values_are_one_number_per_step(kind: type[ActorCritic]) -> None:
    online, _ = build(make(kind))
    batch = random_batch(SPEC, [5, 2], 0)
    assert make(kind).joint_values(online, batch).shape == batch.reward.shape
