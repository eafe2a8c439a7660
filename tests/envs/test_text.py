"""Environment texts are read, checked and written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmix_kit.envs.text import EnvironmentText, known_options, parse
from rmix_kit.errors import EnvironmentTextError


def test_values_are_typed() -> None:
    parsed = parse('macn:4x12?slip=0.1&n_agents=3&include_position=true&show_agents=False&rate=1e-3&word=far&text="3"')
    assert parsed.kind == "macn"
    assert parsed.name == "4x12"
    values = dict(parsed.options)
    assert values == {
        "slip": 0.1,
        "n_agents": 3,
        "include_position": True,
        "show_agents": False,
        "rate": 0.001,
        "word": "far",
        "text": "3",
    }
    assert isinstance(values["n_agents"], int)
    assert isinstance(values["show_agents"], bool)


def test_a_name_may_hold_json() -> None:
    assert parse("matrix:[[8,-12],[-12,0]]").name == "[[8,-12],[-12,0]]"


def test_a_name_may_hold_a_drawn_map() -> None:
    text = EnvironmentText(kind="macn", name="...\n#C.\nS.G")
    assert parse(str(text)) == text


@pytest.mark.parametrize("text", ["macn:4x12", "macn:4x12?slip=0.1&include_position=true", "smac:3m?backend=builtin"])
def test_plain_texts_are_written_as_they_were_read(text: str) -> None:
    assert str(parse(text)) == text


words = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=8)
values = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8))
keys = st.from_regex(r"[a-z_]{1,8}", fullmatch=True)


@given(name=words, options=st.dictionaries(keys, values, max_size=3))
def test_what_is_written_reads_back_equal(name: str, options: dict[str, bool | int | float | str]) -> None:
    text = EnvironmentText(kind="macn", name=name, options=tuple(options.items()))
    read = parse(str(text))
    assert read == text
    assert [type(value) for _, value in read.options] == [type(value) for value in options.values()]


@pytest.mark.parametrize("text", ["", "macn", "macn:", ":4x12", "macn:4x12?slip", "macn:4x12?=1", "macn:4x12?"])
def test_another_form_is_refused_with_the_right_one(text: str) -> None:
    with pytest.raises(EnvironmentTextError, match="KIND:NAME"):
        parse(text)


@pytest.mark.parametrize("text", ["macn:\udcff", "macn:4x7?a=\udcff", 'macn:4x7?a="\\ud800"', "macn:4x7?\udcff=1"])
def test_a_text_that_cannot_be_written_is_refused(text: str) -> None:
    with pytest.raises(EnvironmentTextError, match="Unicode"):
        parse(text)


def test_a_key_given_twice_is_refused() -> None:
    with pytest.raises(EnvironmentTextError, match="slip twice"):
        parse("macn:4x12?slip=0&slip=1")


def test_a_layout_without_its_kind_is_completed() -> None:
    with pytest.raises(EnvironmentTextError, match="did you mean 'macn:4x12'"):
        parse("4x12")


def test_an_unknown_key_is_answered_with_the_nearest() -> None:
    with pytest.raises(EnvironmentTextError, match="did you mean 'slip'"):
        known_options(parse("macn:4x12?slipp=0.1"), ["slip", "n_agents"])
