"""Greedy episodes of one checkpoint, one entry each."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rmix_kit.errors import RecordError
from rmix_kit.files.reading import LARGEST_TABLE, parsed_json, read_plain
from rmix_kit.files.writing import is_sealed

ADVICE = "rmix-kit report RUN --out DIR --evaluate plays a run's anew"


@dataclass(frozen=True, kw_only=True)
class Episodes:
    """Greedy test episodes, in the order of their seeds.

    Attributes:
        checkpoint_step: Environment steps after which the policy was saved.
        seed: Episode i was reset with the seed of (seed, "test", i).
        returns: Undiscounted team returns, in reward units.
        success: Whether each was solved or won; None where the environment did not say.
        fell: Whether any agent met a catastrophe.
        lengths: Steps.
        risk_levels: Mean level used by the team, in (0, 1]; 1 without a dial.
    """

    checkpoint_step: int
    seed: int
    returns: tuple[float, ...]
    success: tuple[bool, ...] | None
    fell: tuple[bool, ...]
    lengths: tuple[int, ...]
    risk_levels: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.returns)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; truths as 0 and 1."""
        values = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return {
            name: value if value is None or isinstance(value, int) else [_plain(entry) for entry in value]
            for name, value in values.items()
        }

    @classmethod
    def from_json(cls, values: Any, where: str) -> Episodes:  # noqa: ANN401 - read from a file
        """Read back what `to_json` gave.

        Raises:
            RecordError: An entry is missing or has another form.
        """
        names = {entry.name for entry in fields(cls)}
        if not isinstance(values, dict) or set(values) - {"sha256"} != names:
            found = sorted(values)[:9] if isinstance(values, dict) else type(values).__name__
            raise RecordError(f"{where} holds no episodes: {found}; expected {sorted(names)}; {ADVICE}")
        try:
            episodes = cls(
                checkpoint_step=int(values["checkpoint_step"]),
                seed=int(values["seed"]),
                returns=tuple(map(float, values["returns"])),
                success=None if values["success"] is None else tuple(map(bool, values["success"])),
                fell=tuple(map(bool, values["fell"])),
                lengths=tuple(map(int, values["lengths"])),
                risk_levels=tuple(map(float, values["risk_levels"])),
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise RecordError(f"{where} holds no episodes: {error!r}; {ADVICE}") from error
        columns = (episodes.returns, episodes.success, episodes.fell, episodes.lengths, episodes.risk_levels)
        counts = [len(column) for column in columns if column is not None]
        if not episodes.returns or len(set(counts)) != 1:
            raise RecordError(f"{where}: its columns have {', '.join(map(str, counts))} entries; they must be as long")
        if not all(map(math.isfinite, episodes.returns + episodes.risk_levels)):
            raise RecordError(f"{where}: a return or a risk level is not finite; {ADVICE}")
        return episodes


def _plain(value: float) -> float:
    return int(value) if isinstance(value, bool) else value


def read_episodes(file: Path) -> Episodes:
    """Read a file of episodes, such as ``evaluations/last.json``.

    Raises:
        OSError: It cannot be read.
        ValueError: It is no JSON.
        RecordError: It holds no episodes, or is not what was written.
    """
    data = read_plain(file, LARGEST_TABLE)
    values = parsed_json(data)
    if isinstance(values, dict) and "sha256" in values and not is_sealed(data, values):  # older ones have no seal
        raise RecordError(f"{file} is not what was written; {ADVICE}")
    return Episodes.from_json(values, str(file))


def played_step(file: Path) -> int | None:
    """Return the step of the checkpoint whose episodes a file holds; None where it is missing or damaged.

    Args:
        file: Such as ``evaluations/last.json``.
    """
    try:
        return read_episodes(file).checkpoint_step
    except (OSError, ValueError, RecordError):
        return None
