"""Calibrations as rows of a report: the numbers of their files, and foreign files refused in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rmix_kit.errors import RecordError
from rmix_kit.reports.forecasts import FILE, KIND, Forecasts, forecast_table, read_forecasts
from rmix_kit.reports.report import write_report
from tests.reports.records import BRIDGE, record

VALUES: dict[str, Any] = {
    "kind": KIND,
    "env": BRIDGE,
    "algorithm": "riskq",
    "checkpoint_step": 350_110,
    "risk_level": 0.1,
    "episodes": 1000,
    "bias": -0.75,
    "spread": 3.5,
    "return_spread": 4.25,
    "pinball": 0.5,
    "pinball_constant": 2.0,
    "pit_distance": 0.125,
}


def written(folder: Path, **changes: object) -> Path:
    """A folder as ``--calibration`` leaves it; "gone" takes an entry out."""
    folder.mkdir()
    values = {name: value for name, value in (VALUES | changes).items() if changes.get(name, 0) != "gone"}
    (folder / FILE).write_text(json.dumps(values), encoding="utf-8")
    return folder


def test_a_report_shows_the_files_numbers_beside_the_environments(tmp_path: Path) -> None:
    forecasts = read_forecasts([written(tmp_path / "averse"), written(tmp_path / "own", risk_level=None) / FILE])
    page = write_report([record("riskq", BRIDGE)], tmp_path / "report", forecasts=forecasts, resamples=10)
    lines = (tmp_path / "report/tables/forecasts.csv").read_text().splitlines()
    assert lines[0].startswith("source,env,algorithm,checkpoint_step,risk_level,episodes,bias")
    assert lines[1] == f"averse,{BRIDGE},riskq,350110,0.1,1000,-0.75,3.5,4.25,0.5,2.0,0.125,0.75"
    assert lines[2].startswith(f"own,{BRIDGE},riskq,350110,,1000")
    text = page.read_text()
    assert "Are the forecasts right?" in text
    assert "75.0 %" in text
    assert "its own" in text


def test_a_report_without_any_says_nothing_of_forecasts(tmp_path: Path) -> None:
    page = write_report([record("riskq", BRIDGE)], tmp_path / "report", resamples=10)
    assert "Are the forecasts right?" not in page.read_text()


def test_nothing_is_saved_where_a_constant_forecast_is_never_wrong() -> None:
    values = {name: value for name, value in VALUES.items() if name != "kind"} | {"pinball_constant": 0.0}
    (row,) = forecast_table([Forecasts(source="here", **values)]).rows
    assert row["skill"] == 0.0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "gone"}, "is no calibration"),
        ({"kind": "rmix-kit run record"}, "is no calibration"),
        ({"pinball": "gone"}, "lacks pinball"),
        ({"risk_level": 0}, "risk_level"),
        ({"risk_level": True}, "risk_level"),
        ({"pit_distance": 1.5}, "pit_distance"),
        ({"episodes": 0}, "episodes"),
        ({"bias": "low"}, "bias"),
        ({"bias": float("nan")}, "bias"),
    ],
)
def test_a_file_of_another_form_is_refused_in_one_line(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RecordError, match=said) as refusal:
        read_forecasts([written(tmp_path / "made", **changes)])
    assert "\n" not in str(refusal.value)
    assert "evaluate RUN --calibration" in str(refusal.value)


@pytest.mark.parametrize("content", [None, b"", b"[1", b"[]", b"\xff"])
def test_what_is_no_file_or_no_json_is_refused_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / FILE).write_bytes(content)
    with pytest.raises(RecordError, match=FILE) as refusal:
        read_forecasts([tmp_path])
    assert "\n" not in str(refusal.value)


def test_forecasts_of_an_environment_without_runs_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    forecasts = read_forecasts([written(tmp_path / "elsewhere", env="macn:4x7")])
    with pytest.raises(RecordError, match="macn:4x7, where no finished run was given"):
        write_report([record("riskq", BRIDGE)], tmp_path / "report", forecasts=forecasts, resamples=10)
    assert not (tmp_path / "report").exists()
