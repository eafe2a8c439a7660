from __future__ import annotations

import pytest
import torch

from rmix_kit.errors import ShapeError
from rmix_kit.mixers import CentralMixer
from rmix_kit.mixers.mixer import perceptron


def make_mixer(seed: int = 0) -> CentralMixer:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CentralMixer(2, 3, embed_size=8)


def test_the_central_value_may_fall_when_an_agents_value_rises() -> None:
    slopes = []
    for seed in range(5):
        values = torch.zeros(1, 2, requires_grad=True)
        slopes.append(torch.autograd.grad(make_mixer(seed)(values, torch.ones(1, 3)).sum(), [values])[0])
    assert torch.cat(slopes).min() < 0 < torch.cat(slopes).max()


def test_the_central_value_adds_a_value_of_the_state() -> None:
    mixer, values, state = make_mixer(), torch.ones(4, 5, 2), torch.ones(4, 5, 3)
    expected = mixer.joint(torch.cat([state, values], -1)) + mixer.state_value(state)
    torch.testing.assert_close(mixer(values, state), expected.squeeze(-1))


def test_another_number_of_agents_is_refused() -> None:
    with pytest.raises(ShapeError):
        make_mixer()(torch.zeros(1, 3), torch.zeros(1, 3))


def test_a_perceptron_has_a_relu_between_its_layers_and_none_at_its_end() -> None:
    kinds = [type(layer).__name__ for layer in perceptron(2, 3, 4, 1)]
    assert kinds == ["Linear", "ReLU", "Linear", "ReLU", "Linear"]
