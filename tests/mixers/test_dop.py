from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rmix_kit.mixers.dop import LinearMixer


def make_mixer(*, is_normalised: bool, raw: list[float], bias: float = 3.0) -> LinearMixer:
    """A mixer whose hypernetworks give these numbers whatever the state, before the absolute value is taken."""
    mixer = LinearMixer(len(raw), 4, hypernet_size=8, is_normalised=is_normalised)
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter.zero_()
        mixer.weight_layers[2].bias.copy_(torch.tensor(raw))
        mixer.bias_layers[2].bias.fill_(bias)
    return mixer


def slope_of(mixer: LinearMixer, values: Tensor, state: Tensor) -> Tensor:
    leaf = values.clone().requires_grad_()
    (slope,) = torch.autograd.grad(mixer(leaf, state).sum(), [leaf])
    return slope


@pytest.mark.parametrize(
    ("is_normalised", "weights", "joint"),
    [
        (False, [1.5, 0.5], 2.0 * 1.5 - 4.0 * 0.5 + 3.0),
        (True, [0.75, 0.25], 2.0 * 0.75 - 4.0 * 0.25 + 3.0),
    ],
)
def test_the_joint_value_follows_its_formula_where_the_hypernetwork_is_negative(
    is_normalised: bool, weights: list[float], joint: float
) -> None:
    mixer = make_mixer(is_normalised=is_normalised, raw=[-1.5, 0.5])
    values, state = torch.tensor([[2.0, -4.0]]), torch.ones(1, 4)
    assert mixer.weights(state)[0].tolist() == pytest.approx(weights, abs=1e-6)  # float32, and eps in the norm
    assert mixer(values, state).item() == pytest.approx(joint, abs=1e-5)


@pytest.mark.parametrize("is_normalised", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_joint_value_never_falls_when_an_agents_value_rises(is_normalised: bool, seed: int) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        mixer = LinearMixer(3, 4, hypernet_size=8, is_normalised=is_normalised)
    generator = torch.Generator().manual_seed(seed)
    values, state = torch.randn(200, 3, generator=generator), 3 * torch.randn(200, 4, generator=generator)
    assert (mixer.weight_layers(state) < 0).any()  # before the absolute value
    assert (slope_of(mixer, values, state) >= 0).all()


def test_normalised_weights_that_are_all_zero_stay_finite() -> None:
    mixer = make_mixer(is_normalised=True, raw=[0.0, 0.0])
    assert mixer(torch.tensor([[2.0, -4.0]]), torch.ones(1, 4)).item() == 3.0
