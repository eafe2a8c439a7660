from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from rmix_kit.errors import ShapeError
from rmix_kit.mixers import QPLEXMixer
from rmix_kit.mixers.qplex import KernelPerceptrons
from rmix_kit.networks.unroll import best_values, greedy_actions, one_hot_actions, take

AGENTS, ACTIONS, STATE = 3, 3, 4


def make_mixer(seed: int = 0, **sizes: int) -> QPLEXMixer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return QPLEXMixer(AGENTS, ACTIONS, STATE, **({"hypernet_size": 8, "n_kernels": 2, "kernel_layers": 3} | sizes))


def random_tensor(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def all_zero(mixer: QPLEXMixer) -> None:
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter.zero_()


def test_the_joint_value_follows_its_formula_on_hand_made_weights() -> None:
    mixer = QPLEXMixer(2, 2, 1, hypernet_size=1, n_kernels=1, kernel_layers=1)
    all_zero(mixer)
    with torch.no_grad():
        mixer.scale[-1].bias.copy_(torch.tensor([-2.0, 0.5]))  # w = (2, 0.5): the absolute value
        mixer.shift[-1].bias.copy_(torch.tensor([1.0, -1.0]))
        mixer.keys.biases[0].fill_(-4.0)  # |key| = 4; sigmoid(agents) = 0.5
        mixer.joint_actions.weights[0][0, 2, 0] = math.log(3.0)  # agent 0's second action: sigmoid 0.75 for agent 0
    values, best = torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 2.0]])
    actions = one_hot_actions(torch.tensor([[1, 0]]), 2)
    # Q~ = (3, 0), V~ = (7, 0), A~ = (-4, 0); lambda = 4 * 0.5 * (0.75, 0.5) = (1.5, 1); 7 + 0 + 1.5 * -4 = 1
    torch.testing.assert_close(mixer.importance(actions, torch.ones(1, 1)), torch.tensor([[1.5, 1.0]]))
    torch.testing.assert_close(mixer(values, best, actions, torch.ones(1, 1)), torch.tensor([1.0]))


@pytest.mark.parametrize("seed", range(3))
def test_the_joint_value_is_values_plus_weighted_advantages(seed: int) -> None:
    mixer, state = make_mixer(seed), random_tensor(20, STATE, seed=seed)
    values = random_tensor(20, AGENTS, seed=seed + 10)
    best = values + random_tensor(20, AGENTS, seed=seed + 20).abs()
    actions = one_hot_actions(random_tensor(20, AGENTS, ACTIONS, seed=seed).argmax(-1), ACTIONS)
    scale, shift = mixer.scale(state).abs() + 1e-10, mixer.shift(state)
    state_values = scale * best + shift
    advantages = scale * values + shift - state_values
    expected = state_values.sum(-1) + (mixer.importance(actions, state) * advantages).sum(-1)
    torch.testing.assert_close(mixer(values, best, actions, state), expected)


def test_the_agents_learn_through_their_transformed_values_alone() -> None:
    mixer, state = make_mixer(), random_tensor(5, STATE)
    values = random_tensor(5, AGENTS).requires_grad_()
    best = (values.detach() + 1.0).requires_grad_()
    actions = one_hot_actions(torch.zeros(5, AGENTS, dtype=torch.int64), ACTIONS)
    slope, best_slope = torch.autograd.grad(
        mixer(values, best, actions, state).sum(), [values, best], allow_unused=True
    )
    torch.testing.assert_close(slope, mixer.scale(state).abs() + 1e-10)  # dQ_tot / dQ_i = w_i, not lambda_i w_i
    assert best_slope is None


def test_the_weights_of_advantages_learn_where_an_action_is_not_the_best() -> None:
    mixer, state = make_mixer(), random_tensor(1, STATE)
    actions = one_hot_actions(torch.zeros(1, AGENTS, dtype=torch.int64), ACTIONS)
    values = torch.zeros(1, AGENTS)
    for gap, is_trained in ((0.0, False), (2.0, True)):
        joint = mixer(values, values + gap, actions, state).sum()
        slopes = torch.autograd.grad(joint, [*mixer.joint_actions.parameters()])
        assert any(slope.abs().sum() > 0 for slope in slopes) is is_trained


@pytest.mark.parametrize("seed", range(5))
def test_the_joint_argmax_is_every_agents_own(seed: int) -> None:
    mixer = make_mixer(seed)
    state = 3 * random_tensor(1, STATE, seed=seed)
    utilities = random_tensor(1, AGENTS, ACTIONS, seed=seed + 50)
    avail = torch.ones(1, AGENTS, ACTIONS, dtype=torch.bool)
    avail[0, 1, utilities[0, 1].argmax()] = False  # agent 1 may not do what it likes best
    choices = [range(ACTIONS)] * AGENTS
    joint = [u for u in itertools.product(*choices) if all(avail[0, i, a] for i, a in enumerate(u))]
    actions = torch.tensor(joint)  # [joint action, agent]
    rows = len(joint)
    q_tot = mixer(
        take(utilities.expand(rows, -1, -1), actions),
        best_values(utilities, avail).expand(rows, -1),
        one_hot_actions(actions, ACTIONS),
        state.expand(rows, -1),
    )
    assert actions[q_tot.argmax()].tolist() == greedy_actions(utilities, avail)[0].tolist()


def test_the_weights_of_advantages_are_positive() -> None:
    actions = one_hot_actions(random_tensor(200, AGENTS, ACTIONS).argmax(-1), ACTIONS)
    assert (make_mixer().importance(actions, 5 * random_tensor(200, STATE, seed=1)) > 0).all()


def test_no_weight_reaches_zero_where_the_hypernetworks_do() -> None:
    mixer = make_mixer()
    all_zero(mixer)
    state, values = torch.zeros(1, STATE), torch.ones(1, AGENTS, requires_grad=True)
    actions = one_hot_actions(torch.zeros(1, AGENTS, dtype=torch.int64), ACTIONS)
    (slope,) = torch.autograd.grad(mixer(values, values, actions, state).sum(), [values])
    assert (slope > 0).all()
    assert (mixer.importance(actions, state) > 0).all()


def test_the_mixer_keeps_leading_axes() -> None:
    mixer, values, state = make_mixer(), random_tensor(4, 6, AGENTS), random_tensor(4, 6, STATE, seed=1)
    actions = one_hot_actions(random_tensor(4, 6, AGENTS, ACTIONS).argmax(-1), ACTIONS)
    joint = mixer(values, values + 1.0, actions, state)
    torch.testing.assert_close(joint[2, 3], mixer(values[2, 3], values[2, 3] + 1.0, actions[2, 3], state[2, 3]))


def test_another_number_of_agents_is_refused() -> None:
    with pytest.raises(ShapeError):
        make_mixer()(torch.zeros(1, 2), torch.zeros(1, 2), torch.zeros(1, 2, ACTIONS), torch.zeros(1, STATE))


def test_the_kernels_are_separate_perceptrons() -> None:
    kernels = KernelPerceptrons(2, 4, 5, 3)
    inputs = random_tensor(7, 4)
    for index in range(2):
        layers = [(weight[index].T, bias[index]) for weight, bias in zip(kernels.weights, kernels.biases, strict=True)]
        hidden = torch.relu(functional.linear(inputs, *layers[0]))
        torch.testing.assert_close(kernels(inputs)[:, index], functional.linear(hidden, *layers[1]))


def test_the_kernels_start_within_the_bounds_of_linear_layers() -> None:
    kernels = KernelPerceptrons(10, 16, 64, 1)
    for weight, bias in zip(kernels.weights, kernels.biases, strict=True):
        bound = weight.shape[1] ** -0.5
        linear = nn.Linear(weight.shape[1], 8)
        assert linear.weight.abs().max() <= bound  # what torch does
        assert weight.abs().max() <= bound
        assert bias.abs().max() <= bound
        assert weight.abs().max() > 0.9 * bound
