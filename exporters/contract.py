"""The signature that every policy shares: tensors, specification, protocol. Standard library only.

A policy is one function of one agent, `obs, avail_actions, [risk_level,] *carry -> action, action_values,
[risk_level_used,] valid, *next_carry`. Everything with a batch has it as the first axis; shapes here leave it out.
A carry of zeros is the start of an episode. The trainer imports this, never the reverse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from operator import index
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from exporters.errors import SpecError

if TYPE_CHECKING:
    import torch

DTYPES = ("bool", "int8", "uint8", "int16", "int32", "int64", "float32")
VALUE_KINDS = ("cvar", "var", "wang", "q", "probability")
LAST_ACTION = "last_action"


@dataclass(frozen=True, kw_only=True)
class TensorSpec:
    """Name, shape, type and bounds of one tensor.

    Attributes:
        name: name of the graph input or output.
        shape: axes after the batch axis; () is one number per batch row.
        dtype: one of `DTYPES`.
        low: smallest legal value of each element, flattened in C order; None where there is no bound. An array of the
            tensor's shape, as a Gymnasium space has it, is flattened.
        high: largest legal value of each element, likewise.
        description: one sentence for the reader of a manifest.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    low: tuple[float, ...] | None = None
    high: tuple[float, ...] | None = None
    description: str = ""

    def __post_init__(self) -> None:
        for side, kind in (("shape", index), ("low", float), ("high", float)):
            if (given := getattr(self, side)) is not None:
                object.__setattr__(self, side, _flat(given, kind, f"tensor {self.name!r}: {side}"))
        if not self.name.isidentifier():
            raise SpecError(f"tensor name {self.name!r} must be a plain identifier such as 'obs'")
        if self.dtype not in DTYPES:
            raise SpecError(f"tensor {self.name!r} has dtype {self.dtype!r}; expected one of {', '.join(DTYPES)}")
        if any(size < 1 for size in self.shape):
            raise SpecError(f"tensor {self.name!r} has shape {self.shape}; every axis must be at least 1")
        for side, bounds in (("low", self.low), ("high", self.high)):
            if bounds is not None and len(bounds) != self.size:
                raise SpecError(f"tensor {self.name!r}: {side} has {len(bounds)} values, its shape needs {self.size}")
            if bounds is not None and any(math.isnan(value) for value in bounds):
                raise SpecError(f"tensor {self.name!r}: {side} contains NaN; leave the bound out or use infinity")
        if any(low > high for low, high in zip(self.low or (), self.high or (), strict=False)):
            raise SpecError(f"tensor {self.name!r}: low is above high in at least one element")

    @property
    def size(self) -> int:
        """Number of elements per batch row."""
        return math.prod(self.shape)

    @property
    def form(self) -> str:
        """Type and shape with the batch axis, such as "int8 [batch, 3, 3]"."""
        return f"{self.dtype} [{', '.join(('batch', *map(str, self.shape)))}]"

    def to_json(self) -> dict[str, object]:
        """Return a JSON-able mapping; infinite bounds become the strings "inf" and "-inf"."""
        return {
            "name": self.name,
            "shape": list(self.shape),
            "dtype": self.dtype,
            "low": _bounds_to_json(self.low),
            "high": _bounds_to_json(self.high),
            "description": self.description,
        }

    @classmethod
    def from_json(cls, data: object) -> TensorSpec:
        """Read what `to_json` wrote.

        Raises:
            SpecError: for a missing or unknown key or a value of the wrong type.
        """
        table = _known_keys(data, cls)
        return cls(
            name=_text(table, "name"),
            shape=tuple(_integer(size, "shape") for size in _list(table, "shape")),
            dtype=_text(table, "dtype"),
            low=_bounds_from_json(table["low"]),
            high=_bounds_from_json(table["high"]),
            description=_text(table, "description"),
        )


@dataclass(frozen=True, kw_only=True)
class PolicySpec:
    """Everything a stranger needs to run one agent's policy.

    Attributes:
        agent_id: name of the agent in its environment.
        agent_index: position in the team, from 0; baked into the policy.
        n_agents: size of the team.
        algorithm: roster name of the algorithm, for the reader.
        obs: the raw observation as the environment gives it; its name is "obs".
        n_actions: size of the discrete action set.
        action_meanings: one word per action, or empty.
        carry: the recurrent memory, in input order; all zero at the start of an episode.
        is_risk_aware: True if the policy takes `risk_level` and gives `risk_level_used`.
        default_risk_level: what `risk_level` 0 stands for, in (0, 1]; None if a predictor decides at each step.
        n_risk_levels: number of levels the predictor chooses from; None without a predictor.
        value_kind: what `action_values` are: a risk measure of the return ("cvar", "var", "wang"), its mean ("q"), or
            "probability".
    """

    agent_id: str
    agent_index: int
    n_agents: int
    algorithm: str
    obs: TensorSpec
    n_actions: int
    action_meanings: tuple[str, ...] = ()
    carry: tuple[TensorSpec, ...] = ()
    is_risk_aware: bool = False
    default_risk_level: float | None = None
    n_risk_levels: int | None = None
    value_kind: str = "q"

    def __post_init__(self) -> None:
        for name in ("carry", "action_meanings"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        for name in ("agent_index", "n_agents", "n_actions"):
            object.__setattr__(self, name, _flat((getattr(self, name),), index, name)[0])
        if not 0 <= self.agent_index < self.n_agents:
            raise SpecError(
                f"agent_index {self.agent_index} is not in 0..{self.n_agents - 1} (n_agents {self.n_agents})"
            )
        if not self.agent_id:
            raise SpecError("agent_id is empty; use the agent's name in the environment")
        if self.obs.name != "obs":
            raise SpecError(f"the observation is named {self.obs.name!r}; it must be named 'obs'")
        if self.n_actions < 1:
            raise SpecError(f"n_actions is {self.n_actions}; it must be at least 1")
        if self.action_meanings and len(self.action_meanings) != self.n_actions:
            raise SpecError(f"{len(self.action_meanings)} action_meanings for {self.n_actions} actions")
        if self.value_kind not in VALUE_KINDS:
            raise SpecError(f"value_kind is {self.value_kind!r}; expected one of {', '.join(VALUE_KINDS)}")
        if len({*self.input_names, *self.output_names}) != len(self.input_names) + len(self.output_names):
            raise SpecError(f"two tensors share a name among {(*self.input_names, *self.output_names)}")
        self._check_carry()
        self._check_risk()

    def _check_carry(self) -> None:
        for tensor in self.carry:
            if tensor.name == LAST_ACTION and tensor.shape != (self.n_actions,):
                raise SpecError(
                    f"carry {LAST_ACTION!r} has shape {tensor.shape}; expected ({self.n_actions},), one-hot"
                )

    def _check_risk(self) -> None:
        if not self.is_risk_aware and (self.default_risk_level is not None or self.n_risk_levels is not None):
            raise SpecError("default_risk_level and n_risk_levels are for risk-aware policies; set is_risk_aware")
        if self.default_risk_level is not None and not 0.0 < self.default_risk_level <= 1.0:
            raise SpecError(f"default_risk_level is {self.default_risk_level}; it must be in (0, 1] (1 = risk-neutral)")
        if self.n_risk_levels is not None and self.n_risk_levels < 1:
            raise SpecError(f"n_risk_levels is {self.n_risk_levels}; it must be at least 1")

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The input tensors in the order of the module's arguments."""
        mask = TensorSpec(
            name="avail_actions", shape=(self.n_actions,), dtype="bool", description="True = the action is allowed"
        )
        level = TensorSpec(
            name="risk_level", shape=(), dtype="float32", description="in (0, 1], 1 = risk-neutral; 0 = dynamic"
        )
        return (self.obs, mask, *((level,) if self.is_risk_aware else ()), *self.carry)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The output tensors in the order of the module's result."""
        action = TensorSpec(name="action", shape=(), dtype="int64", description="greedy action; -1 where not valid")
        values = TensorSpec(
            name="action_values", shape=(self.n_actions,), dtype="float32", description=f"{self.value_kind}, unmasked"
        )
        used = TensorSpec(name="risk_level_used", shape=(), dtype="float32", description="the level that decided")
        valid = TensorSpec(name="valid", shape=(), dtype="bool", description="False = a guard refused the inputs")
        following = (replace(tensor, name=f"next_{tensor.name}") for tensor in self.carry)
        return (action, values, *((used,) if self.is_risk_aware else ()), valid, *following)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of `inputs`: obs, avail_actions, [risk_level,] *carry."""
        return tuple(tensor.name for tensor in self.inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of `outputs`: action, action_values, [risk_level_used,] valid, next_ + each carry name."""
        return tuple(tensor.name for tensor in self.outputs)

    def to_json(self) -> dict[str, object]:
        """Return a JSON-able mapping with every field."""
        return {
            "agent_id": self.agent_id,
            "agent_index": self.agent_index,
            "n_agents": self.n_agents,
            "algorithm": self.algorithm,
            "obs": self.obs.to_json(),
            "n_actions": self.n_actions,
            "action_meanings": list(self.action_meanings),
            "carry": [tensor.to_json() for tensor in self.carry],
            "is_risk_aware": self.is_risk_aware,
            "default_risk_level": self.default_risk_level,
            "n_risk_levels": self.n_risk_levels,
            "value_kind": self.value_kind,
        }

    @classmethod
    def from_json(cls, data: object) -> PolicySpec:
        """Read what `to_json` wrote.

        Raises:
            SpecError: for a missing or unknown key or a value of the wrong type.
        """
        table = _known_keys(data, cls)
        level, levels = table["default_risk_level"], table["n_risk_levels"]
        if not isinstance(table["is_risk_aware"], bool):
            raise SpecError(f"is_risk_aware is {table['is_risk_aware']!r}; expected true or false")
        meanings = _list(table, "action_meanings")
        if not all(isinstance(word, str) for word in meanings):
            raise SpecError("action_meanings must be a list of words")
        return cls(
            agent_id=_text(table, "agent_id"),
            agent_index=_integer(table["agent_index"], "agent_index"),
            n_agents=_integer(table["n_agents"], "n_agents"),
            algorithm=_text(table, "algorithm"),
            obs=TensorSpec.from_json(table["obs"]),
            n_actions=_integer(table["n_actions"], "n_actions"),
            action_meanings=tuple(str(word) for word in meanings),
            carry=tuple(TensorSpec.from_json(tensor) for tensor in _list(table, "carry")),
            is_risk_aware=table["is_risk_aware"],
            default_risk_level=None if level is None else _number(level, "default_risk_level"),
            n_risk_levels=None if levels is None else _integer(levels, "n_risk_levels"),
            value_kind=_text(table, "value_kind"),
        )


@runtime_checkable
class Policy(Protocol):
    """One agent's greedy policy: a specification and the torch module that satisfies it."""

    @property
    def spec(self) -> PolicySpec:
        """Names, shapes and types of everything that goes in and comes out."""
        ...

    def module(self) -> torch.nn.Module:
        """Return a module on the CPU: forward takes `spec.inputs` by position and returns a tuple of `spec.outputs`."""
        ...


def _flat(value: object, kind: Callable[[Any], float], what: str) -> tuple[float, ...]:
    """Return a list or an array of any shape as a flat tuple of Python's own numbers."""
    items: Any = value.ravel().tolist() if hasattr(value, "ravel") else value
    try:
        return tuple(kind(item) for item in items)
    except (TypeError, ValueError):
        raise SpecError(f"{what} is {value!r}; expected {'' if kind is float else 'whole '}numbers") from None


def _known_keys(data: object, cls: type[TensorSpec | PolicySpec]) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise SpecError(f"{cls.__name__} must be a JSON object, not {type(data).__name__}")
    expected = {field.name for field in fields(cls)}
    if unknown := sorted(str(key) for key in data.keys() - expected):
        raise SpecError(f"{cls.__name__} has unknown keys {unknown}; it was written by another version")
    if missing := sorted(expected - data.keys()):
        raise SpecError(f"{cls.__name__} lacks the keys {missing}")
    return data


def _text(table: Mapping[str, object], key: str) -> str:
    value = table[key]
    if not isinstance(value, str):
        raise SpecError(f"{key} is {value!r}; expected text")
    return value


def _list(table: Mapping[str, object], key: str) -> list[object]:
    value = table[key]
    if not isinstance(value, list):
        raise SpecError(f"{key} is {value!r}; expected a list")
    return value


def _integer(value: object, key: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise SpecError(f"{key} is {value!r}; expected a whole number")
    return value


def _number(value: object, key: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpecError(f"{key} is {value!r}; expected a number")
    try:
        return float(value)
    except OverflowError:
        raise SpecError(f"{key} is a number of too many digits; expected one that a float can hold") from None


def _bounds_to_json(bounds: tuple[float, ...] | None) -> list[object] | None:
    if bounds is None:
        return None
    return [float(value) if math.isfinite(value) else ("inf" if value > 0 else "-inf") for value in bounds]


def _bounds_from_json(value: object) -> tuple[float, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise SpecError(f"bounds are {value!r}; expected a list of numbers")
    return tuple(float(item) if item in ("inf", "-inf") else _number(item, "bound") for item in value)
