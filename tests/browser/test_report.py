"""A report in a real browser: nothing logged, nothing asked of the network, everything in its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rmix_kit.plotting.style import ALGORITHMS
from rmix_kit.reports.report import write_report
from tests.reports.records import BRIDGE, record, small_set

SIZES = {"desktop": (1280, 900), "phone": (360, 800)}
# A figure of 85 mm has type of 8 points; on a phone of 360 pixels it is drawn a little smaller than that.
SMALLEST_PIXELS = 8.5


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    crowd = [record(name, BRIDGE, seed=0) for name in ALGORITHMS if name not in ("rmix", "qmix", "vdn")]
    folder = tmp_path_factory.mktemp("report")
    return write_report([*small_set(), *crowd], folder, expected=[("iql", "macn:4x12", range(5))], resamples=200)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_the_page_fits_its_window(size: tuple[int, int], scheme: str, page: Any, report: Path) -> None:
    page.resize(size)
    page.use_scheme(scheme)
    page.open(report)
    assert page.overflow() <= 0


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
def test_drawings_are_shown_whole_and_their_type_is_not_tiny(size: tuple[int, int], page: Any, report: Path) -> None:
    page.resize(size)
    page.open(report)
    cut = page.script(
        "return [...document.querySelectorAll('figure .drawing')].filter(d => d.getClientRects().length)"
        ".filter(d => { const frame = d.getBoundingClientRect();"
        " return [...d.querySelectorAll('text')].some(t => { const r = t.getBoundingClientRect();"
        " return r.left < frame.left - 1 || r.right > frame.right + 1 || r.bottom > frame.bottom + 1"
        " || r.top < frame.top - 1 || r.height < arguments[0]; }); })"
        ".map(d => d.closest('figure').id)",
        SMALLEST_PIXELS,
    )
    assert cut == []


def test_long_names_of_environments_break_on_a_phone(page: Any, tmp_path: Path) -> None:
    envs = ["macn:" + "S" + 90 * "." + "G", "pettingzoo:" + 40 * "long"]
    page.resize(SIZES["phone"])
    page.open(write_report([record(env=env) for env in envs], tmp_path / "report", resamples=9))
    assert page.overflow() <= 0


def test_the_names_of_rows_leave_room_for_their_numbers_on_a_phone(page: Any, tmp_path: Path) -> None:
    long = record(env=BRIDGE, name="rmix_macn-bridge-slip=0.1-include-position=true_seed-0")
    page.resize(SIZES["phone"])
    page.open(write_report([long], tmp_path / "report", resamples=9))
    shares = page.script(
        "document.querySelectorAll('details').forEach(part => { part.open = true; });"
        "return [...document.querySelectorAll('.scroll')].map("
        "frame => frame.querySelector('tbody th').offsetWidth / frame.clientWidth)"
    )
    assert shares
    assert max(shares) < 0.5


def test_the_choice_of_a_band_changes_the_curves_that_are_shown(page: Any, report: Path) -> None:
    page.open(report)
    shown = "return [...document.querySelectorAll('[data-band]')].filter(f => f.offsetParent).map(f => f.dataset.band)"
    assert set(page.script(shown)) == {"std"}
    page.click("#band-quartiles")
    assert set(page.script(shown)) == {"quartiles"}


def test_a_caption_leads_to_the_data_that_it_names(page: Any, report: Path) -> None:
    page.open(report)
    file = page.script(
        "const link = document.querySelector('figure .source a'); link.click();"
        "return decodeURIComponent(escape(atob(document.querySelector(link.hash + ' a').href.split(',')[1])))"
    )
    table = report.parent / page.script("return document.querySelector('figure .source a').textContent")
    assert file == table.read_text(encoding="utf-8")


def test_a_wide_figure_scrolls_within_its_frame_on_a_phone(page: Any, tmp_path: Path) -> None:
    page.resize(SIZES["phone"])
    page.open(write_report(small_set(), tmp_path / "report", is_figure_15=True, resamples=200))
    width, shown = page.script(
        "const frame = document.querySelector('.place.wide .canvas'); return [frame.scrollWidth, frame.clientWidth]"
    )
    assert width > shown
    assert page.overflow() <= 0


@pytest.mark.parametrize("size", [*SIZES.values(), (900, 900)], ids=[*SIZES, "tablet"])
def test_no_row_of_figures_is_left_half_blank(size: tuple[int, int], page: Any, report: Path) -> None:
    page.resize(size)
    page.open(report)
    rows = page.script(
        "return [...document.querySelectorAll('.figures')].flatMap(grid => { const rows = {};"
        " [...grid.children].forEach(p => { const r = p.getBoundingClientRect();"
        " rows[Math.round(r.top)] = (rows[Math.round(r.top)] ?? 0) + r.width / grid.clientWidth; });"
        " return Object.values(rows); })"
    )
    assert rows
    assert min(rows) > 0.9


def test_a_figure_opens_large_at_a_click_and_closes_again(page: Any, report: Path) -> None:
    page.open(report)
    wide = "return document.querySelector('#figure-all-tasks-iqm').getBoundingClientRect().width"
    assert page.script(wide) < 700
    page.script("document.querySelector('#figure-all-tasks-iqm .canvas a').click()")
    page.wait_until(wide + " > 1200")
    page.click("#figure-all-tasks-iqm .close")
    page.wait_until(wide + " < 700")


def test_ink_is_light_on_a_dark_page(page: Any, report: Path) -> None:
    page.use_scheme("dark")
    page.open(report)
    ink, ground = page.script(
        "const text = document.querySelector('figure .drawing text');"
        "return [getComputedStyle(text).fill, getComputedStyle(document.body).backgroundColor]"
    )
    light, dark = (sum(map(int, colour.strip("rgb()").split(","))) for colour in (ink, ground))
    assert light > 600
    assert dark < 100
