"""Where a report may be written, and what it spares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rmix_kit.errors import RecordError, RunFolderError
from rmix_kit.reports.report import write_report
from tests.reports.records import record


@pytest.mark.usefixtures("undrawn")
def test_the_folder_may_be_the_current_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_report([record()], Path(), resamples=9)
    assert {path.name for path in tmp_path.iterdir()} == {"figures", "tables", "index.html", "marl_eval.json"}


@pytest.mark.usefixtures("undrawn")
def test_a_folder_beside_the_report_stays(tmp_path: Path) -> None:
    (tmp_path / "report.partial").mkdir()
    write_report([record()], tmp_path / "report", resamples=9)
    assert (tmp_path / "report.partial").is_dir()


def test_a_folder_with_other_figures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "figures").mkdir()
    with pytest.raises(RunFolderError, match="figures and is no report"):
        write_report([record()], tmp_path)


def test_runs_that_do_not_belong_together_write_nothing(tmp_path: Path) -> None:
    with pytest.raises(RecordError):
        write_report([record(), record(seed=1, env_spec={"n_agents": 3})], tmp_path / "report")
    assert not list(tmp_path.iterdir())


def test_the_same_runs_give_the_same_page(tmp_path: Path) -> None:
    pages = [write_report([record()], tmp_path / name, resamples=9).read_bytes() for name in ("a", "b")]
    assert pages[0] == pages[1]


def test_no_runs_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="no runs"):
        write_report([], tmp_path / "report")


@pytest.mark.usefixtures("undrawn")
def test_a_first_report_appears_at_once_and_one_that_a_kill_broke_off_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "report"
    moved: list[str] = []
    rename, replace = os.rename, os.replace

    def killed(source: Path, target: Path) -> None:
        moved.append(Path(target).name)
        if len(moved) == 2:
            raise KeyboardInterrupt
        replace(source, target)

    folder.mkdir()
    monkeypatch.setattr("rmix_kit.reports.report.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write_report([record()], folder, resamples=9)
    assert moved == ["figures", "tables"]
    (folder / ".report.01234567.partial").mkdir()  # which a kill does not clear away
    monkeypatch.setattr("rmix_kit.reports.report.os.replace", replace)
    write_report([record()], folder, resamples=9)
    assert (folder / "index.html").exists()
    seen: list[list[str]] = []
    fresh = tmp_path / "fresh"
    monkeypatch.setattr(
        "rmix_kit.reports.report.os.rename",
        lambda source, target: [seen.append(sorted(os.listdir(source))), rename(source, target)],
    )
    write_report([record()], fresh, resamples=9)
    assert seen == [["figures", "index.html", "marl_eval.json", "tables"]]
