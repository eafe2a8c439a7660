"""Pictures; `curves` draws runs into matplotlib's axes, where matplotlib is installed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from rmix_kit.errors import MissingExtraError
from rmix_kit.metrics import RETURN

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from rmix_kit.reports.figures import Band
    from rmix_kit.reports.single import RunLike

__all__ = ["curves"]


def curves(
    runs: RunLike | Iterable[RunLike],
    *,
    metric: str = RETURN,
    ax: Axes | None = None,
    env: str | None = None,
    band: Band = "std",
    has_variants: bool = False,
    allow_mixed: bool = False,
) -> Axes:
    """Draw learning curves of finished runs, seeds of one algorithm as one line with its band, and return the axes.

        ax = rmix_kit.plotting.curves(["runs/rmix-0", "runs/rmix-1", "runs/qmix-0"], metric=rmix_kit.metrics.SUCCESS)

    The lines are those of `rmix-kit report` and `plot`: docs/reports.md says what counts.

    Args:
        runs: A folder of a run or of many, a record file, a run from `rmix_kit.load`, a record, or several of these.
        metric: Name in evaluation rows: mean return, success rate, CVaR at a level (`rmix_kit.metrics`).
        ax: Where to draw; pyplot's current axes if None.
        env: Environment text, where the runs are on several.
        band: What is shaded: "std" for one standard deviation around the mean, "quartiles" around the median.
        has_variants: Give settings of one algorithm that differ a line each.
        allow_mixed: Label runs of one algorithm that differ instead of refusing them.

    Returns:
        The axes: a labelled line for each algorithm, in its colour, and a legend.

    Raises:
        MissingExtraError: matplotlib is not installed.
        ConfigError: There is no such metric or band, or the runs are on several environments and none is chosen.
        RecordError: There is no such run, none is finished or has the metric, or runs do not belong together.
    """
    from rmix_kit.reports.single import draw_runs

    try:
        import matplotlib.pyplot as plt
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise MissingExtraError(
            "curves are drawn by matplotlib; install it with: pip install 'rmix-kit[plot]'"
        ) from error
    axes = plt.gca() if ax is None else ax
    draw_runs(axes, runs, metric=metric, env=env, band=band, has_variants=has_variants, allow_mixed=allow_mixed)
    return axes
