"""One step of an episode as a record of bytes, and the chunks of memory that hold the records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rmix_kit.replay.episode import OBSERVED, STEP_FIELDS, EpisodeBlock, observed_template
from rmix_kit.types import BoolArray, EnvSpec, FloatArray, IntArray

if TYPE_CHECKING:
    from rmix_kit.envs.interface import StepCodec

CHUNKS = 128
"""A replay's memory is taken in about so many parts ..."""
LARGEST_CHUNK = 2**28
"""... or more, of at most so many bytes: a system does not give out at once what it does not have."""


def record_dtype(spec: EnvSpec, codec: StepCodec | None) -> np.dtype[np.void]:
    """Lay out one record: an observation, and the action and reward that followed it.

    The last observation of an episode is followed by neither and leaves their few bytes empty: an episode is one piece
    of memory, which is copied at once.

    Returns:
        A structured dtype, the widest elements first, so that little is lost to alignment.
    """
    fields = {OBSERVED + name: array for name, array in observed_template(spec, codec).items()}
    fields["actions"] = np.zeros(spec.n_agents, dtype=spec.action_dtype)
    fields["is_explored"] = np.zeros(spec.n_agents, dtype=np.bool_)
    fields["reward"] = np.zeros((), dtype=np.float32)
    ordered = sorted(fields.items(), key=lambda entry: -entry[1].itemsize)
    return np.dtype([(name, array.dtype, array.shape) for name, array in ordered], align=True)


def pack(block: EpisodeBlock, dtype: np.dtype[np.void]) -> Tensor:
    """Turn a block's real rows into records, uint8 ``[row, byte]``, episode after episode.

    Args:
        dtype: From `record_dtype`.
    """
    rows = block.rows()
    records = np.zeros(int(block.length.sum()) + len(block.length), dtype=dtype)
    is_step = np.ones(len(records), dtype=np.bool_)
    is_step[np.cumsum(block.length + 1) - 1] = False
    for name in records.dtype.names or ():
        records[name][is_step if name in STEP_FIELDS else slice(None)] = rows[name]
    return torch.from_numpy(records.view(np.uint8).reshape(len(records), dtype.itemsize))


def unpack(records: Tensor, dtype: np.dtype[np.void]) -> dict[str, Tensor]:
    """Take records apart.

    Args:
        records: uint8 ``[..., byte]``, contiguous.
        dtype: From `record_dtype`.

    Returns:
        ``[..., *field]`` by name.
    """
    fields: dict[str, Tensor] = {}
    for name, (field, offset, *_) in (dtype.fields or {}).items():
        base, shape = field.subdtype or (field, ())
        part = records[..., offset : offset + field.itemsize].view(torch_dtype(base))  # [..., element]
        fields[name] = part.reshape(*records.shape[:-1], *shape).contiguous()  # [..., *field]
    return fields


def block_of_records(
    fields: Mapping[str, Tensor],
    observed: Iterable[str],
    *,
    terminated: BoolArray,
    length: IntArray,
    risk_level: FloatArray,
) -> EpisodeBlock:
    """Make a block of what `unpack` gave of whole episodes.

    Args:
        fields: On the host, ``[episode, time + 1, *field]`` by name, zeros after each one's end.
        observed: Names of what is kept of an observation, in their order.
        terminated: bool ``[episode]``.
        length: int64 ``[episode]``.
        risk_level: float32 ``[episode]``.
    """
    arrays = {name: tensor.numpy() for name, tensor in fields.items()}
    return EpisodeBlock(
        observed={name: arrays[OBSERVED + name] for name in observed},
        **{name: arrays[name][:, :-1] for name in STEP_FIELDS},
        terminated=terminated,
        length=length,
        risk_level=risk_level,
    )


@cache
def torch_dtype(dtype: np.dtype[Any]) -> torch.dtype:
    """Return torch's name of a dtype."""
    return torch.from_numpy(np.zeros(0, dtype=dtype)).dtype


def kept_arrays(template: Mapping[str, NDArray[np.generic]]) -> dict[str, str]:
    """Describe what is kept of an observation, dtype and shape by name, to compare two forms."""
    return {name: f"{array.dtype.str}{list(array.shape)}" for name, array in template.items()}


def chunk_episodes(capacity: int, size: int) -> int:
    """Return the number of full-length episodes for which a chunk has room."""
    return max(1, min(-(-capacity // CHUNKS), LARGEST_CHUNK // size))


def worst_case_bytes(spec: EnvSpec, codec: StepCodec | None, capacity: int) -> int:
    """Return the most memory that a replay takes, whatever the order of long and short episodes.

    A chunk that was closed holds at least ``chunk_episodes`` episodes: with fewer, one more would have fitted. At most
    the oldest chunk in use is partly given up and the newest partly filled; all others are full of episodes held.
    """
    per_chunk = chunk_episodes(capacity, episode_bytes(spec, codec))
    chunks = (capacity - 2) // per_chunk + 2
    return chunks * per_chunk * episode_bytes(spec, codec)


def episode_bytes(spec: EnvSpec, codec: StepCodec | None) -> int:
    """Return the size of one episode that reaches the limit."""
    return (spec.episode_limit + 1) * record_dtype(spec, codec).itemsize


class RecordStore:
    """Episodes' records, each episode in one piece; memory is taken as it fills and used again, never moved.

    Episodes are to be dropped in the order in which they came.
    """

    def __init__(self, spec: EnvSpec, codec: StepCodec | None, capacity: int, device: torch.device) -> None:
        """Take no memory yet."""
        self.dtype, self._device = record_dtype(spec, codec), device
        self._chunk_rows = chunk_episodes(capacity, episode_bytes(spec, codec)) * (spec.episode_limit + 1)
        self._chunks: list[Tensor] = []
        self._episodes: list[int] = []  # held in each chunk
        self._free: list[int] = []
        self._open = -1  # the chunk that is being filled
        self._filled = 0  # its rows in use
        self.rows = 0

    @property
    def bytes_held(self) -> int:
        """Size of the records held."""
        return self.rows * self.dtype.itemsize

    @property
    def bytes_taken(self) -> int:
        """Size of the chunks; a system that commits memory at the first touch may have given less."""
        return len(self._chunks) * self._chunk_rows * self.dtype.itemsize

    def add(self, records: Tensor) -> tuple[int, int]:
        """Keep one episode.

        Args:
            records: uint8 ``[row, byte]`` on the device, at most ``episode_limit + 1`` rows.

        Returns:
            Its chunk and its first row there.
        """
        if self._open < 0 or self._filled + len(records) > self._chunk_rows:
            self._open, self._filled = self._take(), 0
        place = self._open, self._filled
        self.at(*place, len(records)).copy_(records)
        self._episodes[self._open] += 1
        self._filled += len(records)
        self.rows += len(records)
        return place

    def drop(self, chunk: int, rows: int) -> None:
        """Drop the oldest episode.

        Args:
            chunk: Where it lies.
        """
        self._episodes[chunk] -= 1
        self.rows -= rows
        if self._episodes[chunk]:
            return
        if chunk == self._open:
            self._filled = 0
        else:
            self._free.append(chunk)

    def at(self, chunk: int, start: int, rows: int) -> Tensor:
        """Return an episode's records, uint8 ``[row, byte]``, a view."""
        return self._chunks[chunk][start : start + rows]

    def _take(self) -> int:
        if self._free:
            return self._free.pop()
        self._chunks.append(torch.empty(self._chunk_rows, self.dtype.itemsize, dtype=torch.uint8, device=self._device))
        self._episodes.append(0)
        return len(self._chunks) - 1
