"""MACN's adapter: a map file's drawing is what is kept, not its name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main
from rmix_kit.envs.make import make_vector_env, parse_known, resolved_text
from rmix_kit.errors import EnvironmentTextError, RunFolderError
from rmix_kit.results import find_records
from rmix_kit.training.trainer import train
from tests.training.runs import Notes, tiny

DRAWN = "....\nSCCG\n"
TEXT = "macn:....%0ASCCG?max_steps=20"


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    file = tmp_path / "map.txt"
    file.write_text(DRAWN)
    return file


def test_a_map_file_is_written_out_as_its_drawing_in_one_line(drawn: Path) -> None:
    assert resolved_text(f"macn:{drawn}?max_steps=20") == TEXT
    assert parse_known(TEXT).name == DRAWN.strip()
    assert make_vector_env(TEXT, 1).spec == make_vector_env(f"macn:{drawn}?max_steps=20", 1).spec


@pytest.mark.parametrize("text", ["macn:4x7", "macn:....\nSCCG", "macn:S..G", TEXT])
def test_a_name_or_a_drawing_stays_as_it_is(text: str) -> None:
    assert resolved_text(text) == text


def test_a_map_file_that_is_not_there_is_refused() -> None:
    with pytest.raises(EnvironmentTextError, match="nor a file"):
        resolved_text("macn:nowhere/map.txt")


def test_a_run_keeps_the_drawing_and_needs_the_file_no_more(drawn: Path, tmp_path: Path) -> None:
    config = tiny(env=f"macn:{drawn}?max_steps=20", steps=100)
    run = train(config, tmp_path / "run", reporter=Notes())
    assert run.config.env == TEXT
    train(config, tmp_path / "run", resume=True, reporter=Notes())
    drawn.unlink()
    assert run.evaluate(episodes=2).episodes == 2
    train(tiny(env=TEXT, steps=100), tmp_path / "run", resume=True, reporter=Notes())


def test_going_on_with_an_edited_map_file_is_refused(drawn: Path, tmp_path: Path) -> None:
    config = tiny(env=f"macn:{drawn}?max_steps=20", steps=100)
    train(config, tmp_path / "run", reporter=Notes())
    drawn.write_text("....\nS.CG\n")
    with pytest.raises(RunFolderError, match="map.txt.* is macn:....%0AS.CG.* now, and the run in .* was begun on"):
        train(config, tmp_path / "run", resume=True, reporter=Notes())


@pytest.mark.usefixtures("undrawn")
def test_reports_keep_runs_of_different_drawings_under_one_name_apart(drawn: Path, tmp_path: Path) -> None:
    config = tiny(env=f"macn:{drawn}", steps=100)
    train(config, tmp_path / "runs" / "a", reporter=Notes())
    drawn.write_text("....\nS.CG\n")
    train(config, tmp_path / "runs" / "b", reporter=Notes())
    assert {record.env for record in find_records([tmp_path / "runs"])} == {"macn:....%0ASCCG", "macn:....%0AS.CG"}
    result = CliRunner().invoke(main, ["report", str(tmp_path / "runs"), "--out", str(tmp_path / "report")])
    assert result.exit_code == 0, result.stderr
    shutil.rmtree(tmp_path / "report")
