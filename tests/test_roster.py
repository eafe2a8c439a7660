"""Everything that CONTRIBUTING asks of an algorithm is there for every one of the roster."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.config.document import preset_names, read_preset
from rmix_kit.plotting.style import ALGORITHMS as DRAWN
from rmix_kit.roster import ROSTER

DOCS = Path(__file__).parents[1] / "docs"
NAMES = [algorithm.name for algorithm in ALGORITHMS]
WITHOUT_PAPER = {"rmix-averse"}
"""Our own: nobody has published values of it."""


def names_in(text: str) -> set[str]:
    return set(re.findall(r"`([\w-]+)`", text))


def test_every_algorithm_is_listed_and_no_other() -> None:
    assert list(ROSTER) == NAMES


def test_every_algorithm_has_a_page_and_no_page_is_left_over() -> None:
    assert sorted(page.stem for page in (DOCS / "algorithms").glob("*.md")) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_algorithm_has_its_preset_and_the_papers(name: str) -> None:
    wanted = {name} if name in WITHOUT_PAPER else {name, f"{name}-paper"}
    assert wanted <= set(preset_names())
    assert {read_preset(preset).values["algo"] for preset in wanted} == {name}


@pytest.mark.parametrize("name", NAMES)
def test_every_algorithm_says_how_faithful_it_is(name: str) -> None:
    assert name in names_in((DOCS / "fidelity.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_every_algorithm_stands_in_the_table_of_baselines(name: str) -> None:
    table = (DOCS / "baselines.md").read_text(encoding="utf-8").split("##")[0]
    assert name in names_in(table)
    assert f"(algorithms/{name}.md)" in table


@pytest.mark.parametrize("name", NAMES)
def test_every_algorithm_has_a_place_in_the_frame_of_smac(name: str) -> None:
    frame = yaml.safe_load((files("rmix_kit.config") / "frame-smac.yaml").read_text(encoding="utf-8"))
    assert name in {one for names in frame["algorithms"] for one in names.split(", ")}


def test_every_algorithm_has_a_colour_of_its_own() -> None:
    assert sorted(DRAWN) == sorted(NAMES)


def test_every_algorithm_has_its_settings_on_the_page() -> None:
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    assert [name for name in NAMES if f"## `algorithm ({name})`" not in page] == []
