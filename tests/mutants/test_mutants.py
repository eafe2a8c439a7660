from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mutants.mutants import Mutant, mutants_of
from tests.mutants.results import (
    Result,
    append_result,
    is_open,
    rate,
    read_arguments,
    read_results,
    summary,
    that_hold,
    write_results,
)
from tests.mutants.sample import draw, quotas

SOURCE = '''"""A docstring with 1 < 2."""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = ["loss"]
LIMIT: int = 3


def loss(online: Tensor, target: Tensor, *, gamma: float = 0.5) -> Tensor:
    """Another, with a - b."""
    if online.ndim < 2:
        raise ValueError(f"{online.ndim - 1} axes")
    assert target.ndim == online.ndim
    error = online[1:] - gamma * target.detach()
    return error.abs().sum(-1)


def count(rows: list[int]) -> int:
    total = 0
    for row in rows:
        if not row and total is None:
            continue
        total += max(row, 1)
    return total
'''


def changes(body: str, *arguments: str) -> set[tuple[str, str]]:
    found = mutants_of("a.py", f"def f({', '.join(arguments)}):\n    return {body}\n")
    return {(mutant.kind, mutant.change) for mutant in found}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a < b", {("boundary", "a < b -> a <= b"), ("compare", "a < b -> a >= b")}),
        ("a is None", {("compare", "a is None -> a is not None")}),
        ("a // b", {("arithmetic", "a // b -> a * b")}),
        ("'text' + b", set()),
        ("a and b", {("logic", "a and b -> a or b"), ("logic", "a and b -> b"), ("logic", "a and b -> a")}),
        ("not a", {("minus", "not a -> a")}),
        ("-a", {("minus", "-a -> a")}),
        ("-1", {("number", "-1 -> 0"), ("number", "-1 -> -2")}),
        ("0.0", {("number", "0.0 -> 1.0")}),
        ("True", {("truth", "True -> False")}),
        ("min(a, b)", {("name", "min -> max")}),
        ("a.argmax()", {("name", "a.argmax -> a.argmin")}),
        ("a[b:c]", {("slice", "a[b:c] -> a[:c]"), ("slice", "a[b:c] -> a[b:]")}),
        ("a[:, b:]", {("slice", "a[:, b:] -> a[:, :]")}),
        ("g(a, b)", {("swap", "g(a, b) -> g(b, a)")}),
        ("a if b else c", {("swap", "a if b else c -> c if b else a"), ("negate", "b -> not b")}),
        ("g(k=a)", {("keyword", "g(k=a) -> g()")}),
        ("g(device=a)", set()),
        ("a.detach()", {("drop", "a.detach() -> a")}),
        ("torch.abs(a)", {("drop", "torch.abs(a) -> a")}),
        ("isinstance(a, int | str)", set()),
        ("f'{a - b}'", set()),
    ],
)
def test_an_expression_has_these_mutants(body: str, expected: set[tuple[str, str]]) -> None:
    assert changes(body) == expected


def test_online_and_target_are_mistaken_for_each_other_where_both_are_known() -> None:
    assert ("twin", "online -> target") in changes("online + 1", "online", "target")
    assert ("twin", "next_obs -> obs") in changes("next_obs + 1", "obs", "next_obs")
    assert changes("online", "online") == set()


def test_statements_are_deleted_and_loops_go_on() -> None:
    source = "def f(a, b):\n    a.sort()\n    b[0] = a\n    b += a\n    raise ValueError(1 - 2)\n"
    deleted = [mutant.applied(source).splitlines()[mutant.line - 1] for mutant in mutants_of("a.py", source)]
    assert [line for line in deleted if line == "    pass"] == ["    pass"] * 4
    assert "    b -= a" in deleted
    assert not any("ValueError" in line and "1 - 2" not in line for line in deleted)


def test_words_annotations_imports_and_asserts_are_left_alone() -> None:
    mutants = mutants_of("a.py", SOURCE)
    changed = {mutant.line for mutant in mutants}
    lines = SOURCE.splitlines()
    assert {lines[number - 1].strip()[:12] for number in changed} == {
        *("LIMIT: int =", "def loss(onl", "if online.nd", "raise ValueE", "error = onli", "return error"),
        *("total = 0", "if not row a", "continue", "total += max"),
    }
    assert {mutant.change for mutant in mutants if mutant.line == 16} == set()
    assert {mutant.kind for mutant in mutants if lines[mutant.line - 1].strip().startswith("raise")} == {"delete"}


def test_every_mutant_is_a_program_with_one_change() -> None:
    mutants = mutants_of("a.py", SOURCE)
    programs = [ast.dump(ast.parse(mutant.applied(SOURCE))) for mutant in mutants]
    assert len(mutants) > 30
    assert len({*programs, ast.dump(ast.parse(SOURCE))}) == len(mutants) + 1


def test_a_change_keeps_its_meaning_inside_a_larger_expression() -> None:
    source = "def f(a, b, c):\n    return 'ä', a - b * c\n"
    (mutant,) = (mutant for mutant in mutants_of("a.py", source) if mutant.change == "b * c -> b / c")
    assert mutant.applied(source).splitlines()[1] == "    return 'ä', a - (b / c)"


def test_an_id_outlives_edits_elsewhere_and_a_digest_does_not_outlive_one_in_the_function() -> None:
    before = {mutant.id: mutant for mutant in mutants_of("a.py", SOURCE)}
    assert len(before) == len(mutants_of("a.py", SOURCE))
    edited = "import math\n" + SOURCE.replace("total = 0", "total = 0 + 0")
    after = {mutant.id: mutant for mutant in mutants_of("a.py", edited)}
    kept = [name for name, mutant in before.items() if "total = 0" not in SOURCE.splitlines()[mutant.line - 1]]
    assert set(kept) <= set(after)
    for name in kept:
        assert after[name].line == before[name].line + 1
        assert (after[name].digest == before[name].digest) is (before[name].scope != "count")
    assert set(before).isdisjoint(mutant.id for mutant in mutants_of("b.py", SOURCE))


def test_equal_changes_of_equal_lines_are_told_apart() -> None:
    twice = mutants_of("a.py", "def f(a, b):\n    a += 1\n    a += 1\n")
    assert len({mutant.id for mutant in twice}) == len(twice)


def some(count: int, *, kind: str = "number") -> list[Mutant]:
    whole = "\n".join(f"def f{number}(a, b):\n    return a - b\n" for number in range(count))
    return [replace(mutant, kind=kind) for mutant in mutants_of("a.py", whole)]


def test_a_sample_follows_its_seed_and_hardly_the_other_mutants() -> None:
    mutants = some(50)
    first = [mutant.id for mutant in draw(mutants, 10, seed=0)]
    assert first == [mutant.id for mutant in draw(mutants[::-1], 10, seed=0)]
    assert first != [mutant.id for mutant in draw(mutants, 10, seed=1)]
    left = [mutant for mutant in mutants if mutant.id != first[0]]
    assert [mutant.id for mutant in draw(left, 9, seed=0)] == first[1:]


def test_a_line_is_mutated_twice_only_when_no_other_is_left() -> None:
    mutants = mutants_of("a.py", "def f(a, b):\n    x = a < b and a\n    return a - b\n")
    drawn = draw(mutants, 3, seed=0)
    assert len({mutant.line for mutant in drawn[:2]}) == 2
    assert len(drawn) == 3


def test_the_fields_own_faults_are_drawn_more_often() -> None:
    mutants = [*some(400), *(replace(m, kind="twin", id=f"{m.id}t", line=-m.line) for m in some(400))]
    drawn = draw(mutants, 100, seed=0)
    assert sum(mutant.kind == "twin" for mutant in drawn) > 65


def test_areas_share_by_size_and_small_ones_get_their_least() -> None:
    shares = quotas({"large": 900, "middle": 300, "small": 10, "tiny": 1}, 100, least=8)
    assert shares == {"large": 63, "middle": 21, "small": 8, "tiny": 8}
    assert quotas({"a": 5, "b": 50}, 3, least=8) == {"a": 1, "b": 2}


def result(mutant: Mutant, outcome: str) -> Result:
    return Result(
        **{name: getattr(mutant, name) for name in ("id", "file", "line", "scope", "kind", "change", "digest")},
        area="losses",
        outcome=outcome,
        test="tests/test_a.py::test_a" if outcome == "caught" else "",
        seconds=1.5,
    )


def test_results_come_back_from_the_file_and_the_last_one_counts(tmp_path: Path) -> None:
    place = tmp_path / "results.csv"
    first, second = (result(mutant, "caught") for mutant in some(2))
    assert read_results(place) == {}
    write_results(place, [first])
    append_result(place, second)
    append_result(place, replace(first, outcome="survived", test=""))
    assert read_results(place) == {first.id: replace(first, outcome="survived", test=""), second.id: second}


def test_a_result_holds_until_its_function_changes() -> None:
    known = {mutant.id: result(mutant, "caught") for mutant in mutants_of("a.py", SOURCE)}
    edited = mutants_of("a.py", "\n\n" + SOURCE.replace("total = 0", "total = 00"))
    held = that_hold(known, edited)
    assert {row.scope for row in held.values()} == {"<module>", "loss"}
    assert {row.line for row in held.values()} == {mutant.line for mutant in edited if mutant.scope != "count"}


def test_survivors_lower_the_rate_unless_argued_and_mutants_that_do_not_import_are_left_out() -> None:
    outcomes = ["caught", "timeout", "survived", "survived", "incompetent"]
    rows = [result(mutant, outcome) for mutant, outcome in zip(some(5), outcomes, strict=True)]
    assert rate(rows, {}) == 0.5
    arguments = {rows[2].id: "rounding alone", rows[0].id: "wrong"}
    assert rate(rows, arguments) == 0.75
    assert [is_open(row, arguments) for row in rows] == [False, False, False, True, False]
    told = "\n".join(summary(rows, arguments))
    assert f"survived: {rows[3].id}" in told
    assert f"survived: {rows[2].id}" not in told
    assert f"argued, but caught by tests/test_a.py::test_a: {rows[0].id}" in told
    assert "75.0 % caught or argued (1 caught, 1 timeout, 1 incompetent, 1 argued)" in told


def test_an_argument_needs_words(tmp_path: Path) -> None:
    place = tmp_path / "equivalent.yaml"
    place.write_text("- {id: abc, change: a -> b, why: both are zero}\n")
    assert read_arguments(place) == {"abc": "both are zero"}
    place.write_text("- {id: abc, change: a -> b, why: ' '}\n")
    with pytest.raises(SystemExit, match="id, change and why"):
        read_arguments(place)


def test_the_kept_arguments_can_be_read() -> None:
    read_arguments()
