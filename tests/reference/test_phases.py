from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch

from rmix_kit.algorithms.actor_critic import ActorCritic
from tests.algorithms.cases import PROGRESS
from tests.reference import coma, dop
from tests.reference.cases import BATCHES, CASES, assert_like_reference, draw, stirred

KIND = BATCHES["several lengths"]
CRITICS = {"coma": coma.critic_loss, "dop": dop.critic_loss}
ACTORS = {"coma": coma.policy_loss, "dop": dop.policy_loss}


def actor_critic(name: str, **changes: object) -> ActorCritic:
    algorithm = CASES[name]
    assert isinstance(algorithm, ActorCritic)
    return replace(algorithm, **changes)


def check_phases(algorithm: ActorCritic, critic_steps: list[int | None]) -> None:
    """Move the critic between two phases, as a learner does, and compare each phase with the weights of its moment."""
    networks, batch = stirred(algorithm, KIND.spec, 7), draw(KIND, algorithm, 7)
    generator = torch.Generator().manual_seed(7)
    expected = [("critic", partial(CRITICS[algorithm.name], only_step=step)) for step in critic_steps]
    expected.append(("actor", ACTORS[algorithm.name]))
    phases = algorithm.phases(*networks, batch, PROGRESS)
    for (group, reference), losses in zip(expected, phases, strict=True):
        assert set(losses.groups) == {group}
        assert_like_reference(losses.groups[group], reference, algorithm, group=group, networks=networks, batch=batch)
        with torch.no_grad():
            for parameter in algorithm.parameters_of("critic", networks[0]).values():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))


@pytest.mark.parametrize("name", CRITICS)
def test_the_critic_is_stepped_on_the_whole_batch_and_then_the_actor_by_the_critic_as_it_is_by_then(name: str) -> None:
    check_phases(actor_critic(name, critic_steps=3), [None, None, None])


@pytest.mark.parametrize("name", CRITICS)
def test_a_critic_step_per_time_step_begins_with_the_last(name: str) -> None:
    check_phases(actor_critic(name, has_step_per_time_step=True), list(reversed(range(max(KIND.lengths)))))


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if not isinstance(case, ActorCritic)])
def test_all_others_make_one_step_of_all_groups(name: str) -> None:
    algorithm = CASES[name]
    networks, batch = stirred(algorithm, KIND.spec, 0), draw(KIND, algorithm, 0)
    (only,) = algorithm.phases(*networks, batch, PROGRESS)
    torch.testing.assert_close(only.groups, algorithm.losses(*networks, batch, PROGRESS).groups, rtol=0, atol=0)


def test_no_newest_episode_leaves_the_actor_where_it_is() -> None:
    algorithm = actor_critic("dop, normalised weights")
    networks, batch = stirred(algorithm, KIND.spec, 0), draw(KIND, algorithm, 0)
    batch = replace(batch, is_newest=torch.zeros_like(batch.is_newest))
    actor = algorithm.losses(*networks, batch, PROGRESS).groups["actor"]
    assert_like_reference(actor, dop.policy_loss, algorithm, group="actor", networks=networks, batch=batch)
    assert actor == 0
