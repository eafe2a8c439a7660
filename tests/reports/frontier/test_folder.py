"""Files of a frontier, written by the commands for a run and for its exported agents."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from click.testing import CliRunner, Result
from PIL import Image

from rmix_kit.cli.main import main
from tests.fixtures.trained import Trained

ROOT = Path(__file__).resolve().parents[3]
EPISODES = "35"  # more than one round of copies
SHORT = "macn:4x7?slip=0.1&include_position=true&max_steps=8"  # a clock that keeps the oracle quick
SHARED = ("--env", SHORT, "--episodes", EPISODES, "--json")
LEVELS = ("--risk-levels", "0.1,1.0,dynamic")
NAMES = [f"frontier.{kind}" for kind in ("csv", "json", "md", "png", "svg")]
NAMES += [f"visits.{kind}" for kind in ("csv", "png", "svg")]


def invoked(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


class Written(NamedTuple):
    folder: Path
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def written(trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("frontier") / "new" / "dial"
    result = invoked("evaluate", trained.run, *LEVELS, *SHARED, "--frontier", folder)
    assert result.exit_code == 0, result.stderr
    return Written(folder, result.stdout, result.stderr)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_file_is_there_and_no_other(written: Written) -> None:
    assert sorted(path.name for path in written.folder.iterdir()) == sorted(NAMES)


def test_the_command_names_the_files_it_wrote(written: Written) -> None:
    assert all(name in written.stderr for name in NAMES)


def test_the_record_is_what_was_printed(written: Written) -> None:
    assert json.loads((written.folder / "frontier.json").read_text()) == json.loads(written.stdout)


def test_the_table_holds_the_numbers_of_the_record(written: Written) -> None:
    table, record = rows(written.folder / "frontier.csv"), json.loads(written.stdout)["levels"]
    assert len(table) == len(record)
    for found, expected in zip(table, record, strict=True):
        assert list(found) == list(expected)
        assert [found["risk_level"], found["quantity"]] == [str(expected["risk_level"]), expected["quantity"]]
        for name in ("measured", "low", "high", "exact", "difference"):
            value = None if found[name] == "" else float(found[name])
            assert value == pytest.approx(expected[name], abs=1e-6), (name, found)


@pytest.mark.parametrize("name", ["frontier", "visits"])
def test_tables_have_six_decimals_at_most(written: Written, name: str) -> None:
    cells = {cell for row in rows(written.folder / f"{name}.csv") for cell in row.values()}
    decimals = {len(cell.partition(".")[2]) for cell in cells if cell.lstrip("-")[:1].isdigit()}
    assert max(decimals) == 6


def test_the_markdown_table_has_three_rows_per_level_with_an_exact_answer(written: Written) -> None:
    lines = (written.folder / "frontier.md").read_text().splitlines()
    assert len(lines) == 2 + 3 + 3 + 1
    assert {line.count("|") for line in lines} == {8}


def test_visits_have_a_row_per_level_agent_and_cell(written: Written) -> None:
    found = rows(written.folder / "visits.csv")
    assert len(found) == 3 * 3 * 28  # levels; two agents and their mean; cells of 4x7
    starts = [row for row in found if row["mark"] == "S"]
    assert {float(row["share_of_episodes"]) for row in starts} == {1.0}


@pytest.mark.parametrize("name", ["frontier", "visits"])
def test_pictures_show_something(written: Written, name: str) -> None:
    with Image.open(written.folder / f"{name}.png") as picture:
        assert min(picture.size) > 300
        assert len(np.unique(np.asarray(picture.convert("L")))) > 30
    root = ElementTree.parse(written.folder / f"{name}.svg").getroot()
    assert root.tag.endswith("svg")


def test_the_same_command_writes_the_same_bytes_over_the_old_ones(written: Written, trained: Trained) -> None:
    before = {path.name: path.read_bytes() for path in written.folder.iterdir()}
    assert invoked("evaluate", trained.run, *LEVELS, *SHARED, "--frontier", written.folder).exit_code == 0
    assert {path.name: path.read_bytes() for path in written.folder.iterdir()} == before


def test_exported_agents_give_the_numbers_of_the_run(written: Written, trained: Trained) -> None:
    record = json.loads(invoked("run", trained.agents, *LEVELS, *SHARED).stdout)
    assert record["levels"] == json.loads(written.stdout)["levels"]


def test_levels_agree_with_single_evaluations(written: Written, trained: Trained) -> None:
    single = json.loads(invoked("evaluate", trained.run, "--risk-level", "0.1", *SHARED).stdout)
    measured = {
        row["quantity"]: row["measured"] for row in json.loads(written.stdout)["levels"] if row["risk_level"] == 0.1
    }
    assert measured == {name: single[name] for name in measured}


def test_without_json_a_table_and_the_meaning_of_exact_are_printed(trained: Trained) -> None:
    result = invoked("evaluate", trained.run, "--risk-levels", "0.1, dynamic", *SHARED[:-1])
    assert result.exit_code == 0, result.stderr
    assert "mean return" in result.stdout
    assert "full information" in result.stdout
    assert "no exact values at dynamic" in result.stdout


def test_frontier_alone_plays_five_levels(trained: Trained, tmp_path: Path) -> None:
    assert invoked("run", trained.agents, *SHARED, "--frontier", tmp_path).exit_code == 0
    levels = dict.fromkeys(row["risk_level"] for row in rows(tmp_path / "frontier.csv"))
    assert list(levels) == ["0.1", "0.25", "0.5", "1.0", "dynamic"]


@pytest.mark.parametrize("command", ["evaluate", "run"])
@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--risk-levels", "0.1,2"], 2, "2 is not in (0, 1]"),
        (["--risk-levels", "0.1,dynamo"], 2, "did you mean 'dynamic'?"),
        (["--risk-levels", "0.5,0.50"], 2, "gives 0.5 twice"),
        (["--risk-levels", "0.5", "--risk-level", "0.1"], 2, "leave one of them out"),
        (["--frontier", "FILE"], 1, "is a file; --frontier takes a folder"),
    ],
)
def test_options_that_cannot_be_are_refused(
    trained: Trained, tmp_path: Path, command: str, options: list[str], code: int, words: str
) -> None:
    (tmp_path / "FILE").write_text("")
    given = [str(tmp_path / word) if word == "FILE" else word for word in options]
    result = invoked(command, trained.run if command == "evaluate" else trained.agents, *given)
    assert result.exit_code == code
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_frontier_of_exported_agents_never_loads_torch(trained: Trained, tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from rmix_kit.cli.main import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'torch', 'onnx', 'matplotlib.pyplot'} & set(sys.modules)\n"
    )
    words = ["run", str(trained.agents), "--risk-levels", "1.0", *SHARED, "--frontier", str(tmp_path / "dial")]
    command = [sys.executable, "-W", "error", "-c", program, *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def without_a_dial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vdn") / "run"
    train = ["--algo", "vdn", "--env", "didactic:climbing", "--seed", 0, "--steps", 32]
    assert invoked("train", *train, "--out", folder).exit_code == 0
    return folder


def test_agents_without_a_dial_are_refused_in_one_line(without_a_dial: Path, tmp_path: Path) -> None:
    result = invoked("evaluate", without_a_dial, "--risk-levels", "dynamic,0.1", "--frontier", tmp_path / "dial")
    assert result.exit_code == 1
    assert "vdn has no risk dial" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "dial").exists()


def test_agents_without_a_dial_are_measured_as_they_are(without_a_dial: Path, tmp_path: Path) -> None:
    result = invoked("evaluate", without_a_dial, "--risk-levels", "dynamic", "--frontier", tmp_path / "dial")
    assert result.exit_code == 0, result.stderr
    assert not (tmp_path / "dial" / "visits.csv").exists()
    assert {row["exact"] for row in rows(tmp_path / "dial" / "frontier.csv")} == {""}


def test_a_table_of_joint_actions_has_no_frontier(without_a_dial: Path, tmp_path: Path) -> None:
    result = invoked("evaluate", without_a_dial, "--table", "--frontier", tmp_path / "dial")
    assert result.exit_code == 2
    assert "--frontier is about episodes" in result.stderr
