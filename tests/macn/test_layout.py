from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from macn.errors import LayoutError, MACNError
from macn.layout import NAMED_LAYOUTS, CliffLayout


@pytest.mark.parametrize("name", NAMED_LAYOUTS)
def test_a_named_layout_reads_back_what_it_draws(name: str) -> None:
    layout = CliffLayout.parse(name)
    assert layout.name == name
    assert CliffLayout.parse(layout.text).rows == layout.rows


def test_the_classic_map_has_start_left_goal_right_and_cliff_between() -> None:
    assert CliffLayout.parse("4x7").rows == (".......", ".......", ".......", "SCCCCCG")


def test_the_bridge_is_drawn_as_the_contract_says() -> None:
    assert CliffLayout.parse("bridge").rows == (".....", ".###.", ".###.", "S...G", "##C##")


def test_indentation_and_blank_lines_around_a_map_are_ignored() -> None:
    assert CliffLayout.parse("\n    S.\r\n    CG\n\n").rows == ("S.", "CG")


def test_a_map_is_read_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("S..\nC.G\n", encoding="utf-8")
    assert CliffLayout.parse(path).name == "mine"
    assert CliffLayout.parse(str(path)).rows == ("S..", "C.G")


def test_digits_give_each_agent_its_start() -> None:
    assert CliffLayout.parse("1.0\n..G").start_cells(2) == (2, 0)


@pytest.mark.parametrize(
    ("text", "row", "column", "reason"),
    [
        ("S..\n..\n..G", 1, 2, "ragged"),
        ("S.\n..", 1, 1, "no goal"),
        ("..\n.G", 1, 1, "no start"),
        ("S.\n.x\n.G", 1, 1, "unknown character 'x'"),
        ("SCG", 0, 0, "without stepping on the cliff"),
        ("S#G", 0, 0, "without stepping on the cliff"),
        ("S.\nSG", 1, 0, "drawn twice"),
        ("S0\n.G", 0, 1, "mixed"),
        ("0S\n.G", 0, 1, "mixed"),
        ("0.G\n###\n1..", 2, 0, "from start '1'"),
        ("S\n" + ".\n" * 126 + "G", 127, 0, "at most 127"),
        ("0.2G", 0, 3, "'1' is missing"),
        ("\n", 0, 0, "empty"),
        ("S" + "." * 127 + "G", 0, 128, "at most 127"),
    ],
)
def test_a_bad_map_is_refused_with_row_column_and_reason(text: str, row: int, column: int, reason: str) -> None:
    with pytest.raises(LayoutError, match="layout refused at row") as caught:
        CliffLayout.parse(text)
    assert (caught.value.row, caught.value.column) == (row, column)
    assert reason in caught.value.reason
    assert isinstance(caught.value, MACNError)


@pytest.mark.parametrize("text", ["S" + "." * 125 + "G", "S\n" + ".\n" * 125 + "G"])
def test_a_map_of_127_rows_or_columns_is_taken(text: str) -> None:
    layout = CliffLayout.parse(text)
    assert max(layout.height, layout.width) == 127


def test_a_file_of_exactly_the_largest_size_is_read(tmp_path: Path) -> None:
    path = tmp_path / "map.txt"
    path.write_bytes(b"S.G".ljust(2**20, b"\n"))
    assert CliffLayout.parse(path).rows == ("S.G",)


def test_a_map_for_other_agents_is_refused() -> None:
    with pytest.raises(LayoutError, match="n_agents is 3"):
        CliffLayout.parse("01G").start_cells(3)


def test_a_mistyped_name_gets_a_suggestion() -> None:
    with pytest.raises(LayoutError, match="did you mean 'bridge'"):
        CliffLayout.parse("brigde")


@given(st.text(alphabet=".C#GS01x\n", max_size=40))
def test_any_text_is_read_or_refused_by_our_error(text: str) -> None:
    try:
        layout = CliffLayout.parse(text)
    except LayoutError:
        return
    assert "G" in layout.cells
