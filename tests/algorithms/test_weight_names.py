"""Checkpoints know weights by name, and a seed draws them in one order: both stay as they were."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from rmix_kit.algorithms import ALGORITHMS, Algorithm
from rmix_kit.algorithms.dop import DOP
from rmix_kit.algorithms.wqmix import CWQMIX
from rmix_kit.mixers import CentralMixer, QMixer
from rmix_kit.mixers.dop import LinearMixer
from rmix_kit.networks.critics import LocalCritic
from rmix_kit.networks.value import ValueAgent
from tests.algorithms.cases import SPEC, build, small


def under(prefix: str, *names: str) -> list[str]:
    return [f"{prefix}.{name}" for name in names]


def linear(*names: str) -> list[str]:
    return [f"{name}.{kind}" for name in names for kind in ("weight", "bias")]


def layers(name: str, count: int) -> list[str]:
    """A perceptron's linear layers, a ReLU between each two."""
    return linear(*(f"{name}.{2 * index}" for index in range(count)))


def kernels(name: str) -> list[str]:
    return [f"{name}.{kind}.{index}" for kind in ("weights", "biases") for index in range(3)]


GRU = [f"gru.{name}_l0" for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
ENCODER = under("encoder", *linear("input_layer"), *GRU)
VALUES = [*ENCODER, *linear("head")]
AGENT = under("agent", *VALUES)
PREDICTOR = under("agent.predictor", *ENCODER, "embed_current.weight", "embed_history.weight")
QMIXER = [*layers("first_weights", 2), *linear("first_bias"), *layers("final_weights", 2), *layers("state_value", 2)]
MONOTONIC = under("mixer", *QMIXER)
CENTRAL = under("central_agent", *VALUES) + under("central_mixer", *layers("joint", 4), *layers("state_value", 2))
DUPLEX = [*layers("scale", 2), *layers("shift", 2), *kernels("keys"), *kernels("agents"), *kernels("joint_actions")]
CRITIC = under("critic", *layers("body", 2), *linear("head"))
NAMES = {
    "rmix": AGENT + PREDICTOR + MONOTONIC,
    "rdn": AGENT + PREDICTOR,
    "rmix-averse": AGENT,
    "iql": AGENT,
    "vdn": AGENT,
    "qmix": AGENT + MONOTONIC,
    "qtran": AGENT
    + under("joint_value", *layers("encoder", 2), *layers("head", 3))
    + under("state_value", *layers("layers", 3)),
    "cw-qmix": AGENT + MONOTONIC + CENTRAL,
    "ow-qmix": AGENT + MONOTONIC + CENTRAL,
    "qplex": AGENT + under("mixer", *DUPLEX),
    "coma": AGENT + CRITIC,
    "dop": AGENT
    + CRITIC
    + linear("critic.baseline")
    + under("mixer", *layers("weight_layers", 2), *layers("bias_layers", 2)),
    "lh-iqn": under("agent", *ENCODER, *linear("tau_layer", "head")),
    "dmix": under("agent", *ENCODER, *linear("tau_layer", "head")) + MONOTONIC,
    "ddn": under("agent", *ENCODER, *linear("tau_layer", "head")),
    "riskq": AGENT + under("mixer", *layers("scores", 2), *layers("scale", 2), *layers("shift", 2)),
}


@pytest.mark.parametrize("kind", ALGORITHMS)
def test_weights_keep_their_names_and_their_order(kind: type[Algorithm]) -> None:
    assert list(build(small(kind))[0].state_dict()) == NAMES[kind.name]


def central_parts() -> dict[str, nn.Module]:
    sizes = (SPEC.n_agents, SPEC.state_size)
    return {
        "agent": ValueAgent(SPEC, hidden_size=8),
        "central_mixer": CentralMixer(*sizes, embed_size=8),
        "central_agent": ValueAgent(SPEC, hidden_size=8),
        "mixer": QMixer(*sizes, embed_size=4, hypernet_size=8),
    }


def linear_parts() -> dict[str, nn.Module]:
    return {
        "agent": ValueAgent(SPEC, hidden_size=8),
        "mixer": LinearMixer(SPEC.n_agents, SPEC.state_size, hypernet_size=8, is_normalised=False),
        "critic": LocalCritic(SPEC, hidden_size=256),
    }


@pytest.mark.parametrize(("kind", "parts"), [(CWQMIX, central_parts), (DOP, linear_parts)])
def test_a_seed_draws_the_parts_in_the_order_of_former_versions(kind: type[Algorithm], parts: object) -> None:
    assert callable(parts)
    networks = build(small(kind), seed=3)[0]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        drawn = parts()
    expected = {f"{name}.{key}": value for name, part in drawn.items() for key, value in part.state_dict().items()}
    assert expected.keys() == networks.state_dict().keys()
    assert all(torch.equal(value, expected[name]) for name, value in networks.state_dict().items())
