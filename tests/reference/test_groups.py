"""Which parameters each group steps, and in which order the groups step: as the papers say, name by name."""

from __future__ import annotations

import pytest

from rmix_kit.testing.episodes import make_spec
from tests.reference.cases import CASES, stirred

AGENT = ("agent.encoder.", "agent.head.")
PREDICTOR = ("agent.predictor.",)
MONOTONIC = ("mixer.first_weights.", "mixer.first_bias.", "mixer.final_weights.", "mixer.state_value.")
CENTRAL = ("central_agent.encoder.", "central_agent.head.", "central_mixer.joint.", "central_mixer.state_value.")
DUPLEX = tuple(f"mixer.{part}." for part in ("scale", "shift", "keys", "agents", "joint_actions"))
CRITIC = ("critic.body.", "critic.head.")

OWNED: dict[str, dict[str, tuple[str, ...]]] = {
    "iql": {"td": AGENT},
    "vdn": {"td": AGENT},
    "qmix": {"td": AGENT + MONOTONIC},
    "qplex": {"td": AGENT + DUPLEX},
    "qtran": {"td": (*AGENT, "joint_value.encoder.", "joint_value.head.", "state_value.layers.")},
    "cw-qmix": {"td": AGENT + MONOTONIC + CENTRAL},
    "ow-qmix": {"td": AGENT + MONOTONIC + CENTRAL},
    "coma": {"critic": CRITIC, "actor": AGENT},
    "dop": {"critic": (*CRITIC, "critic.baseline.", "mixer.weight_layers.", "mixer.bias_layers."), "actor": AGENT},
    "lh-iqn": {"quantile": (*AGENT, "agent.tau_layer.")},
    "dmix": {"quantile": (*AGENT, "agent.tau_layer.", *MONOTONIC)},
    "ddn": {"quantile": (*AGENT, "agent.tau_layer.")},
    "riskq": {"quantile": (*AGENT, "mixer.scores.", "mixer.scale.", "mixer.shift.")},
    "rmix-averse": {"quantile": AGENT},
    "rdn": {"td": AGENT + PREDICTOR, "quantile": AGENT},
    "rmix": {"td": AGENT + PREDICTOR + MONOTONIC, "quantile": AGENT},
    "rmix, no risk gradient": {"td": AGENT + MONOTONIC, "quantile": AGENT},
    "rmix, static level": {"td": AGENT + MONOTONIC, "quantile": AGENT},
    "rmix, wang at one level": {"td": AGENT + MONOTONIC, "quantile": AGENT},
}
"""By case, or by algorithm where all its cases agree; by group: the beginnings of its parameters' names."""


@pytest.mark.parametrize("name", CASES)
def test_every_group_owns_exactly_the_parameters_that_its_loss_is_for(name: str) -> None:
    algorithm = CASES[name]
    online, _ = stirred(algorithm, make_spec(), 0)
    expected = OWNED.get(name, OWNED[algorithm.name])
    assert list(algorithm.optimizers()) == list(expected)
    for group, beginnings in expected.items():
        owned = algorithm.parameters_of(group, online)
        assert set(owned) == {key for key, _ in online.named_parameters() if key.startswith(beginnings)}
        assert all(any(key.startswith(beginning) for key in owned) for beginning in beginnings)
        assert all(owned[key] is online.get_parameter(key) for key in owned)
