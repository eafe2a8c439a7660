"""Observations of unequal agents as arrays of one shape and dtype."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, Space
from numpy.typing import NDArray

from rmix_kit.envs.bounds import flat_bounds
from rmix_kit.errors import EnvironmentContractError

Array = NDArray[np.generic]

# What reaches the networks and the exported files; the rest is widened without loss or, for float64, rounded.
_DTYPES = {
    "bool": "int8",
    "int8": "int8",
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "int32",
    "int32": "int32",
    "int64": "int64",
    "float16": "float32",
    "float32": "float32",
    "float64": "float32",
}


@dataclass(frozen=True, kw_only=True)
class ObservationCoding:
    """How one team's observations become equal arrays.

    Attributes:
        where: The environment, for errors.
        boxes: Each agent's own observation as a box; a Discrete observation is a one-hot box.
        starts: First value of a Discrete observation by agent.
        shape: The common shape; smaller observations are padded with zeros at the end of each axis.
        dtype: The common dtype.
        low: Lower bound over all agents and the padding, flattened.
        high: Upper bound likewise.
    """

    where: str
    boxes: Mapping[str, Box]
    starts: Mapping[str, int]
    shape: tuple[int, ...]
    dtype: str
    low: tuple[float, ...]
    high: tuple[float, ...]

    def encode(self, agent: str, raw: object) -> Array:
        """Give one agent's observation in the common shape.

        Args:
            agent: Its name.
            raw: What the environment gave: an array, a number, or a dict with the key ``observation``.

        Raises:
            EnvironmentContractError: It does not fit the agent's observation space.
        """
        if isinstance(raw, Mapping):
            raw = raw.get("observation")
        box = self.boxes[agent]
        if agent in self.starts:
            value: Array = np.zeros(box.shape, dtype=self.dtype)
            index = int(np.asarray(raw)) - self.starts[agent]
            if not 0 <= index < box.shape[0]:
                raise EnvironmentContractError(f"{self.where}: {agent} observed {raw}, which is not in its Discrete")
            value[index] = 1
        else:
            value = np.asarray(raw)
            self._check(agent, value, box)
            value = value.astype(self.dtype, copy=False)
        if value.shape == self.shape:
            return value
        return np.pad(value, [(0, full - size) for full, size in zip(self.shape, value.shape, strict=True)])

    def _check(self, agent: str, value: Array, box: Box) -> None:
        if value.shape != box.shape or value.dtype.kind not in "biuf":
            raise EnvironmentContractError(
                f"{self.where}: {agent} observed {value.dtype} {value.shape}; its observation space says {box.shape}"
            )
        if not np.isfinite(value).all():
            raise EnvironmentContractError(f"{self.where}: {agent}'s observation is not finite")
        if not bool(np.greater_equal(value, box.low).all() and np.less_equal(value, box.high).all()):
            raise EnvironmentContractError(
                f"{self.where}: {agent}'s observation lies between {value.min()} and {value.max()}, outside its "
                "observation space; widen the space, since exported agents refuse what lies outside"
            )


def observation_coding(spaces: Mapping[str, Space[Any]], where: str) -> ObservationCoding:
    """Find the common shape, dtype and bounds.

    Args:
        spaces: Observation space by agent.
        where: The environment, for errors.

    Raises:
        EnvironmentContractError: A space is of another sort, or the shapes differ in rank.
    """
    boxes, starts = {}, {}
    for agent, space in spaces.items():
        inner = space.spaces.get("observation") if isinstance(space, Dict) else space
        if isinstance(inner, Discrete):
            starts[agent] = int(inner.start)
            inner = MultiBinary(int(inner.n))
        if isinstance(inner, MultiBinary):
            inner = Box(low=0, high=1, shape=inner.shape, dtype=np.int8)
        if not isinstance(inner, Box) or str(inner.dtype) not in _DTYPES:
            raise EnvironmentContractError(
                f"{where}: the observation space of {agent} is {space}; expected a Box of numbers, a Discrete, "
                "or a Dict with the keys observation and action_mask"
            )
        boxes[agent] = inner
    shapes = {box.shape for box in boxes.values()}
    if len({len(shape) for shape in shapes}) > 1 or shapes == {()}:
        raise EnvironmentContractError(
            f"{where}: observations have the shapes {sorted(shapes)}; they must have equally many axes, at least one"
        )
    shape = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    low, high = _joint_bounds(list(boxes.values()), shape)
    dtype = _DTYPES[str(np.result_type(*(np.dtype(_DTYPES[str(box.dtype)]) for box in boxes.values())))]
    return ObservationCoding(where=where, boxes=boxes, starts=starts, shape=shape, dtype=dtype, low=low, high=high)


def _joint_bounds(boxes: list[Box], shape: tuple[int, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give bounds that hold for every agent; an element that some agent lacks may be zero."""
    lows, highs = [], []
    for box in boxes:
        pads = [(0, full - size) for full, size in zip(shape, box.shape, strict=True)]
        own_low, own_high = (np.reshape(bounds, box.shape) for bounds in flat_bounds(box))
        lows.append(np.pad(own_low, pads))
        highs.append(np.pad(own_high, pads))
    low, high = np.min(lows, axis=0).reshape(-1), np.max(highs, axis=0).reshape(-1)
    return tuple(map(float, low)), tuple(map(float, high))
