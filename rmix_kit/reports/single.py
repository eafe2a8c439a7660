"""One picture of runs, without a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rmix_kit.errors import ConfigError, RecordError
from rmix_kit.files.writing import write_file, writing
from rmix_kit.metrics import RETURN, SUCCESS
from rmix_kit.plotting.style import FORMATS, picture
from rmix_kit.reports.curves import curve_table
from rmix_kit.reports.figures import Band, draw_learning
from rmix_kit.reports.groups import environments_of, group_runs
from rmix_kit.reports.success import silent_environments
from rmix_kit.reports.variants import name_presets, name_variants
from rmix_kit.results import RunRecord


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
    records = name_variants(records) if has_variants else name_presets(records)
    groups = [group for group in group_runs(records, allow_mixed=allow_mixed) if group.runs]
    table = curve_table(groups, (metric,))
    silent = silent_environments(run for group in groups for run in group.runs) if metric == SUCCESS else ()
    if silent and not table.rows:
        raise RecordError(
            f"{', '.join(silent)} did not report success in any of these runs, so there is no {metric} to draw; give "
            f"--metric {RETURN}"
        )
    if not table.rows:
        raise RecordError(f"no finished run has evaluations with {metric}; train them to their end first")
    envs = [env for env in environments_of(groups) if table.where(environment=env)]
    data = picture(draw_learning(table, envs, metric, band), kind)
    with writing(str(out), "what was there stands; make room and plot again"):
        out.parent.mkdir(parents=True, exist_ok=True)
        write_file(out, data)
    return silent
