from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from exporters.contract import Policy, PolicySpec, TensorSpec
from exporters.errors import SpecError
from tests.exporters.policies import plain_policy, risk_aware_policy


@pytest.mark.parametrize("name", ["risk_aware", "plain"])
def test_spec_survives_json(specs: dict[str, PolicySpec], name: str) -> None:
    text = json.dumps(specs[name].to_json(), allow_nan=False)
    assert PolicySpec.from_json(json.loads(text)) == specs[name]


def test_infinite_bounds_survive_json() -> None:
    tensor = TensorSpec(name="x", shape=(2,), dtype="float32", low=(-math.inf, 0.0), high=(1.0, math.inf))
    assert TensorSpec.from_json(tensor.to_json()) == tensor


def test_numbers_of_numpy_and_lists_are_taken() -> None:
    low = np.full((2, 3), -1, dtype=np.float32)
    given = TensorSpec(name="obs", shape=[np.int64(2), 3], dtype="float32", low=low, high=[1] * 6)  # type: ignore[arg-type]
    written = TensorSpec(name="obs", shape=(2, 3), dtype="float32", low=(-1.0,) * 6, high=(1.0,) * 6)
    assert given == written
    whole = plain_policy().spec
    policy = replace(whole, obs=given, n_actions=np.int64(4), carry=list(whole.carry), action_meanings=list("abcd"))  # type: ignore[arg-type]
    assert PolicySpec.from_json(json.loads(json.dumps(policy.to_json()))) == policy
    assert hash(policy) == hash(replace(policy))


@pytest.mark.parametrize(("side", "value"), [("low", -1.0), ("high", ["a"]), ("shape", (1.5,)), ("shape", 3)])
def test_what_are_no_numbers_is_refused_by_name(side: str, value: object) -> None:
    with pytest.raises(SpecError, match=f"tensor 'obs': {side} is"):
        TensorSpec(**{"name": "obs", "shape": (1,), "dtype": "float32", side: value})  # type: ignore[arg-type]
    with pytest.raises(SpecError, match=r"n_actions is \('four',\); expected whole numbers"):
        replace(plain_policy().spec, n_actions="four")  # type: ignore[arg-type]


def test_tensors_of_a_risk_aware_policy_are_those_of_the_contract(specs: dict[str, PolicySpec]) -> None:
    spec = specs["risk_aware"]
    carry = ("last_action", "hidden_state", "previous_input", "risk_hidden_state")
    assert spec.input_names == ("obs", "avail_actions", "risk_level", *carry)
    following = tuple(f"next_{name}" for name in carry)
    assert spec.output_names == ("action", "action_values", "risk_level_used", "valid", *following)


def test_tensors_of_a_plain_policy_leave_the_risk_level_out(specs: dict[str, PolicySpec]) -> None:
    spec = specs["plain"]
    assert spec.input_names == ("obs", "avail_actions", "last_action", "hidden_state")
    assert spec.output_names == ("action", "action_values", "valid", "next_last_action", "next_hidden_state")


@pytest.mark.parametrize("make", [risk_aware_policy, plain_policy])
def test_test_policies_satisfy_the_protocol(make: object) -> None:
    assert callable(make)
    assert isinstance(make(), Policy)


def test_unknown_key_is_refused_by_name(specs: dict[str, PolicySpec]) -> None:
    with pytest.raises(SpecError, match="colour"):
        PolicySpec.from_json(specs["plain"].to_json() | {"colour": 1})


def test_missing_key_is_refused_by_name(specs: dict[str, PolicySpec]) -> None:
    table = specs["plain"].to_json()
    del table["carry"]
    with pytest.raises(SpecError, match="carry"):
        PolicySpec.from_json(table)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("agent_index", 1.5),
        ("agent_index", True),
        ("agent_id", None),
        ("action_meanings", [1]),
        ("carry", {}),
        ("obs", []),
        ("is_risk_aware", 1),
        ("default_risk_level", "high"),
    ],
)
def test_value_of_the_wrong_type_is_refused(specs: dict[str, PolicySpec], key: str, value: object) -> None:
    with pytest.raises(SpecError):
        PolicySpec.from_json(specs["risk_aware"].to_json() | {key: value})


@pytest.mark.parametrize(
    "change",
    [
        {"agent_index": 2},
        {"agent_id": ""},
        {"n_actions": 0},
        {"action_meanings": ("up",)},
        {"value_kind": "v"},
        {"default_risk_level": 0.0},
        {"default_risk_level": 1.5},
        {"n_risk_levels": 0},
        {"is_risk_aware": False},
        {"carry": (TensorSpec(name="last_action", shape=(3,), dtype="float32"),)},
        {"carry": (TensorSpec(name="obs", shape=(3,), dtype="float32"),)},
        {"obs": TensorSpec(name="observation", shape=(3,), dtype="float32")},
    ],
)
def test_contradicting_specification_is_refused(specs: dict[str, PolicySpec], change: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        replace(specs["risk_aware"], **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a b"},
        {"dtype": "float64"},
        {"shape": (0,)},
        {"low": (0.0,)},
        {"low": (math.nan, 0.0)},
        {"low": (2.0, 0.0), "high": (1.0, 1.0)},
    ],
)
def test_contradicting_tensor_is_refused(change: dict[str, object]) -> None:
    fields: dict[str, object] = {"name": "x", "shape": (2,), "dtype": "float32"}
    with pytest.raises(SpecError):
        TensorSpec(**(fields | change))  # type: ignore[arg-type]
