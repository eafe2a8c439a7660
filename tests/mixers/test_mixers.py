from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from rmix_kit.errors import ShapeError
from rmix_kit.mixers import QMixer, SumMixer


def make_mixer(seed: int = 0) -> QMixer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return QMixer(3, 5, embed_size=8, hypernet_size=16)


def random_tensor(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("seed", range(5))
def test_the_joint_value_never_falls_when_an_agents_value_rises(seed: int) -> None:
    values = (10 * random_tensor(200, 3, seed=seed)).requires_grad_()
    joint = make_mixer(seed)(values, 3 * random_tensor(200, 5, seed=seed + 100))
    (slope,) = torch.autograd.grad(joint.sum(), [values])
    assert (slope >= 0).all()


def test_the_mixer_can_fall_when_the_state_changes() -> None:
    values = torch.zeros(100, 3)
    joint = make_mixer()(values, 3 * random_tensor(100, 5))
    assert joint.min() < 0 < joint.max()


def set_linear(layer: torch.nn.Module, weight: list[list[float]], bias: list[float]) -> None:
    assert isinstance(layer, torch.nn.Linear)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(weight))
        layer.bias.copy_(torch.tensor(bias))


def test_the_mixer_follows_its_formula_on_hand_made_weights() -> None:
    mixer = QMixer(2, 1, embed_size=1, hypernet_size=1)
    set_linear(mixer.first_weights[0], [[1.0]], [0.0])
    set_linear(mixer.first_weights[2], [[-1.0], [0.5]], [0.0, 0.0])  # W1(s) = (-s, s / 2) for s > 0
    set_linear(mixer.first_bias, [[0.0]], [-3.0])
    set_linear(mixer.final_weights[0], [[1.0]], [0.0])
    set_linear(mixer.final_weights[2], [[-2.0]], [0.0])  # w2(s) = -2 s
    set_linear(mixer.state_value[0], [[1.0]], [0.0])
    set_linear(mixer.state_value[2], [[10.0]], [1.0])  # V(s) = 10 s + 1
    # s = 1: hidden = elu(1 * 1 + 2 * 0.5 - 3) = e^-1 - 1; Q_tot = 2 hidden + 11
    joint = mixer(torch.tensor([[1.0, 2.0]]), torch.tensor([[1.0]]))
    assert joint.item() == pytest.approx(2 * (math.exp(-1) - 1) + 11, abs=1e-6)


def test_the_first_weights_lie_agent_by_agent() -> None:
    # PyMARL's order, and that of every saved run: agent 0 has the first embed_size numbers, agent 1 the next.
    mixer = QMixer(2, 1, embed_size=2, hypernet_size=1)
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter.zero_()
        mixer.first_weights[2].bias.copy_(torch.tensor([1.0, -2.0, 3.0, 4.0]))
        mixer.final_weights[2].bias.copy_(torch.tensor([1.0, -10.0]))
    # hidden = (5 * 1 + 7 * 3, 5 * 2 + 7 * 4) = (26, 38); Q_tot = 26 + 10 * 38
    assert mixer(torch.tensor([[5.0, 7.0]]), torch.ones(1, 1)).item() == 406.0


def test_the_mixer_keeps_leading_axes() -> None:
    mixer, values, state = make_mixer(), random_tensor(4, 6, 3), random_tensor(4, 6, 5, seed=1)
    torch.testing.assert_close(mixer(values, state)[2, 3], mixer(values[2, 3], state[2, 3]))


def test_another_number_of_agents_is_refused() -> None:
    with pytest.raises(ShapeError):
        make_mixer()(torch.zeros(1, 2), torch.zeros(1, 5))


def test_the_sum_adds_the_agents_values() -> None:
    assert SumMixer()(torch.tensor([[1.0, 2.0, -4.0]]), torch.zeros(1, 5)).tolist() == [-1.0]


@pytest.mark.parametrize("seed", range(5))
def test_two_agents_gains_never_add_up_to_less_together(seed: int) -> None:
    # ELU is convex and the weights are non-negative, so Q_tot is convex along positive directions: a rise of two
    # agents together is worth at least the two rises alone. "Either agent is enough" is monotonic and out of reach.
    start, state = 3 * random_tensor(300, 3, seed=seed), 3 * random_tensor(300, 5, seed=seed + 100)
    rises = 3 * random_tensor(2, 300, seed=seed + 200).abs()  # [agent, sample]
    first, second = start.clone(), start.clone()
    first[:, 0] += rises[0]
    second[:, 1] += rises[1]
    mixer = make_mixer(seed)
    together, alone = mixer(first + second - start, state), mixer(first, state) + mixer(second, state)
    assert (together + mixer(start, state) - alone >= -1e-4).all()
