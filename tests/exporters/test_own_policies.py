"""Freezing policies of one's own: plain modules get the guards, and what cannot be frozen is told in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import exporters
from exporters.bundle import read_manifest
from exporters.contract import Policy, PolicySpec, TensorSpec
from exporters.errors import ExportError, PolicyError, SpecError
from exporters.runtime import OnnxTeam
from tests.exporters.policies import TorchPolicy, carry_spec, float_obs_spec, obs_spec, plain_policy

ALL = np.ones(4, dtype=np.bool_)


def plain_spec(**changes: object) -> PolicySpec:
    whole = {"agent_id": "a", "agent_index": 0, "n_agents": 1, "algorithm": "mine", "obs": float_obs_spec()}
    return PolicySpec(**whole | {"n_actions": 4} | changes)  # type: ignore[arg-type]


def head(size: int = 5) -> nn.Sequential:
    return nn.Sequential(nn.Linear(size, 8), nn.ReLU(), nn.Linear(8, 4)).eval()


class Recurrent(nn.Module):
    """A network with memory and dial, as its author would write it: no guards, no choice, no last action."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head = nn.GRUCell(9 + 4, 6), nn.Linear(6, 4)

    def forward(
        self, obs: Tensor, risk_level: Tensor, last_action: Tensor, hidden_state: Tensor, picture: Tensor
    ) -> tuple[Tensor, ...]:
        hidden = self.body(torch.cat([obs.flatten(1), last_action], -1), hidden_state)
        level = torch.where(risk_level > 0, risk_level, 0.5)
        return self.head(hidden) * level.unsqueeze(-1), level, hidden, 0.5 * picture + obs


RECURRENT = plain_spec(
    obs=obs_spec(),
    is_risk_aware=True,
    default_risk_level=0.5,
    carry=(
        carry_spec("last_action", 4),
        carry_spec("hidden_state", 6),
        TensorSpec(name="picture", shape=(3, 3), dtype="float32"),
    ),
)


@pytest.mark.parametrize("high", [None, (-1.0,) * 5], ids=["no bounds", "below zero"])
def test_a_plain_module_needs_no_guards_of_its_own(high: tuple[float, ...] | None, tmp_path: Path) -> None:
    spec = plain_spec(obs=TensorSpec(name="obs", shape=(5,), dtype="float32", high=high))
    policy = exporters.guarded(head(), spec)
    assert isinstance(policy, Policy)
    team = OnnxTeam(exporters.freeze(policy, tmp_path / "out", "onnx"), on_invalid="return")
    legal = np.full(5, -2.0, dtype=np.float32)
    only_two = np.array([False, False, True, False])
    assert team.act({"a": legal}, {"a": only_two}) == {"a": 2}
    assert team.act({"a": legal * np.float32(np.nan)}, {"a": ALL}) == {"a": -1}
    assert team.act({"a": legal}, {"a": ~ALL}) == {"a": -1}


def test_a_module_with_memory_and_dial_is_guarded_in_both_formats(tmp_path: Path) -> None:
    folder = exporters.freeze(exporters.guarded(Recurrent().eval(), RECURRENT), tmp_path / "out")
    figures = read_manifest(folder).parity["a"]
    assert isinstance(figures, dict)
    assert {figure["refused_rows"] > 50 for figure in figures.values()} == {True}


def test_guarded_takes_a_module_and_a_specification() -> None:
    with pytest.raises(SpecError, match="module is a TorchPolicy; expected a torch.nn.Module"):
        exporters.guarded(plain_policy(), plain_spec())  # type: ignore[arg-type]
    with pytest.raises(SpecError, match="spec is a dict; expected an exporters.PolicySpec"):
        exporters.guarded(head(), {})  # type: ignore[arg-type]


def test_numbers_of_numpy_are_facts(tmp_path: Path) -> None:
    facts = {"seed": np.int64(3), "best": np.float32(0.5), "won": np.bool_(True), "mean": np.array(2.0)}
    folder = exporters.freeze(exporters.guarded(head(), plain_spec()), tmp_path / "out", "torchscript", facts=facts)
    assert read_manifest(folder).facts == {"seed": 3, "best": 0.5, "won": True, "mean": 2.0}


@pytest.mark.parametrize("facts", [{"x": np.float32("nan")}, {"x": np.zeros(2)}, {"x": object()}])
def test_facts_that_are_no_json_are_refused(facts: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="facts cannot be written as JSON"):
        exporters.freeze(exporters.guarded(head(), plain_spec()), tmp_path / "out", "onnx", facts=facts)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (head(), r"policies is a Sequential; expected a policy.*exporters\.guarded\(module, spec\)"),
        (nn.Linear(5, 4), "policies is a Linear; expected a policy"),
        ([{"spec": plain_spec(), "module": head()}], r"policies\[0\] is a dict; expected a policy"),
        ({"a": plain_policy()}, "policies is a dict; expected a policy"),
        ([plain_policy(), head()], r"policies\[1\] is a Sequential"),
        (TorchPolicy({}, head()), "policies is a TorchPolicy; expected a policy, with a PolicySpec as spec"),  # type: ignore[arg-type]
        (None, "policies is a NoneType"),
    ],
)
def test_what_is_no_policy_is_refused_in_one_line(given: object, words: str, tmp_path: Path) -> None:
    assert len(_refused(given, words, SpecError, tmp_path, "onnx").splitlines()) == 1


class Branching(nn.Module):
    """Decides by a value."""

    def __init__(self) -> None:
        super().__init__()
        self.head = head()

    def forward(self, obs: Tensor) -> Tensor:
        if obs.sum() > 0:
            obs = 2 * obs
        return self.head(obs)


class Drawing(nn.Module):
    """The contract kept by hand, but that the action is drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.head = head()

    def forward(self, obs: Tensor, avail_actions: Tensor) -> tuple[Tensor, ...]:
        valid = obs.isfinite().all(-1) & avail_actions.any(-1)
        values = self.head(torch.where(valid.unsqueeze(-1), obs, 0.0)).softmax(-1)
        return torch.multinomial(values, 1)[:, 0], values, valid


class Dropping(nn.Module):
    """Leaves out numbers whatever mode it is in."""

    def __init__(self) -> None:
        super().__init__()
        self.head = head()

    def forward(self, obs: Tensor) -> Tensor:
        return nn.functional.dropout(self.head(obs))


@pytest.mark.parametrize("format_name", ["onnx", "torchscript"])
@pytest.mark.parametrize(
    ("module", "words"),
    [
        (head().double(), r"dtype.*; it has float64 weights \(inner\.0\.weight\): call float\(\) on it"),
        (
            nn.Sequential(nn.Linear(5, 4), nn.Dropout()).train(),
            r"in train mode.*dropout inner\.1 \(Dropout\).*eval\(\)",
        ),
        (nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4)).train(), r"train mode.*inner\.1 \(BatchNorm1d\)"),
        (Branching(), r"decides by the value of a tensor at \S*test_own_policies.py:\d+ \(if obs\.sum\(\) > 0:\)"),
        (Dropping(), "gives other action, action_values when it is asked the same again"),
        (nn.Linear(6, 4), "fails on inputs of its specification: RuntimeError"),
        (
            nn.Linear(5, 3),
            r"the guarded module gives action_values as \(64, 3\); expected action_values",
        ),
        (nn.LSTM(5, 4), "the guarded module gives 2 values; expected tensors: action_values"),
    ],
)
def test_a_module_that_cannot_be_frozen_is_refused_in_one_line(
    module: nn.Module, words: str, format_name: str, tmp_path: Path
) -> None:
    policy = exporters.guarded(module, plain_spec(obs=replace(float_obs_spec(), low=None, high=None)))
    said = _refused(policy, words, PolicyError, tmp_path, format_name)
    assert len(said.splitlines()) == 1, said


def test_a_drawn_action_is_told_to_be_exported_as_probabilities(tmp_path: Path) -> None:
    policy = TorchPolicy(plain_spec(value_kind="probability"), Drawing())
    _refused(policy, 'draws its action; export probabilities.*value_kind="probability"', PolicyError, tmp_path, "onnx")


def test_train_mode_without_dropout_is_the_same_policy(tmp_path: Path) -> None:
    assert exporters.freeze(exporters.guarded(head().train(), plain_spec()), tmp_path / "out", "torchscript").is_dir()


def _refused(given: object, words: str, kind: type[ExportError], place: Path, format_name: str) -> str:
    with pytest.raises(kind, match=words) as caught:
        exporters.freeze(given, place / "out", format_name)  # type: ignore[arg-type]
    assert list(place.iterdir()) == []
    return str(caught.value)
