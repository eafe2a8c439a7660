"""What ``rmix-kit evaluate --calibration`` does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmix_kit.cli.output import note, print_json, print_rows

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from rmix_kit.training.calibration import Calibration
    from rmix_kit.training.run import Run

HEADER = ("quantity", "value")
RARE = 1e-5
"""Exact outcomes below this probability are not drawn: they would stretch the axis."""


def show_calibration(
    loaded: Run, env_text: str, episodes: int, seed: int, risk_level: float | None, *, out: Path, as_json: bool
) -> None:
    """Measure how well a run's forecasts fit, print it, and write its record and figure.

    Args:
        loaded: The run.
        env_text: Where it plays.
        episodes: How many.
        seed: Of the episodes.
        risk_level: For all agents; None leaves it to them.
        out: Folder for ``calibration.json``, ``.png`` and ``.svg``.
        as_json: Print JSON alone.
    """
    from rmix_kit.envs.make import remark_on
    from rmix_kit.files.writing import json_text, write_file
    from rmix_kit.plotting.style import picture
    from rmix_kit.reports.forecasts import FILE, KIND
    from rmix_kit.reports.frontier.folder import check_can_write
    from rmix_kit.training.calibration import rows_of

    check_can_write(out, "--calibration")
    found = loaded.calibration(env_text, episodes, seed, risk_level)
    drawn = draw(found, loaded.networks.agent.value_kind)
    files = {FILE: (json_text({"kind": KIND, **found.to_json()}, indent=1) + "\n").encode()}
    files |= {f"calibration.{kind}": picture(drawn, kind) for kind in ("png", "svg")}
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        write_file(out / name, data)
    if as_json:
        print_json(found.to_json())
    else:
        print_rows(f"{loaded.path} on {found.env}: forecasts and returns", rows_of(found), HEADER)
        if remark := remark_on(found.env):
            click.echo(remark)
    note(f"wrote {', '.join(files)} to {out}")


def draw(found: Calibration, value_kind: str = "cvar") -> Figure:
    """Draw a calibration; on MACN beside the exact distribution of the policy that is exact at the same level.

    Args:
        found: What was measured.
        value_kind: What the agents maximise; the exact policy is greedy on CVaR.
    """
    from rmix_kit.envs.macn import settings_of
    from rmix_kit.envs.make import parse_known
    from rmix_kit.plotting.forecasts import Staircase, draw_calibration, empirical
    from rmix_kit.reports.frontier.exact import exact_or_why_not

    forecast = [
        Staircase(label="forecast", values=found.first_quantiles, shares=found.fractions),
        empirical("came", found.first_returns, is_reference=True),
    ]
    whole = [empirical("came", found.returns)]
    text = parse_known(found.env)
    level = 1.0 if found.risk_level is None else found.risk_level
    exact, _ = exact_or_why_not(settings_of(text) if text.kind == "macn" else None, level, value_kind)
    if exact is not None:
        label = "optimum, exact" if level == 1.0 else f"exact at level {level:g}"
        happens = exact.probabilities > RARE
        shares = exact.probabilities.cumsum()[happens]
        whole.append(Staircase(label=label, values=exact.returns[happens], shares=shares, is_reference=True))
    return draw_calibration(found.algorithm, found.pit.tolist(), forecast, whole)
