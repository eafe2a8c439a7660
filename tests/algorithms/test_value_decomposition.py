from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from rmix_kit.algorithms.iql import IQL
from rmix_kit.algorithms.value_decomposition import bound_values, own_traces, squared_td_error, watkins_trace
from rmix_kit.algorithms.vdn import VDN
from rmix_kit.testing.episodes import make_spec, random_batch

SPEC = make_spec()


def test_a_trace_goes_on_only_where_every_agent_is_greedy_at_a_real_next_step() -> None:
    batch = random_batch(SPEC, [4, 2], 0)
    greedy = torch.nn.functional.pad(batch.actions, (0, 0, 0, 1))  # all greedy
    greedy[0, 2, 1] = (greedy[0, 2, 1] + 1) % 3  # but agent 1 at step 2 of the first episode
    # First episode: step 1 looks at step 2 and is cut; step 3 is the last. Second: step 1 is its last.
    expected = [[True, False, True, False], [True, False, False, False]]
    assert watkins_trace(batch, greedy).tolist() == expected


def test_an_agents_own_trace_is_not_cut_by_another_agent() -> None:
    batch = random_batch(SPEC, [4, 2], 0)
    greedy = torch.nn.functional.pad(batch.actions, (0, 0, 0, 1))
    greedy[0, 2, 1] = (greedy[0, 2, 1] + 1) % 3
    expected = [[True, True, True, False], [True, False, False, False]]
    assert own_traces(batch, greedy)[..., 0].tolist() == expected
    assert own_traces(batch, greedy)[0, :, 1].tolist() == [True, False, True, False]


def test_agents_that_learn_alone_follow_their_own_traces_and_a_joint_value_the_joint_one() -> None:
    batch = random_batch(SPEC, [2], 0)
    batch = replace(batch, reward=torch.tensor([[1.0, 2.0]]), terminated=torch.zeros(1, 2, dtype=torch.bool))
    greedy = torch.nn.functional.pad(batch.actions, (0, 0, 0, 1))
    greedy[0, 1, 1] = (greedy[0, 1, 1] + 1) % 3  # agent 1 explores at step 1
    settings = {"gamma": 0.5, "td_lambda": 1.0, "has_bounded_targets": False}
    alone = IQL(**settings).td_targets(batch, torch.tensor([[[10.0, 10.0], [20.0, 20.0]]]), greedy)
    # Step 1: 2 + 20 / 2. Step 0 of agent 0 goes on with that, agent 1's falls back on its value of 10.
    torch.testing.assert_close(alone, torch.tensor([[[7.0, 6.0], [12.0, 12.0]]]))
    together = VDN(**settings).td_targets(batch, torch.tensor([[10.0, 20.0]]), greedy)
    torch.testing.assert_close(together, torch.tensor([[6.0, 12.0]]))


def test_pengs_targets_go_on_through_what_explorers_did_and_end_with_the_episode() -> None:
    """Peng and Williams 1996: G_t = r_t + gamma [(1 - lambda) V'_{t+1} + lambda G_{t+1}], by hand for two episodes."""
    batch = random_batch(SPEC, [3, 2], 0)
    reward = torch.tensor([[1.0, 2.0, 4.0], [8.0, 16.0, 0.0]])
    terminated = torch.tensor([[False, False, True], [False, False, False]])
    batch = replace(batch, reward=reward, terminated=terminated)
    nobody_greedy = (torch.nn.functional.pad(batch.actions, (0, 0, 0, 1)) + 1) % 3
    settings = {"gamma": 0.5, "td_lambda": 0.5, "has_bounded_targets": False}
    values = torch.tensor([[10.0, 20.0, 30.0], [40.0, 50.0, 60.0]])
    # First: 4; 2 + (20 + 4) / 4 = 8; 1 + (10 + 8) / 4 = 5.5. Second, cut by the clock: 16 + 25, 8 + 81 / 4.
    expected = torch.tensor([[5.5, 8.0, 4.0], [28.25, 41.0, 0.0]])
    found = VDN(**settings, trace="peng").td_targets(batch, values, nobody_greedy)
    torch.testing.assert_close(found[batch.mask], expected[batch.mask])
    alone = IQL(**settings, trace="peng").td_targets(batch, values.unsqueeze(-1).expand(-1, -1, 2), nobody_greedy)
    torch.testing.assert_close(alone[batch.mask], expected.unsqueeze(-1).expand(-1, -1, 2)[batch.mask])
    cut = VDN(**settings).td_targets(batch, values, nobody_greedy)  # one-step targets, where nobody is greedy
    torch.testing.assert_close(cut[batch.mask], torch.tensor([6.0, 12.0, 4.0, 28.0, 41.0]))


def test_the_trace_leaves_the_batch_as_it_was() -> None:
    batch = random_batch(SPEC, [4, 2], 0)
    mask = batch.mask.clone()
    watkins_trace(batch, torch.nn.functional.pad(batch.actions, (0, 0, 0, 1)))
    assert torch.equal(batch.mask, mask)


@pytest.mark.parametrize(
    ("rewards", "gamma", "expected"),
    [
        ((-1.0, 0.0), 0.9, [-10.0, -10.0, -5.0, 0.0, 0.0]),
        ((-1.0, 0.0), 1.0, [-50.0, -20.0, -5.0, 0.0, 0.0]),
        ((0.0, 2.0), 0.5, [0.0, 0.0, 0.0, 3.0, 4.0]),
        ((0.0, 2.0), 1.0, [0.0, 0.0, 0.0, 3.0, 30.0]),
        ((-1.0, 1.0), 1.0, [-50.0, -20.0, -5.0, 3.0, 30.0]),
        ((0.0, 0.0), 1.0, [0.0, 0.0, 0.0, 0.0, 0.0]),
        ((-2.0, -1.0), 0.5, [-4.0, -4.0, -4.0, -1.0, -1.0]),
        ((-1.0, 3.0), 0.0, [-1.0, -1.0, -1.0, 3.0, 3.0]),
    ],
)
def test_values_are_bounded_by_what_rewards_can_add_up_to(
    rewards: tuple[float, float], gamma: float, expected: list[float]
) -> None:
    values = torch.tensor([-50.0, -20.0, -5.0, 3.0, 30.0])
    torch.testing.assert_close(bound_values(values, torch.tensor(rewards), gamma), torch.tensor(expected))


def test_the_td_error_is_squared_and_averaged_over_real_steps() -> None:
    batch = random_batch(SPEC, [2, 1], 0)
    q_tot, targets = torch.tensor([[1.0, 2.0], [3.0, 100.0]]), torch.zeros(2, 2)
    assert squared_td_error(q_tot, targets, replace(batch)).item() == pytest.approx(14.0 / 3.0)
