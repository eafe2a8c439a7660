"""The numbers beside the paper's are the replay's own."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from rmix_kit.reports.paper import TABLE_3

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def measured(monkeypatch_module: pytest.MonkeyPatch) -> dict[str, tuple[float, float]]:
    monkeypatch_module.syspath_prepend(str(ROOT / "benchmarks"))
    benchmark = runpy.run_path(str(ROOT / "benchmarks" / "replay_memory.py"))
    return {row["map"]: (row["worst_case_gb"], row["unit_states_gb"]) for row in benchmark["worst_cases"]()}


@pytest.fixture(scope="module")
def monkeypatch_module() -> pytest.MonkeyPatch:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.mark.parametrize("name", TABLE_3)
def test_our_worst_case_is_the_replay_s_arithmetic(name: str, measured: dict[str, tuple[float, float]]) -> None:
    assert (TABLE_3[name].as_received, TABLE_3[name].unit_states) == measured[name]


@pytest.mark.parametrize("name", TABLE_3)
def test_the_page_about_performance_has_the_same_numbers(name: str) -> None:
    size = TABLE_3[name]
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert f"| {name} | {size.paper} | {size.as_received:.2f} |" in page
