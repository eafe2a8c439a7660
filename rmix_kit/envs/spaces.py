"""Observations of unequal agents as arrays of one shape and dtype."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space
from numpy.typing import NDArray

from rmix_kit.errors import EnvironmentContractError

Array = NDArray[np.generic]

# What reaches the networks and the exported files; the rest is widened without loss or, for large floats, rounded.
_DTYPES = {
    "bool": "int8",
    "int8": "int8",
    "uint8": "uint8",
    "int16": "int16",
    "uint16": "int32",
    "int32": "int32",
    "uint32": "int64",
    "int64": "int64",
    "uint64": "float32",
    "float16": "float32",
    "float32": "float32",
    "float64": "float32",
}
OBSERVATION = "observation"
MOST_VALUES = 1_000_000
"""Numbers with more values than this cannot be coded one-hot."""


class MisfitError(ValueError):
    """What an agent gave is not what its space says; the words say how, not where."""


def array_of(raw: object) -> Array:
    """Return what was observed as an array.

    Raises:
        MisfitError: It is none.
    """
    try:
        return np.asarray(raw)
    except Exception as error:
        raise MisfitError(f"{type(raw).__name__} was observed, which is no array ({error})") from error


@dataclass(frozen=True, kw_only=True)
class Numbering:
    """A Discrete or MultiDiscrete observation: so many values from a first one, in each place; coded one-hot.

    Attributes:
        sizes: Number of values of each place.
        starts: First value of each place.
    """

    sizes: tuple[int, ...]
    starts: tuple[int, ...]

    def encode(self, raw: object, dtype: str) -> Array:
        """Return the values one-hot, behind each other, ``[sum of sizes]``.

        Raises:
            MisfitError: They are not of the space.
        """
        values = array_of(raw).reshape(-1)
        if values.size != len(self.sizes) or values.dtype.kind not in "biuf" or not np.isfinite(values).all():
            raise MisfitError(f"{raw!r} was observed; expected {len(self.sizes)} whole number(s)")
        coded: Array = np.zeros(sum(self.sizes), dtype=dtype)
        place = 0
        for value, size, start in zip(values.tolist(), self.sizes, self.starts, strict=True):
            index = value - start
            if index != int(index) or not 0 <= index < size:
                raise MisfitError(f"{value} was observed, which is none of {start} to {start + size - 1}")
            coded[place + int(index)] = 1
            place += size
        return coded


@dataclass(frozen=True, kw_only=True)
class ObservationCoding:
    """How one team's observations become equal arrays.

    Attributes:
        boxes: Each agent's own observation as a box, one-hot where it is a numbering.
        numberings: The agents whose observations are numbers of something.
        shape: The common shape; smaller observations are padded with zeros at the end of each axis.
        dtype: The common dtype.
        low: Lower bound over all agents and the padding, flattened.
        high: Upper bound likewise.
    """

    boxes: Mapping[str, Box]
    numberings: Mapping[str, Numbering]
    shape: tuple[int, ...]
    dtype: str
    low: tuple[float, ...]
    high: tuple[float, ...]

    def encode(self, agent: str, raw: object) -> Array:
        """Return one agent's observation in the common shape.

        Args:
            raw: What the environment gave: an array or a number.

        Raises:
            MisfitError: It does not fit the agent's observation space.
        """
        if agent in self.numberings:
            value = self.numberings[agent].encode(raw, self.dtype)
        else:
            value = self._checked(array_of(raw), self.boxes[agent])
        if value.shape == self.shape:
            return value
        return np.pad(value, [(0, full - size) for full, size in zip(self.shape, value.shape, strict=True)])

    def absent(self) -> Array:
        """Return what an agent that is gone observes: zeros, or what is nearest to zero within the bounds."""
        nearest: Array = np.clip(0.0, self.low, self.high).astype(self.dtype).reshape(self.shape)
        return nearest

    def _checked(self, value: Array, box: Box) -> Array:
        """Return an observation in the common dtype, having held it against the space."""
        if value.size == 1 and box.shape == (1,):
            value = value.reshape(1)
        if value.shape != box.shape or value.dtype.kind not in "biuf":
            raise MisfitError(f"{value.dtype} {value.shape} was observed; the observation space says {box.shape}")
        if not np.isfinite(value).all():
            raise MisfitError("the observation is not finite")
        if np.dtype(box.dtype).kind != "f" and value.dtype.kind == "f":
            whole = np.rint(value)
            if (whole != value).any():
                raise MisfitError(
                    f"{value[whole != value].flat[0]} was observed, and the observation space is of whole numbers "
                    f"({box.dtype}); make it a Box of floats"
                )
        low, high, compared = box.low, box.high, value
        if np.dtype(box.dtype).kind == "f":  # a number that rounds onto a bound is inside
            coarse = np.float16 if box.dtype == np.float16 else np.float32
            with np.errstate(over="ignore"):
                low, high, compared = low.astype(coarse), high.astype(coarse), value.astype(coarse)
        if not bool(np.greater_equal(compared, low).all() and np.less_equal(compared, high).all()):
            raise MisfitError(
                f"the observation lies between {value.min()} and {value.max()}, outside its observation space; widen "
                "the space, since exported agents refuse what lies outside"
            )
        with np.errstate(over="ignore"):
            kept: Array = value.astype(self.dtype, copy=False)
        if not np.isfinite(kept).all():
            raise MisfitError(f"{value.flat[np.argmax(~np.isfinite(kept))]} was observed, which float32 cannot hold")
        return kept if compared is value else np.clip(kept, low.astype(self.dtype), high.astype(self.dtype))


def observation_coding(spaces: Mapping[str, Space[Any]], where: str, mask_names: Sequence[str]) -> ObservationCoding:
    """Find the common shape, dtype and bounds.

    Args:
        spaces: Observation space by agent.
        mask_names: Keys of a Dict that hold a mask.

    Raises:
        EnvironmentContractError: A space is of another sort, or the shapes differ in rank.
    """
    boxes, numberings = {}, {}
    for agent, space in spaces.items():
        inner = _observation_of(space, agent, where, mask_names)
        if (numbering := _numbering(inner)) is not None:
            if sum(numbering.sizes) > MOST_VALUES:
                raise EnvironmentContractError(
                    f"{where}: the observation space of {agent} is {space}; its {sum(numbering.sizes):,} values cannot "
                    f"be coded one-hot, at most {MOST_VALUES:,} are; make it a Box"
                )
            numberings[agent] = numbering
            inner = MultiBinary(sum(numbering.sizes))
        if isinstance(inner, MultiBinary):
            inner = Box(low=0, high=1, shape=inner.shape, dtype=np.int8)
        if not isinstance(inner, Box) or str(inner.dtype) not in _DTYPES:
            raise EnvironmentContractError(
                f"{where}: the observation space of {agent} is {space}; expected a Box of numbers, a Discrete, "
                "MultiDiscrete or MultiBinary, or a Dict of one of them as observation and an action_mask; "
                "gymnasium.spaces.flatten makes one of most others"
            )
        if inner.shape == ():
            inner = Box(inner.low.reshape(1), inner.high.reshape(1), dtype=inner.dtype.type)
        boxes[agent] = inner
    shapes = {box.shape for box in boxes.values()}
    if len({len(shape) for shape in shapes}) > 1 or 0 in {size for shape in shapes for size in shape}:
        raise EnvironmentContractError(
            f"{where}: observations have the shapes {sorted(shapes)}; they must have equally many axes, none of them "
            "empty"
        )
    shape = tuple(max(sizes) for sizes in zip(*shapes, strict=True))
    dtype = _DTYPES[str(np.result_type(*(np.dtype(_DTYPES[str(box.dtype)]) for box in boxes.values())))]
    low, high = _joint_bounds(list(boxes.values()), shape)
    if dtype == "float32":  # as precise as the numbers that are held against them
        with np.errstate(over="ignore"):
            low, high = (tuple(np.asarray(bounds, dtype=np.float32).tolist()) for bounds in (low, high))
    return ObservationCoding(boxes=boxes, numberings=numberings, shape=shape, dtype=dtype, low=low, high=high)


def _observation_of(space: Space[Any], agent: str, where: str, mask_names: Sequence[str]) -> Space[Any]:
    """Return the part of a space that is observed; a Dict may hold a mask besides, and nothing else."""
    if not isinstance(space, Dict):
        return space
    rest = [key for key in space.spaces if key not in mask_names]
    if rest != [OBSERVATION]:
        raise EnvironmentContractError(
            f"{where}: the observation space of {agent} is a Dict of {', '.join(map(str, space.spaces))}; expected "
            f"{OBSERVATION} and perhaps {' or '.join(mask_names)}: nothing of what agents see is left out unsaid "
            "(option mask=KEY names another mask)"
        )
    return space.spaces[OBSERVATION]


def _numbering(space: Space[Any]) -> Numbering | None:
    if isinstance(space, Discrete):
        return Numbering(sizes=(int(space.n),), starts=(int(space.start),))
    if isinstance(space, MultiDiscrete):
        sizes, starts = np.reshape(space.nvec, -1), np.reshape(space.start, -1)
        return Numbering(sizes=tuple(map(int, sizes)), starts=tuple(map(int, starts)))
    return None


def _joint_bounds(boxes: list[Box], shape: tuple[int, ...]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return bounds that hold for every agent; an element that some agent lacks may be zero."""
    lows, highs = [], []
    for box in boxes:
        pads = [(0, full - size) for full, size in zip(shape, box.shape, strict=True)]
        own_low, own_high = (np.reshape(bounds, box.shape) for bounds in flat_bounds(box))
        lows.append(np.pad(own_low, pads))
        highs.append(np.pad(own_high, pads))
    low, high = np.min(lows, axis=0).reshape(-1), np.max(highs, axis=0).reshape(-1)
    return tuple(map(float, low)), tuple(map(float, high))


def flat_bounds(box: Box) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return a box's bounds, one number per element in C order.

    Args:
        box: An observation space.

    Returns:
        Low and high; infinite where unbounded.
    """
    low = tuple(float(value) for value in np.broadcast_to(box.low, box.shape).reshape(-1))
    high = tuple(float(value) for value in np.broadcast_to(box.high, box.shape).reshape(-1))
    return low, high
