"""Whatever writes JSON for others writes none of the words that JSON does not have: NaN and Infinity."""

from __future__ import annotations

import ast
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmix_kit.files.writing import json_text
from tests.architecture.sources import calls_of, modules, nodes_of

# What they write was read from text or are words of our own, and is read by ourselves or a person.
OF_WORDS = {
    "exporters.freezing",
    "rmix_kit.doctor.starcraft.probe",
    "rmix_kit.doctor.starcraft.starter",
    "rmix_kit.envs.smac.sc2.process",
    "rmix_kit.envs.text",
    "rmix_kit.reports.run_tables",
    "rmix_kit.reports.variants",
    "rmix_kit.reproduction.summary",
    "rmix_kit.results.folder",
    "rmix_kit.sweeps.plan",
    "rmix_kit.sweeps.process",
    "rmix_kit.messages",
}
numbers = st.integers() | st.floats() | st.none()


def test_json_is_written_without_nan_and_infinity() -> None:
    found = [
        f"{modules()[module]}:{node.lineno}: lacks allow_nan=False; call rmix_kit.files.writing.json_text"
        for module in sorted(modules().keys() - OF_WORDS)
        for node in nodes_of(modules()[module])
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("json.dumps", "json.dump")
        and "allow_nan=False" not in map(ast.unparse, node.keywords)
    ]
    assert not found, "\n".join(found)


def test_modules_that_may_write_json_of_words_still_do() -> None:
    silent = [
        name
        for name in sorted(OF_WORDS)
        if name not in modules() or not any(call.startswith("json.dump") for call, _ in calls_of(modules()[name]))
    ]
    assert not silent, f"they write no JSON; take them off the list: {', '.join(silent)}"


@given(st.dictionaries(st.text(max_size=3), numbers | st.lists(numbers, max_size=3) | st.tuples(numbers), max_size=4))
def test_what_is_finite_is_written_as_it_is_and_the_rest_as_null(value: dict[str, object]) -> None:
    def expected(inner: object) -> object:
        if isinstance(inner, list | tuple):
            return [expected(entry) for entry in inner]
        return None if isinstance(inner, float) and not math.isfinite(inner) else inner

    found = json.loads(json_text(value), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    assert found == {name: expected(inner) for name, inner in value.items()}
