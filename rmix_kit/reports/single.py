"""One picture of runs, without a report."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

from rmix_kit.errors import ConfigError, RecordError
from rmix_kit.files.writing import write_file, writing
from rmix_kit.metrics import RETURN, SUCCESS
from rmix_kit.plotting.lines import draw_on
from rmix_kit.plotting.style import FORMATS, picture
from rmix_kit.reports.curves import DRAWN, curve_table
from rmix_kit.reports.figures import BANDS, STEPS, Band, axis_of, draw_learning, learning_panel, range_of
from rmix_kit.reports.groups import environments_of, group_runs
from rmix_kit.reports.success import silent_environments
from rmix_kit.reports.table import Table
from rmix_kit.reports.variants import name_presets, name_variants
from rmix_kit.results import RunRecord, find_records
from rmix_kit.spelling import suggestion

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class RunInAFolder(Protocol):
    """A run that was loaded: `rmix_kit.training.run.Run`."""

    @property
    def path(self) -> Path:
        """The run's folder."""
        ...


RunLike: TypeAlias = str | os.PathLike[str] | RunInAFolder | RunRecord
"""A run's folder, a record file, a folder of either, a loaded run, or a record."""


def draw_runs(
    axes: Axes,
    runs: RunLike | Iterable[RunLike],
    *,
    metric: str,
    env: str | None = None,
    band: Band = "std",
    allow_mixed: bool = False,
    has_variants: bool = False,
) -> None:
    """Draw the learning curves of finished runs on one environment into someone's axes.

    Args:
        axes: matplotlib's; what is in them stays.
        runs: One or several.
        metric: Name in evaluation rows.
        env: Environment text, where the runs are on several.
        band: What is shaded.
        allow_mixed: Label runs of one algorithm that differ instead of refusing them.
        has_variants: Give settings of one algorithm that differ a name and a line each, as presets always have.

    Raises:
        ConfigError: There is no such metric or band, or the runs are on several environments and none is chosen.
        RecordError: There is no such run, none is finished or has the metric, or runs do not belong together.
    """
    for what, given, known in (("metric", metric, DRAWN), ("band", band, tuple(BANDS))):
        if given not in known:
            raise ConfigError(f"there is no {what} {given!r}{suggestion(given, known)}; there are {', '.join(known)}")
    table, envs, _ = _curves_of(records_of(runs), metric, allow_mixed=allow_mixed, has_variants=has_variants)
    if env is None and len(envs) > 1:
        raise ConfigError(f"these runs are on {', '.join(envs)}; one pair of axes shows one of them: choose it as env=")
    if env is not None and env not in envs:
        raise ConfigError(f"no finished run of these is on {env!r} with {metric}; they are on {', '.join(envs)}")
    shown = envs[0] if env is None else env
    panel = learning_panel(table, shown, metric, band)
    draw_on(axes, panel, x_label=STEPS, y_label=axis_of(metric, [shown]), y_range=range_of(metric))


def records_of(runs: RunLike | Iterable[RunLike]) -> list[RunRecord]:
    """Return the records of runs in any of the forms of `RunLike`, in their order.

    Raises:
        RecordError: A path holds no record, or one cannot be read.
    """
    several = runs if isinstance(runs, Iterable) and not isinstance(runs, str) else [runs]
    return [record for run in several for record in _records_of_one(run)]


def _records_of_one(run: RunLike) -> Iterator[RunRecord]:
    if isinstance(run, RunRecord):
        yield run
    else:
        yield from find_records([Path(run) if isinstance(run, str | os.PathLike) else run.path])


def format_of(path: Path) -> str:
    """Return the format that a picture's name asks for.

    Raises:
        ConfigError: It is none that can be written.
    """
    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise ConfigError(f"{path} ends in {path.suffix!r}; a picture must end in .{', .'.join(FORMATS)}")
    return kind


def plot_runs(
    records: Sequence[RunRecord],
    out: Path,
    *,
    metric: str,
    band: Band = "std",
    allow_mixed: bool = False,
    has_variants: bool = False,
) -> tuple[str, ...]:
    """Draw the learning curves of finished runs, a panel for each environment.

    Args:
        records: Of the runs; unfinished ones are left out.
        out: The picture; replaced if it is there.
        metric: Name in evaluation rows, such as "success_rate".
        band: What is shaded: one standard deviation around the mean, or the quartiles around the median.
        allow_mixed: Label runs of one algorithm and environment that differ instead of refusing them.
        has_variants: Give settings of one algorithm that differ a name and a line each, as presets always have.

    Returns:
        The environments that are left out since they do not report success, where that is the metric.

    Raises:
        ConfigError: The picture's name asks for no known format.
        RecordError: No run is finished, none has the metric, or runs do not belong together.
        RunFolderError: The picture cannot be written.
    """
    kind = format_of(out)
    table, envs, silent = _curves_of(records, metric, allow_mixed=allow_mixed, has_variants=has_variants)
    data = picture(draw_learning(table, envs, metric, band), kind)
    with writing(str(out), "what was there stands; make room and plot again"):
        out.parent.mkdir(parents=True, exist_ok=True)
        write_file(out, data)
    return silent


def _curves_of(
    records: Sequence[RunRecord], metric: str, *, allow_mixed: bool, has_variants: bool
) -> tuple[Table, list[str], tuple[str, ...]]:
    """Return the curves of a metric, the environments that have it, and those that do not report success."""
    records = name_variants(records) if has_variants else name_presets(records)
    groups = [group for group in group_runs(records, allow_mixed=allow_mixed) if group.runs]
    table = curve_table(groups, (metric,))
    silent = silent_environments(run for group in groups for run in group.runs) if metric == SUCCESS else ()
    if silent and not table.rows:
        raise RecordError(
            f"{', '.join(silent)} did not report success in any of these runs, so there is no {metric} to draw; "
            f"ask for {RETURN}"
        )
    if not table.rows:
        raise RecordError(f"no finished run has evaluations with {metric}; train them to their end first")
    return table, [env for env in environments_of(groups) if table.where(environment=env)], silent
