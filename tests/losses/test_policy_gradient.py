from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rmix_kit.losses.policy_gradient import (
    acting_policy,
    counterfactual_advantage,
    entropy_shortfall,
    expected_values,
    mean_entropy,
    next_is_real,
    on_policy_returns,
    policy_gradient_loss,
    tree_backup,
)

ROUNDING = 1e-5  # float32
MASK = torch.tensor([[True, True, True], [True, True, False]])
REWARD = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 0.0]])
NEVER = torch.zeros(2, 3, dtype=torch.bool)


def test_the_acting_policy_mixes_the_available_actions_evenly() -> None:
    logits = torch.tensor([[0.0, 0.0, 5.0], [1.0, 1.0, 1.0]])
    avail = torch.tensor([[True, True, False], [True, True, True]])
    found = acting_policy(logits + torch.tensor([1.0, 0.0, 0.0]).log1p(), avail, torch.tensor(0.3))
    # Softmax 2/3 and 1/3, the third not allowed; then 0.7 of it and 0.15 each. Below: 1/2, 1/4, 1/4; then 0.1 each.
    expected = torch.tensor([[0.7 * 2 / 3 + 0.15, 0.7 / 3 + 0.15, 0.0], [0.35 + 0.1, 0.175 + 0.1, 0.175 + 0.1]])
    torch.testing.assert_close(found, expected)


def test_the_acting_policy_survives_extreme_logits() -> None:
    logits = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    avail = torch.tensor([[True, True, False]])
    probabilities = acting_policy(logits, avail, torch.tensor(0.0)).view(1, 1, 1, 3)
    mask, actions = torch.tensor([[True]]), torch.tensor([[[1]]])  # an action of probability 0
    loss = policy_gradient_loss(probabilities, actions, torch.ones(1, 1, 1), mask) + mean_entropy(probabilities, mask)
    (slope,) = torch.autograd.grad(loss, logits)
    assert loss.isfinite()
    assert slope.isfinite().all()


def test_the_counterfactual_advantage_by_hand() -> None:
    values, policy = torch.tensor([[1.0, 5.0, 3.0]]), torch.tensor([[0.5, 0.25, 0.25]])
    assert counterfactual_advantage(values, policy, torch.tensor([1])).item() == pytest.approx(5.0 - 2.5)


def test_the_counterfactual_advantage_is_zero_on_average() -> None:
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(50, 4, generator=generator, dtype=torch.float64)
    policy = torch.rand(50, 4, generator=generator, dtype=torch.float64)
    policy = policy / policy.sum(-1, keepdim=True)
    each = [counterfactual_advantage(values, policy, torch.full((50,), action)) for action in range(4)]
    average = expected_values(torch.stack(each, -1), policy)
    torch.testing.assert_close(average, torch.zeros_like(average), rtol=0, atol=1e-12)


def test_the_policy_gradient_by_hand() -> None:
    logits = torch.zeros(1, 2, 1, 2, requires_grad=True)
    actions, advantage = torch.tensor([[[0], [1]]]), torch.tensor([[[3.0], [100.0]]])
    loss = policy_gradient_loss(logits.softmax(-1), actions, advantage, torch.tensor([[True, False]]))
    (slope,) = torch.autograd.grad(loss, logits)
    # d log pi(0) / d logits = (1 - pi(0), -pi(1)); the second step is padding.
    torch.testing.assert_close(slope, torch.tensor([[[[-1.5, 1.5]], [[0.0, 0.0]]]]))


def test_no_gradient_passes_through_the_advantage() -> None:
    policy = torch.full((1, 1, 1, 2), 0.5, requires_grad=True)
    advantage = torch.ones(1, 1, 1, requires_grad=True)
    loss = policy_gradient_loss(policy, torch.zeros(1, 1, 1, dtype=torch.int64), advantage, torch.tensor([[True]]))
    assert torch.autograd.grad(loss, [policy, advantage], allow_unused=True)[1] is None


def test_the_entropy_of_even_policies_is_the_logarithm_of_their_size() -> None:
    policy = torch.tensor([[[[0.5, 0.5, 0.0]], [[1.0, 0.0, 0.0]]]])
    assert mean_entropy(policy, torch.tensor([[True, False]])).item() == pytest.approx(0.6931472)


def test_a_shortfall_is_squared_and_counts_the_available_actions_alone() -> None:
    # Even over two of three, certain, random enough; the last step is padding.
    policy = torch.tensor([[[[0.5, 0.5, 0.0]], [[1.0, 0.0, 0.0]], [[0.25, 0.75, 0.0]], [[1.0, 0.0, 0.0]]]])
    available = torch.tensor([True, True, False]).expand(policy.shape)
    mask = torch.tensor([[True, True, True, False]])
    found = entropy_shortfall(policy, available, mask, 0.5)
    assert found.item() == pytest.approx((0.5 * 0.6931472) ** 2 / 3)


def test_a_policy_without_a_choice_lacks_nothing_and_moves_nothing() -> None:
    logits = torch.zeros(1, 1, 1, 3, requires_grad=True)
    available = torch.tensor([[[[True, False, False]]]])
    policy = logits.masked_fill(~available, -torch.inf).softmax(-1)
    shortfall = entropy_shortfall(policy, available, torch.tensor([[True]]), 1.0)
    assert shortfall.item() == 0.0
    assert not torch.autograd.grad(shortfall, logits)[0].any()


def test_padding_without_an_allowed_action_lacks_nothing() -> None:
    probabilities = torch.full((1, 2, 1, 2), 0.5)
    avail = torch.tensor([[[[True, True]], [[False, False]]]])
    found = entropy_shortfall(probabilities, avail, torch.tensor([[True, False]]), 0.0)
    assert found.item() == 0.0


def test_a_step_down_the_shortfall_makes_a_nearly_certain_policy_less_certain() -> None:
    logits = torch.tensor([[[[3.0, 0.0, 0.0]]]], requires_grad=True)
    available = torch.ones(1, 1, 1, 3, dtype=torch.bool)
    shortfall = entropy_shortfall(logits.softmax(-1), available, torch.tensor([[True]]), 0.9)
    (slope,) = torch.autograd.grad(shortfall, logits)
    assert slope[..., 0].item() > 0.0
    assert (slope[..., 1:] < 0.0).all()


def test_the_next_step_is_real_until_the_last_one() -> None:
    assert next_is_real(MASK).tolist() == [[True, True, False], [True, False, False]]


def critic() -> tuple[Tensor, Tensor]:
    """Values of the taken actions, and expectations, that no two steps share."""
    return torch.tensor([[1.0, 2.0, 4.0], [8.0, 16.0, 99.0]]), torch.tensor(
        [[3.0, 5.0, 7.0, 9.0], [11.0, 13.0, 15.0, 99.0]]
    )


def test_on_policy_returns_by_hand() -> None:
    taken, expected = critic()
    found = on_policy_returns(REWARD, NEVER, MASK, taken, expected, gamma=0.5, td_lambda=0.5)
    last = 3.0 + 0.5 * 9.0  # the clock ended it: the policy's expectation at the final observation
    middle = 2.0 + 0.5 * (0.5 * 4.0 + 0.5 * last)
    first = 1.0 + 0.5 * (0.5 * 2.0 + 0.5 * middle)
    short = 5.0 + 0.5 * 15.0
    assert found[0].tolist() == pytest.approx([first, middle, last])
    assert found[1, :2].tolist() == pytest.approx([4.0 + 0.5 * (0.5 * 16.0 + 0.5 * short), short])


def test_on_policy_returns_stop_where_the_task_ended() -> None:
    taken, expected = critic()
    ended = torch.tensor([[False, False, True], [False, True, False]])
    found = on_policy_returns(REWARD, ended, MASK, taken, expected, gamma=1.0, td_lambda=1.0)
    assert found[MASK].tolist() == [6.0, 5.0, 3.0, 9.0, 5.0]


def test_on_policy_returns_of_agents_are_those_of_each() -> None:
    taken, expected = critic()
    both = on_policy_returns(
        REWARD, NEVER, MASK, torch.stack([taken, -taken], -1), torch.stack([expected, -expected], -1),
        gamma=0.9, td_lambda=0.8,
    )  # fmt: skip
    for index, sign in enumerate((1.0, -1.0)):
        one = on_policy_returns(REWARD, NEVER, MASK, sign * taken, sign * expected, gamma=0.9, td_lambda=0.8)
        torch.testing.assert_close(both[..., index][MASK], one[MASK])


def test_the_tree_backup_by_hand() -> None:
    taken, expected = critic()
    probability = torch.tensor([[0.1, 0.5, 0.25], [0.3, 0.2, 0.9]])
    found = tree_backup(REWARD, NEVER, MASK, probability, taken, expected, gamma=0.5, tree_lambda=0.5, n_steps=2)
    delta = [1.0 + 0.5 * 5.0 - 1.0, 2.0 + 0.5 * 7.0 - 2.0, 3.0 + 0.5 * 9.0 - 4.0]
    by_hand = [1.0 + delta[0] + 0.25 * 0.5 * delta[1], 2.0 + delta[1] + 0.25 * 0.25 * delta[2], 4.0 + delta[2]]
    assert found[0].tolist() == pytest.approx(by_hand)
    short = [4.0 + 0.5 * 13.0 - 8.0, 5.0 + 0.5 * 15.0 - 16.0]
    assert found[1, :2].tolist() == pytest.approx([8.0 + short[0] + 0.25 * 0.2 * short[1], 16.0 + short[1]])


def test_the_tree_backup_does_not_look_past_the_end_of_the_task() -> None:
    taken, expected = critic()
    ends = torch.tensor([[False, False, True], [False, True, False]])
    probability = torch.full((2, 3), 0.5)
    found = tree_backup(REWARD, ends, MASK, probability, taken, expected, gamma=0.5, tree_lambda=1.0, n_steps=2)
    # The last temporal differences, 3 - 4 and 5 - 16, bootstrap from nothing and count a quarter one step before.
    assert found[0, 1:].tolist() == pytest.approx([2.0 + 0.5 * 7.0 + 0.25 * (3.0 - 4.0), 3.0])
    assert found[1, :2].tolist() == pytest.approx([4.0 + 0.5 * 13.0 + 0.25 * (5.0 - 16.0), 5.0])


def test_one_step_of_the_tree_backup_is_the_expected_target() -> None:
    taken, expected = critic()
    found = tree_backup(REWARD, NEVER, MASK, taken, taken, expected, gamma=0.9, tree_lambda=0.9, n_steps=1)
    torch.testing.assert_close(found, REWARD + 0.9 * expected[:, 1:])


@pytest.mark.parametrize("n_steps", [1, 2, 3])
def test_the_tree_backup_of_a_certain_policy_is_the_n_step_return(n_steps: int) -> None:
    generator = torch.Generator().manual_seed(1)
    reward = torch.randn(2, 4, generator=generator)
    value = torch.randn(2, 5, generator=generator)  # the policy takes one action: its value is the expectation
    mask, never = torch.ones(2, 4, dtype=torch.bool), torch.zeros(2, 4, dtype=torch.bool)
    found = tree_backup(
        reward, never, mask, torch.ones(2, 4), value[:, :-1], value, gamma=0.9, tree_lambda=1.0, n_steps=n_steps
    )
    for t in range(4):
        end = min(t + n_steps, 4)
        summed = sum((0.9 ** (k - t) * reward[:, k] for k in range(t, end)), torch.zeros(2))
        by_hand = summed + 0.9 ** (end - t) * value[:, end]
        torch.testing.assert_close(found[:, t], by_hand, rtol=ROUNDING, atol=ROUNDING)


AGENTS, SAMPLES = 5, 200_000
QUARTER = 0.25 * (AGENTS - 1) / 4  # what the others' draws add, where nothing subtracts them
VARIANCES = {
    "reinforce": (AGENTS**2 / 4 + AGENTS / 4 + 1) / 4 - 1 / 16,
    "value baseline": QUARTER + 1 / 4,
    "central critic": QUARTER,
    "counterfactual": 0.0,
}


def gradients(kind: str) -> Tensor:
    """Gradient of the first agent's logit, sample by sample ``[sample]``, in the game of adding up coins plus noise."""
    generator = torch.Generator().manual_seed(0)
    actions = torch.randint(0, 2, (SAMPLES, 1, AGENTS), generator=generator)
    total = actions.sum(-1, keepdim=True).double()  # [sample, 1, 1]
    noisy = total + torch.randn(total.shape, generator=generator, dtype=torch.float64)
    logits = torch.zeros(SAMPLES, 1, AGENTS, 2, dtype=torch.float64, requires_grad=True)
    policy = logits.softmax(-1)
    values = (total - actions).unsqueeze(-1) + torch.arange(2)  # [sample, 1, agent, action]
    advantage = {
        "reinforce": noisy.expand(-1, -1, AGENTS),
        "value baseline": (noisy - AGENTS / 2).expand(-1, -1, AGENTS),
        "central critic": (total - AGENTS / 2).expand(-1, -1, AGENTS),
        "counterfactual": counterfactual_advantage(values, policy.detach(), actions),
    }[kind]
    loss = policy_gradient_loss(policy, actions, advantage, torch.ones(SAMPLES, 1, dtype=torch.bool))
    (slope,) = torch.autograd.grad(loss, logits)
    return -slope[:, 0, 0, 1] * SAMPLES * AGENTS  # the loss is a mean over samples and agents


@pytest.mark.parametrize("kind", VARIANCES)
def test_the_mean_policy_gradient_is_that_of_the_return(kind: str) -> None:
    error = 5 * (VARIANCES[kind] / SAMPLES) ** 0.5 + 1e-12  # five standard errors
    assert gradients(kind).mean().item() == pytest.approx(0.25, abs=error)


@pytest.mark.parametrize("kind", VARIANCES)
def test_the_variance_of_the_policy_gradient_is_what_theory_says(kind: str) -> None:
    # A sample variance errs by about sqrt(2 / n) of itself; heavier tails than the normal's double that.
    error = 5 * 2 * (2 / SAMPLES) ** 0.5 * VARIANCES[kind] + 1e-12
    assert gradients(kind).var().item() == pytest.approx(VARIANCES[kind], abs=error)
