"""The head of a report's page: what it is about, when and how it was made, and who is best."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rmix_kit.reports.page import Made
from rmix_kit.reports.report import write_report
from rmix_kit.results import RunRecord
from tests.reports.records import BRIDGE, MMM2, record, small_set

pytestmark = pytest.mark.usefixtures("undrawn")


def html_of(records: list[RunRecord], folder: Path, made: Made | None = None) -> str:
    return write_report(records, folder / "report", made=made, resamples=9).read_text(encoding="utf-8")


def test_the_verdict_comes_first_and_the_head_says_when_and_how_it_was_made(tmp_path: Path) -> None:
    html = html_of(small_set(), tmp_path, Made(date="2026-11-29", command="rmix-kit report 'my runs' --out report"))
    assert "Made on 2026-11-29 by <code>rmix-kit report &#39;my runs&#39; --out report</code>" in html
    verdict = html[html.index("<h2>Verdict</h2>") : html.index("<h2>Runs</h2>")]
    assert f"<p>{MMM2}: " in verdict
    assert f"<p>{BRIDGE}: " in verdict


@pytest.mark.parametrize(
    ("records", "title"),
    [
        ([record(), record("qmix")], "rmix and qmix on macn:4x7"),
        ([record(), record(seed=1)], "rmix on macn:4x7"),
        (
            [record(a, e) for a in ("iql", "vdn", "qmix", "rdn", "rmix") for e in ("macn:4x7", "macn:4x11")],
            "5 algorithms on 2 environments",
        ),
    ],
)
def test_a_title_that_is_not_given_is_taken_from_the_runs(records: list[RunRecord], title: str, tmp_path: Path) -> None:
    assert f"<h1>{title}</h1>" in html_of(records, tmp_path)


def test_a_figure_opens_large_and_closes_without_a_script(tmp_path: Path) -> None:
    html = html_of([record(), record("qmix")], tmp_path)
    figures, places = (set(re.findall(rf'id="({kind}-[^"]+)"', html)) for kind in ("figure", "place"))
    assert figures
    assert {f"#{name}" for name in figures | places} <= set(re.findall(r'href="([^"]+)"', html))
    assert "<script" not in html
