"""``rmix-kit envs`` lists, and ``rmix-kit envs check`` says what it found."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from rmix_kit.cli.main import main
from tests.envs.corpus.team import HERE

PLACE = f"pettingzoo:{HERE}"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["envs", *arguments])


def test_without_more_words_the_environments_are_listed() -> None:
    assert "pettingzoo" in run().stdout
    assert "macn" in json.loads(run("--json").stdout)["kinds"]


def test_a_sound_environment_is_told_line_by_line() -> None:
    result = run("check", f"{PLACE}.leaving.Dies", "--episodes", "2")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.strip().splitlines()
    assert all(line.split()[0] in ("ok", "warning") for line in lines)
    assert any("b left before the others" in line for line in lines)


@pytest.mark.parametrize("kind", ["episodes.Endless", "faults.BreaksInStep", "faults.CannotBeMade"])
def test_a_problem_is_one_line_and_the_exit_code_1(kind: str) -> None:
    result = run("check", f"{PLACE}.{kind}")
    assert result.exit_code == 1
    assert result.stdout.startswith("problem")
    assert len(result.stdout.strip().splitlines()) == 1


def test_json_stands_alone_though_the_environment_prints() -> None:
    result = run("check", f"{PLACE}.faults.Talks", "--episodes", "2", "--json")
    record = json.loads(result.stdout)
    assert record["environment"] == f"{PLACE}.faults.Talks"
    assert {"name", "status", "found", "fix"} == set(record["findings"][0])
    assert "step 1" in result.stderr


def test_a_text_of_another_form_is_a_usage_error() -> None:
    assert run("check", "mcan:4x7").exit_code == 2
    assert run("chek", "macn:4x7").exit_code == 2
