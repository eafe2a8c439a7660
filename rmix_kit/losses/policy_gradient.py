"""Policy gradients with learned critics: the acting policy, advantages, and what critics regress on."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from rmix_kit.losses.masking import masked_mean
from rmix_kit.losses.td import lambda_returns


def acting_policy(logits: Tensor, avail_actions: Tensor, epsilon: Tensor) -> Tensor:
    """Return the probabilities with which the collector acts.

    pi = (1 - epsilon) softmax over the available actions + epsilon / number of available actions (COMA, Foerster et
    al. 2018, section 4, which mixes before masking).

    Args:
        logits: ``[..., action]``.
        avail_actions: bool ``[..., action]``, at least one true.
        epsilon: Scalar in [0, 1].

    Returns:
        ``[..., action]``; zero where an action is not available, sums to 1.
    """
    chosen = logits.masked_fill(~avail_actions, -torch.inf).softmax(-1)
    uniform = avail_actions.to(logits.dtype)
    return (1.0 - epsilon) * chosen + epsilon * uniform / uniform.sum(-1, keepdim=True)


def expected_values(values: Tensor, probabilities: Tensor) -> Tensor:
    """Average an agent's values over its policy: sum_u pi(u) Q(u), ``[..., action]`` twice -> ``[...]``."""
    return (probabilities * values).sum(-1)


def counterfactual_advantage(values: Tensor, probabilities: Tensor, actions: Tensor) -> Tensor:
    """Compare an agent's action with what its policy would do, all else equal (COMA Eqn 4).

    A_i = Q(u_i) - sum_u' pi_i(u') Q(u'); its mean under pi_i is zero.

    Args:
        values: Q of each own action, the others' given, ``[..., action]``.
        probabilities: ``[..., action]``.
        actions: int64 ``[...]``.

    Returns:
        ``[...]``.
    """
    return _taken(values, actions) - expected_values(values, probabilities)


def policy_gradient_loss(probabilities: Tensor, actions: Tensor, advantage: Tensor, mask: Tensor) -> Tensor:
    """Return -mean A log pi(u) over real steps and agents: its negative gradient is the policy gradient.

    Args:
        probabilities: ``[batch, time, agent, action]``, with gradients.
        actions: int64 ``[batch, time, agent]``, of probability above 0 on real steps.
        advantage: ``[batch, time, agent]``; taken as a number, no gradient passes.
        mask: bool ``[batch, time]``.

    Returns:
        Scalar.
    """
    chosen = _taken(probabilities, actions).masked_fill(~mask.unsqueeze(-1), 1.0)  # log 1 = 0 on padding
    # Far below what can be drawn: a probability that underflowed must not make the loss infinite.
    log_probability = chosen.clamp(min=torch.finfo(chosen.dtype).tiny).log()  # [batch, time, agent]
    return -masked_mean(advantage.detach() * log_probability, mask)


def entropies(probabilities: Tensor) -> Tensor:
    """Entropy of each policy in nats, ``[..., action]`` -> ``[...]``."""
    return -(probabilities * probabilities.clamp(min=torch.finfo(probabilities.dtype).tiny).log()).sum(-1)


def mean_entropy(probabilities: Tensor, mask: Tensor) -> Tensor:
    """Mean entropy of the policies over real steps and agents, in nats.

    Args:
        probabilities: ``[batch, time, agent, action]``.
        mask: bool ``[batch, time]``.

    Returns:
        Scalar.
    """
    return masked_mean(entropies(probabilities), mask)


def entropy_shortfall(probabilities: Tensor, avail_actions: Tensor, mask: Tensor, floor: float) -> Tensor:
    """Mean square, over real steps and agents, of what a policy's entropy lacks of a share of the uniform policy's.

    mean max(0, floor ln |A(o)| - H(pi(. | o)))^2: zero where a policy is random enough, whatever the rewards' scale.

    Args:
        probabilities: ``[batch, time, agent, action]``, with gradients.
        avail_actions: bool, of the same shape.
        mask: bool ``[batch, time]``.
        floor: Share of ln |A(o)| in [0, 1].

    Returns:
        Scalar, in square nats.
    """
    uniform = avail_actions.sum(-1).clamp(min=1).to(probabilities.dtype).log()  # [batch, time, agent]
    return masked_mean((floor * uniform - entropies(probabilities)).clamp(min=0.0).square(), mask)


def on_policy_returns(
    reward: Tensor,
    terminated: Tensor,
    mask: Tensor,
    taken: Tensor,
    expected: Tensor,
    *,
    gamma: float,
    td_lambda: float,
) -> Tensor:
    """TD(lambda) targets of the policy that acted (COMA, section 4; DOP, section 4.1).

    G_t = r_t + gamma (1 - d_t) [(1 - lambda) Q_{t+1}(u_{t+1}) + lambda G_{t+1}]. At the final observation of an
    episode that the clock ended no action was taken: G and Q are both E_pi Q there.

    Args:
        reward: ``[batch, time]``.
        terminated: bool ``[batch, time]``.
        mask: bool ``[batch, time]``, true on real steps.
        taken: Target critic's value of the taken actions ``[batch, time]``, or ``[batch, time, agent]``.
        expected: Its expectation under the policy ``[batch, time + 1]``, or with an agent axis too.
        td_lambda: Trace decay in [0, 1].

    Returns:
        Of the shape of ``taken``.
    """
    goes_on = next_is_real(mask)  # [batch, time]
    if taken.ndim > reward.ndim:
        reward, terminated, goes_on = (value.unsqueeze(-1).expand_as(taken) for value in (reward, terminated, goes_on))
    next_values = torch.where(goes_on, taken.roll(-1, dims=1), expected[:, 1:])
    return lambda_returns(reward, terminated, next_values, goes_on, gamma=gamma, td_lambda=td_lambda)


def tree_backup(
    reward: Tensor,
    terminated: Tensor,
    mask: Tensor,
    probability: Tensor,
    taken: Tensor,
    expected: Tensor,
    *,
    gamma: float,
    tree_lambda: float,
    n_steps: int,
) -> Tensor:
    """Targets for the policy from anyone's data, without importance ratios (Precup et al. 2000; DOP Eqn 11).

    y_t = Q(u_t) + sum_{l<n} (gamma lambda)^l [prod_{j=1..l} pi(u_{t+j})] delta_{t+l},
    delta_t = r_t + gamma (1 - d_t) E_pi Q_{t+1} - Q(u_t).

    Args:
        reward: ``[batch, time]``.
        terminated: bool ``[batch, time]``.
        mask: bool ``[batch, time]``, true on real steps.
        probability: pi of the taken joint action ``[batch, time]``.
        taken: Target critic's value of the taken joint action ``[batch, time]``.
        expected: Its expectation under the policy ``[batch, time + 1]``.
        tree_lambda: Trace decay in [0, 1].
        n_steps: Temporal differences added up, at least 1.

    Returns:
        ``[batch, time]``.
    """
    delta = reward + gamma * (~terminated).to(reward.dtype) * expected[:, 1:] - taken  # [batch, time]
    factor = gamma * tree_lambda * probability.roll(-1, dims=1) * next_is_real(mask).to(reward.dtype)
    total = delta
    for _ in range(n_steps - 1):
        total = delta + factor * total.roll(-1, dims=1)
    return taken + total


def next_is_real(mask: Tensor) -> Tensor:
    """Return whether the step after is a real one: bool ``[batch, time]`` -> bool ``[batch, time]``."""
    return functional.pad(mask[:, 1:], (0, 1))


def _taken(values: Tensor, actions: Tensor) -> Tensor:
    return values.gather(-1, actions.unsqueeze(-1)).squeeze(-1)
