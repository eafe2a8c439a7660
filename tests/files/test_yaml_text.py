"""YAML's scalars, by the tables of its specification 1.2.2, section 10.3.2."""

from __future__ import annotations

import math

import pytest
import yaml

from rmix_kit.files.yaml_text import read_yaml, write_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("", None), ("~", None), ("null", None), ("NULL", None)),
        *(("true", True), ("False", False), ("yes", "yes"), ("on", "on"), ("No", "No"), ("y", "y")),
        *(("0", 0), ("010", 10), ("-19", -19), ("+12", 12), ("0o14", 12), ("0xC", 12), ("1_000", "1_000")),
        *(("1:30", "1:30"), ("190:20:30", "190:20:30"), ("0b1", "0b1"), ("2001-12-14", "2001-12-14")),
        *(("1e-3", 0.001), ("12e03", 12000.0), ("0.", 0.0), (".5", 0.5), ("-2E+05", -200000.0), ("1.5", 1.5)),
        *((".inf", math.inf), ("-.Inf", -math.inf), ("+.INF", math.inf), ("inf", "inf"), ("nan", "nan")),
        *(('"010"', "010"), ("'true'", "true"), ("[1, 1e3]", [1, 1000.0]), ("{a: no}", {"a": "no"})),
        ("a: &x {b: 1}\nc: {<<: *x, d: 2}", {"a": {"b": 1}, "c": {"b": 1, "d": 2}}),
    ],
)
def test_a_scalar_is_what_the_specification_says(text: str, value: object) -> None:
    found = read_yaml(text)
    assert found == value
    assert type(found) is type(value)


def test_no_number_is_kept() -> None:
    assert math.isnan(read_yaml(".nan"))


@pytest.mark.parametrize(
    "value", [0, 10, -3, 0.001, 1e-7, 1e20, math.inf, True, None, "yes", "010", "1:30", "1e-3", "~", "0o7"]
)
def test_what_is_written_is_read_again(value: object) -> None:
    assert read_yaml(write_yaml({"it": value})) == {"it": value}
    assert yaml.safe_load(write_yaml({"it": value})) == {"it": value}


@pytest.mark.parametrize(
    "text",
    [
        *("[" * 5_000, "{a: " * 5_000, "9" * 5_000, "0x" + "f" * 5_000, "!!python/object/apply:os.system ['true']"),
        *("a: [", "*x", "a\n---\nb", "!!bool x", "!!timestamp x", "!!int ''", "&a [*a]", "&a {b: *a}", "&a {<<: *a}"),
    ],
)
def test_what_cannot_be_read_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(yaml.YAMLError):
        read_yaml(text)


@pytest.mark.parametrize("form", ["[*a{0}, *a{0}]", "{{x: *a{0}, y: *a{0}}}", "{{<<: [*a{0}, *a{0}]}}"])
def test_aliases_that_stand_for_more_than_memory_holds_are_refused(form: str) -> None:
    lines = ["x: &a0 {z: 1}", *(f"x{place}: &a{place + 1} {form.format(place)}" for place in range(40))]
    with pytest.raises(yaml.YAMLError, match="aliases"):
        read_yaml("\n".join(lines))
