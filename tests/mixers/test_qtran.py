from __future__ import annotations

import pytest
import torch
from torch import Tensor

from rmix_kit.errors import ShapeError
from rmix_kit.mixers import JointValue, StateValue
from rmix_kit.networks.unroll import one_hot_actions


def make_network(seed: int = 0) -> JointValue:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return JointValue(3, 4, 5, embed_size=8)


def random_inputs(*leading: int) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    actions = torch.randint(3, (*leading, 2), generator=generator)
    hidden_states = torch.randn(*leading, 2, 5, generator=generator)
    return hidden_states, one_hot_actions(actions, 3), torch.randn(*leading, 4, generator=generator)


def test_the_agents_features_are_added_before_the_head() -> None:
    network, (hidden_states, actions, state) = make_network(), random_inputs(6)
    pairs = [network.encoder(torch.cat([hidden_states[:, i], actions[:, i]], -1)) for i in range(2)]
    expected = network.head(torch.cat([state, pairs[0] + pairs[1]], -1)).squeeze(-1)
    torch.testing.assert_close(network(hidden_states, actions, state), expected)


def test_the_joint_value_does_not_depend_on_the_order_of_agents_but_on_who_does_what() -> None:
    network, (hidden_states, actions, state) = make_network(), random_inputs(6)
    joint = network(hidden_states, actions, state)
    torch.testing.assert_close(network(hidden_states.flip(-2), actions.flip(-2), state), joint)
    differ = (actions[:, 0] != actions[:, 1]).any(-1)
    assert (network(hidden_states, actions.flip(-2), state)[differ] != joint[differ]).all()


def test_the_networks_keep_leading_axes() -> None:
    network, (hidden_states, actions, state) = make_network(), random_inputs(4, 6)
    joint = network(hidden_states, actions, state)
    torch.testing.assert_close(joint[2, 3], network(hidden_states[2, 3], actions[2, 3], state[2, 3]))
    assert StateValue(4, embed_size=8)(state).shape == (4, 6)


def test_another_state_is_refused() -> None:
    hidden_states, actions, state = random_inputs(2)
    with pytest.raises(ShapeError):
        make_network()(hidden_states, actions, state[:, :3])
