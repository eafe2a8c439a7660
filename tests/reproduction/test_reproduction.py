from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main
from rmix_kit.envs.make import remark_on
from rmix_kit.envs.smac.scripts import NAMES
from rmix_kit.errors import RecordError
from rmix_kit.reproduction import scripted, suites
from rmix_kit.reproduction.cells import check_can_join, open_reproduction, record_path
from rmix_kit.reproduction.estimate import cpu_seconds, total_hours
from rmix_kit.reproduction.suites import EVERYONE, FAMILY, SUITES, Part, Suite
from rmix_kit.reproduction.summary import how_it_ends, summary_of
from rmix_kit.results import Episodes, RunRecord, write_record
from rmix_kit.sweeps.engine import folder_of
from rmix_kit.sweeps.sweep_file import AlgorithmEntry, EnvironmentEntry, Frame, SweepFile

ENV = "macn:4x7?max_steps=20"
QUICK = {"training.evaluation_episodes": 2, "training.evaluation_interval": 200, "training.num_envs": 2}


def small_suite(backend: str = "builtin") -> Suite:
    sweep = SweepFile(
        source="test",
        algorithms=(AlgorithmEntry(algo="iql"),),
        environments=(EnvironmentEntry(env=ENV, steps=200), EnvironmentEntry(env="macn:4x11", steps=300)),
        seeds=(0, 1),
        frame=Frame(set=dict(QUICK)),
    )
    one = replace(sweep, environments=sweep.environments[:1])
    other = replace(sweep, environments=sweep.environments[1:])
    parts = (Part(name="near", sweep=one), Part(name="far", sweep=other))
    return Suite(name="small", title="A small suite", parts=parts, seconds_per_step=0.5)


def record(template: RunRecord, env: str = ENV, seed: int = 0, steps: int = 200, algo: str = "iql") -> RunRecord:
    own = {"algo": algo, "preset": algo, "env": env, "seed": seed, "steps": steps}
    quick = {name.removeprefix("training."): value for name, value in QUICK.items()}
    config = dict(template.config) | {"training": template.config["training"] | quick}
    return replace(template, **own, config=config, overrides={}, cpu_seconds=8.0)


def episodes(returns: list[float], *, success: bool, fell: bool, length: int) -> Episodes:
    count = len(returns)
    return Episodes(
        checkpoint_step=200,
        seed=0,
        returns=tuple(returns),
        success=(success,) * count,
        fell=(fell,) * count,
        lengths=(length,) * count,
        risk_levels=(1.0,) * count,
    )


@pytest.mark.parametrize("name", SUITES)
def test_every_suite_can_be_planned(name: str, tmp_path: Path) -> None:
    reproduction = open_reproduction(SUITES[name]("builtin"), tmp_path)
    names = [run.name for run in reproduction.runs]
    assert len(set(names)) == len(names)
    assert len(reproduction.missing().runs) == len(names)


def test_macn_has_everyone_five_times_on_the_papers_map_and_rmix_twenty(tmp_path: Path) -> None:
    expected = open_reproduction(SUITES["macn"]("builtin"), tmp_path).expected()
    seeds = {algo: each for algo, env, each in expected if env == "macn:4x12"}
    assert seeds == dict.fromkeys((*EVERYONE, *FAMILY), (0, 1, 2, 3, 4)) | {"rmix": tuple(range(20))}


def test_a_recorded_run_is_not_missing(tmp_path: Path, template: RunRecord) -> None:
    first = open_reproduction(small_suite(), tmp_path).runs[0]
    write_record(record_path(tmp_path, first.name), record(template))
    reproduction = open_reproduction(small_suite(), tmp_path)
    assert set(reproduction.records) == {first.name}
    assert first.name not in [run.name for run in reproduction.missing().runs]
    assert len(reproduction.missing(["far"]).runs) == 2


def test_a_record_of_another_run_is_refused(tmp_path: Path, template: RunRecord) -> None:
    first = open_reproduction(small_suite(), tmp_path).runs[0]
    write_record(record_path(tmp_path, first.name), record(template, seed=7))
    with pytest.raises(RecordError, match="iql macn:4x7.* 7 200; planned is iql"):
        open_reproduction(small_suite(), tmp_path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"is_finished": False}, "unfinished"),
        ({"preset": "iql-paper"}, "preset iql-paper; planned is iql's own"),
        ({"overrides": {"training.batch_size": 8}}, "training.batch_size 8, which is not"),
        ({"config": {}}, "training.evaluation_episodes None, which is not"),
        ({"last": None}, "lacks the episodes"),
    ],
)
def test_a_record_of_other_settings_is_refused(
    change: dict[str, Any], complaint: str, tmp_path: Path, template: RunRecord
) -> None:
    first = open_reproduction(small_suite(), tmp_path).runs[0]
    write_record(record_path(tmp_path, first.name), replace(record(template), **change))
    with pytest.raises(RecordError, match=complaint):
        open_reproduction(small_suite(), tmp_path)


def test_records_that_no_report_takes_together_are_refused_before_training(tmp_path: Path, template: RunRecord) -> None:
    first, second, *_ = open_reproduction(small_suite(), tmp_path).runs
    for run, version in ((first, "0.1"), (second, "0.2")):
        written = replace(record(template, seed=run.seed), origins=({"rmix_kit": version},))
        write_record(record_path(tmp_path, run.name), written)
    with pytest.raises(RecordError, match=r"differ in the version of rmix-kit: 0\.1 against 0\.2; move one"):
        open_reproduction(small_suite(), tmp_path)


def test_a_cell_that_another_version_began_is_not_gone_on_with(
    tmp_path: Path, template: RunRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rmix_kit.reproduction.cells.kit_version", lambda: "0.2")
    first = open_reproduction(small_suite(), tmp_path).runs[0]
    write_record(record_path(tmp_path, first.name), replace(record(template), origins=({"rmix_kit": "0.1"},)))
    reproduction = open_reproduction(small_suite(), tmp_path)
    check_can_join(reproduction, reproduction.missing(["far"]))
    with pytest.raises(RecordError, match=r"is of rmix-kit 0\.1, and this is 0\.2"):
        check_can_join(reproduction, reproduction.missing(["near"]))


def test_an_estimate_takes_the_nearest_record(tmp_path: Path, template: RunRecord) -> None:
    near, _, far, _ = open_reproduction(small_suite(), tmp_path).runs
    records = {"a": record(template), "b": record(template, env="macn:4x15", steps=100)}
    assert cpu_seconds(near, records, 0.5) == pytest.approx(200 * 8.0 / 200)
    assert cpu_seconds(far, records, 0.5) == pytest.approx(300 * (8.0 / 200 + 8.0 / 100) / 2)
    assert cpu_seconds(far, {}, 0.5) == 150
    assert total_hours([near, far, far], {}, 0.5, jobs=2) == pytest.approx(400 / 2 / 3600)


def test_more_jobs_than_runs_take_as_long_as_the_longest(tmp_path: Path) -> None:
    near, _, far, _ = open_reproduction(small_suite(), tmp_path).runs
    assert total_hours([near, far], {}, 0.5, jobs=1000) == pytest.approx(150 / 3600)
    assert total_hours([], {}, 0.5, jobs=1000) == 0


@pytest.mark.parametrize(
    ("played", "expected"),
    [
        (episodes([-7.0] * 4, success=True, fell=False, length=8), "optimal"),
        (episodes([-9.0] * 4, success=True, fell=False, length=10), "solves"),
        (episodes([-20.0] * 4, success=False, fell=False, length=20), "stands still"),
        (episodes([-103.0] * 4, success=False, fell=True, length=4), "falls"),
        (episodes([-7.5, -7.0] * 50, success=True, fell=False, length=8), "solves"),
        (episodes([-7.5, -7.0, -6.5, -7.2] * 5, success=True, fell=False, length=8), "optimal"),
        (episodes([-6.0] * 19 + [-107.0], success=True, fell=False, length=8), "within error of the best"),
    ],
)
def test_the_end_of_a_run_is_named(played: Episodes, expected: str, template: RunRecord) -> None:
    assert how_it_ends(played, record(template), -7.0) == expected


def test_the_summary_shows_what_was_not_run(template: RunRecord) -> None:
    expected = [("iql", ENV, (0, 1)), ("vdn", ENV, (0, 1)), ("iql", "macn:4x11", (0,))]
    lone = replace(record(template), last=episodes([-9.0] * 4, success=True, fell=False, length=10))
    page = summary_of([lone], expected, title="Title")
    assert "| iql | 1 of 2 | -9 | 2 | 100% | 0.0% | solves 1 | 8 |" in page
    assert "Not run: vdn." in page
    assert page.rstrip().endswith("Not run.")


def test_the_summary_says_where_success_is_not_reported(template: RunRecord) -> None:
    told = episodes([-9.0] * 4, success=True, fell=False, length=10)
    rows = tuple({**row, "success_rate": None} for row in template.evaluations)
    silent = replace(
        record(template, env="matrix:[[1,0],[0,2]]"), best=None, last=replace(told, success=None), evaluations=rows
    )
    page = summary_of([silent], [("iql", silent.env, (0,))], title="Title")
    assert "| -9 |" in page
    assert "success |" not in page
    assert "does not report success" in page
    assert how_it_ends(replace(told, success=None), silent, -7.0) == "fails"


def test_the_summary_names_what_was_laid_over_the_presets(template: RunRecord) -> None:
    changed = replace(record(template), overrides={"training.epsilon_end": 1.0, "algorithm.learning_rate": 0.002})
    plain = replace(record(template, seed=1), overrides={})
    page = summary_of([changed, plain], [("iql", ENV, (0, 1))], title="Title")
    assert "with its own preset but for `algorithm.learning_rate=0.002`, `training.epsilon_end=1.0`" in page
    assert "but for" not in summary_of([plain], [("iql", ENV, (0, 1))], title="Title")


def test_win_rates_of_the_simulator_carry_their_label(template: RunRecord) -> None:
    env = "smac:3m?backend=builtin"
    page = summary_of([record(template, env=env)], [("iql", env, (0,))], title="Title")
    assert remark_on(env)
    assert remark_on(env) in page


def test_dry_run_trains_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(suites.SUITES, "macn", small_suite)
    result = CliRunner().invoke(main, ["reproduce", "macn", "--out", str(tmp_path / "out"), "--dry-run", "--json"])
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert [(row["part"], row["missing"]) for row in shown["parts"]] == [("near", 2), ("far", 2)]
    assert shown["hours"] == pytest.approx((2 * 200 + 2 * 300) * 0.5 / 3600)
    assert not (tmp_path / "out").exists()


def test_a_part_is_trained_recorded_and_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(suites.SUITES, "macn", small_suite)
    arguments = ["reproduce", "macn", "--out", str(tmp_path), "--part", "near", "--json"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["recorded"] == 2
    reproduction = open_reproduction(small_suite(), tmp_path)
    assert (tmp_path / "report" / "index.html").is_file()
    assert reproduction.missing(["near"]).runs == ()
    before = {path: path.stat().st_mtime_ns for path in folder_of(tmp_path, reproduction.runs[0].name).rglob("*")}
    assert CliRunner().invoke(main, arguments).exit_code == 0
    after = {path: path.stat().st_mtime_ns for path in folder_of(tmp_path, reproduction.runs[0].name).rglob("*")}
    assert after == before


def test_starcraft_that_is_not_there_is_one_line_and_no_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SC2PATH", str(tmp_path))
    monkeypatch.setattr("rmix_kit.cli.reproduce._train", lambda missing, jobs: pytest.fail("training was started"))
    result = CliRunner().invoke(main, ["reproduce", "smac", "--backend", "sc2", "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: there is no StarCraft II")


def test_an_unknown_part_is_refused(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["reproduce", "macn", "--out", str(tmp_path / "out"), "--part", "clif"])
    assert result.exit_code == 2
    assert "has no part 'clif'; it has cliff, bridge, further" in result.stderr


def test_scripts_are_played_once_and_nothing_is_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    monkeypatch.setattr(suites, "SCENARIOS", ("3m",))
    monkeypatch.setattr(scripted, "play", partial(scripted.play, episodes=4, copies=4))
    arguments = ["reproduce", "smac", "--out", str(out), "--part", "scripts"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    rows = (out / "scripts.csv").read_text().splitlines()
    assert rows[0] == "environment,script,episodes,won,return"
    assert len(rows) == 1 + len(NAMES)
    assert not (out / "runs").exists()
    assert "Scripts win (return): random 0.0%" in result.stdout
    (out / "scripts.csv").write_text("what was there\n")
    assert CliRunner().invoke(main, arguments).exit_code == 0
    assert (out / "scripts.csv").read_text() == "what was there\n"


def test_scripts_are_a_part_of_the_simulator_alone(tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    refused = CliRunner().invoke(main, ["reproduce", "macn", "--out", out, "--part", "scripts"])
    assert refused.exit_code == 2
    unknown = CliRunner().invoke(main, ["reproduce", "smac", "--out", out, "--part", "script"])
    assert "it has maps, scripts" in unknown.output
