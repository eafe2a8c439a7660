"""That the generated pages are what the code says."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

from rmix_kit.reproduction.cells import open_reproduction
from rmix_kit.reproduction.page import page_of
from rmix_kit.reproduction.scale import scale_in, scaled
from rmix_kit.reproduction.suites import SUITES

DOCS = Path(__file__).parents[1] / "docs"
PAGES = runpy.run_path(str(DOCS / "generate.py"))


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("commands_page", "commands.md"),
        ("configuration_page", "configuration.md"),
        ("smac_page", "environments/smac.md"),
    ],
)
def test_page_is_what_make_docs_writes(name: str, file: str) -> None:
    assert (DOCS / file).read_text(encoding="utf-8") == PAGES[name]()


def test_results_in_the_readme_are_those_of_the_summaries() -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert PAGES["results_in"](readme) == readme
    assert "<!-- results: macn -->" in readme


def test_environments_that_were_tried_are_those_of_the_record() -> None:
    page = (DOCS / "environments" / "yours.md").read_text(encoding="utf-8")
    assert PAGES["foreign_in"](page) == page
    assert "pettingzoo:mpe2.simple_spread_v3" in page


def test_figures_of_speed_are_those_that_were_measured() -> None:
    page = (DOCS / "performance.md").read_text(encoding="utf-8")
    assert PAGES["speed_in"](page) == page
    assert "RMIX update, MACN" in page


@pytest.mark.parametrize("folder", sorted((DOCS / "results").glob("*/summary.md")), ids=lambda path: path.parent.name)
def test_a_summary_is_made_from_the_records(folder: Path, tmp_path: Path) -> None:
    name, _, backend = folder.parent.name.partition("-")
    shutil.copytree(folder.parent, tmp_path, dirs_exist_ok=True)
    suite = scaled(SUITES[name](backend or "builtin"), scale_in(tmp_path, None, None))
    reproduction = open_reproduction(suite, tmp_path)
    written = len(list((tmp_path / "records").glob("*")))
    assert len(reproduction.records) == written, "a record belongs to no planned run"
    assert page_of(reproduction) == folder.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "page", "begin", "end"),
    [
        ("smac_recipe", "baselines.md", "recipe", "end of recipe"),
        ("smac_comparison", "baselines.md", "comparison", "end of comparison"),
        ("riskq_dial", "risk.md", "riskq-dial", "end"),
    ],
)
def test_tables_of_long_benchmarks_are_made_from_their_records(
    name: str, page: str, begin: str, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = DOCS.parent / "benchmarks" / "long"
    monkeypatch.syspath_prepend(str(folder))
    table = runpy.run_path(str(folder / f"{name}.py"))["table"]()
    text = (DOCS / page).read_text(encoding="utf-8")
    assert text.split(f"<!-- {begin} -->")[1].split(f"<!-- {end} -->")[0].strip() == table
