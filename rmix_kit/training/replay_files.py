"""The replay on disk: segments of whole episodes, each written once and shared by the checkpoints that list it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.numpy import load, save

from rmix_kit.errors import CheckpointError
from rmix_kit.files.writing import StoredFile, read_file, write_file
from rmix_kit.replay import EpisodeBlock
from rmix_kit.replay.episode import block_of_rows
from rmix_kit.replay.held import HeldEpisodes

SEGMENT_NAME = re.compile(r"segment_(\d{9,})_(\d{9,})\.safetensors")


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Episodes ``first`` up to and without ``end``, numbered from the run's start.

    Attributes:
        first: Number of the first episode.
        end: Number after the last one.
        file: The file that holds them.
    """

    first: int
    end: int
    file: StoredFile


def write_segment(folder: Path, buffer: HeldEpisodes, first: int) -> Segment:
    """Write the newest episodes.

    Args:
        first: Number of the first episode to write; episodes that have left the buffer are left out.

    Returns:
        Where they are.
    """
    first = max(first, buffer.added - len(buffer))
    block = buffer.last(buffer.added - first)
    path = folder / f"segment_{first:09}_{buffer.added:09}.safetensors"
    return Segment(first=first, end=buffer.added, file=write_file(path, save(block.rows())))


def read_segment(folder: Path, segment: Segment, owner: str) -> EpisodeBlock:
    """Read a segment after checking it.

    Args:
        segment: What the manifest says.
        owner: The checkpoint, for the error.

    Returns:
        Its episodes.

    Raises:
        CheckpointError: It is damaged or foreign.
    """
    data = read_file(folder, segment.file, owner)
    try:
        block = block_of_rows(load(data))
    except (SafetensorError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise CheckpointError(f"{owner} is damaged: {segment.file.name} holds no episodes ({error})") from error
    if not len(block.length) or len(block.length) != segment.end - segment.first:
        raise CheckpointError(f"{owner} is damaged: {segment.file.name} holds {len(block.length)} episodes")
    return block


def still_held(segments: tuple[Segment, ...], added: int, capacity: int) -> tuple[Segment, ...]:
    """Keep the segments that hold at least one episode of the buffer's.

    Args:
        segments: In the order of their episodes.
        added: Episodes ever added.
        capacity: Episodes that the buffer holds at most.
    """
    return tuple(segment for segment in segments if segment.end > added - capacity)


def drop_unlisted(folder: Path, listed: set[str]) -> None:
    """Remove the segments that no checkpoint lists any more.

    Args:
        listed: File names to keep.
    """
    for path in folder.glob("segment_*"):
        if path.name not in listed:
            path.unlink()
