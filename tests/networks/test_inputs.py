from __future__ import annotations

import numpy as np
import torch

from rmix_kit.networks import AgentInputs
from rmix_kit.testing.episodes import float_spec, make_spec


def test_integer_elements_become_one_hot() -> None:
    inputs = AgentInputs(make_spec(obs_values=3))
    coded = inputs(torch.tensor([[2, 0]], dtype=torch.int8), torch.zeros(1, 3), torch.zeros(1, 2))
    assert coded[0, :6].tolist() == [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]


def test_last_action_and_agent_follow_the_observation() -> None:
    inputs = AgentInputs(make_spec(obs_values=3))
    coded = inputs(torch.zeros(1, 2, dtype=torch.int8), torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    assert coded[0, 6:].tolist() == [0.0, 1.0, 0.0, 0.0, 1.0]


def test_the_size_is_that_of_the_result() -> None:
    for spec in (make_spec(), float_spec()):
        inputs = AgentInputs(spec)
        obs = torch.from_numpy(np.zeros((4, *spec.obs_shape), dtype=spec.obs_dtype))
        assert inputs(obs, torch.zeros(4, 3), torch.zeros(4, 2)).shape == (4, inputs.size)


def test_the_coding_adds_nothing_to_a_checkpoint() -> None:
    assert AgentInputs(make_spec()).state_dict() == {}
