"""Draw learning curves of runs into axes of your own: `python draw_curves.py runs curves.png`."""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.figure import Figure

import rmix_kit.plotting


def main(runs: str, picture: str) -> None:
    """Draw return and its tail side by side.

    Args:
        runs: A folder of runs or records on one environment; seeds of one algorithm become one line with its band.
        picture: The file to write.
    """
    figure = Figure(figsize=(9, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    rmix_kit.plotting.curves(runs, metric="return_mean", ax=left)
    rmix_kit.plotting.curves(runs, metric="cvar_0.1", ax=right, band="quartiles")
    right.set_title("mean of the worst tenth")  # they are matplotlib's axes: change what you like
    figure.savefig(Path(picture))
    print(f"{picture}: {', '.join(left.get_legend_handles_labels()[1])}")


if __name__ == "__main__":
    main(*sys.argv[1:])
