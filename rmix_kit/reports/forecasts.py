"""What `rmix-kit evaluate --calibration` has measured, as rows of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, get_type_hints

from annotated_types import Ge, Gt, Le

from rmix_kit.episodes import saved_share
from rmix_kit.errors import RecordError
from rmix_kit.files.forms import misfit
from rmix_kit.files.reading import LARGEST_TABLE, read_json
from rmix_kit.reports.table import Table, make_table

FILE = "calibration.json"
KIND = "rmix-kit calibration"


@dataclass(frozen=True, kw_only=True)
class Forecasts:
    """How far the return distributions of one checkpoint's agents are right; in reward units.

    Attributes:
        source: The folder that says so.
        env: Environment text.
        algorithm: Roster name.
        checkpoint_step: Environment steps of the checkpoint.
        risk_level: Asked of all agents, in (0, 1]; None left it to them.
        episodes: That ended by their task.
        bias: Mean forecast less mean return.
        spread: Mean standard deviation of a forecast.
        return_spread: Standard deviation of the returns, over states and luck alike.
        pinball: Mean pinball loss.
        pinball_constant: That of a forecast that knows no state.
        pit_distance: Largest distance of the probability integral transform from the uniform distribution.
    """

    source: str
    env: str
    algorithm: str
    checkpoint_step: Annotated[int, Ge(0)]
    risk_level: Annotated[float, Gt(0), Le(1)] | None
    episodes: Annotated[int, Ge(1)]
    bias: float
    spread: Annotated[float, Ge(0)]
    return_spread: Annotated[float, Ge(0)]
    pinball: Annotated[float, Ge(0)]
    pinball_constant: Annotated[float, Ge(0)]
    pit_distance: Annotated[float, Ge(0), Le(1)]


def read_forecasts(folders: Iterable[Path]) -> list[Forecasts]:
    """Read what ``--calibration`` has written.

    Args:
        folders: Each with a ``calibration.json``, or that file.

    Raises:
        RecordError: One has no such file, or it is of another form.
    """
    return [_read(path) for path in folders]


def forecast_table(forecasts: Sequence[Forecasts]) -> Table:
    """Return a row for each, with ``skill``: the share of the constant forecast's pinball loss that is saved."""
    columns = [entry.name for entry in fields(Forecasts)]
    rows = [{**vars(found), "skill": saved_share(found.pinball, found.pinball_constant)} for found in forecasts]
    return make_table("forecasts", (*columns, "skill"), rows)


def _read(path: Path) -> Forecasts:
    file = path / FILE if path.is_dir() else path
    advice = "give a folder that `rmix-kit evaluate RUN --calibration FOLDER` wrote"
    try:
        values = read_json(file, LARGEST_TABLE)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise RecordError(f"cannot read {file}: {reason}; {advice}") from error
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise RecordError(f"{file} is no calibration; {advice}")
    given = {**values, "source": file.parent.name or str(file.parent)}
    hints = get_type_hints(Forecasts, include_extras=True)
    if lacking := sorted(hints.keys() - given.keys()):
        raise RecordError(f"{file} lacks {', '.join(lacking)}; {advice}")
    for name, hint in hints.items():
        if reason := misfit(given[name], hint, name):
            raise RecordError(f"{file}: {reason}; {advice}")
    return Forecasts(**{name: given[name] for name in hints})
