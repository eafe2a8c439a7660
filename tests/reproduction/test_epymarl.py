from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main
from rmix_kit.errors import MissingExtraError, RecordError
from rmix_kit.reproduction.cells import check_environments, open_reproduction, record_path
from rmix_kit.reproduction.comparison import verdict
from rmix_kit.reproduction.epymarl import TASKS, Curve, Interval, MaximumReturn, curve_of, maximum_return
from rmix_kit.reproduction.page import page_of
from rmix_kit.reproduction.peers import FORMAT, KIND, peers_in, read_peer
from rmix_kit.reproduction.scale import Scale, scale_in, scaled, write_scale
from rmix_kit.reproduction.suites import SUITES
from rmix_kit.results import RunRecord, write_record

SPREAD = next(task for task in TASKS if task.name == "Spread")
SMALL = Scale(fraction=0.1, seeds=2)


def record(template: RunRecord, seed: int, returns: list[float], algo: str = "qmix") -> RunRecord:
    planned = {"evaluation_interval": 50_000, "evaluation_episodes": 100, "checkpoint_interval": 50_000}
    config = dict(template.config) | {"training": template.config["training"] | planned}
    rows = tuple(
        {"kind": "evaluation", "env_steps": 50_000 * (count + 1) + 400, "return_mean": value}
        for count, value in enumerate(returns)
    )
    own: dict[str, Any] = {"algo": algo, "preset": algo, "env": SPREAD.env, "seed": seed, "steps": 200_000}
    return replace(template, **own, config=config, overrides={}, evaluations=rows, seconds_at=())


def peer(seed: int, returns: list[float], **other: Any) -> dict[str, Any]:
    rows = [{"env_steps": 50_000 * count + 25, "return_mean": value} for count, value in enumerate(returns)]
    run = {"task": "spread", "algo": "qmix", "seed": seed, "steps": 2_000_000, "interval": 50_000}
    rest = {
        "config": {"seed": seed},
        "changed": [],
        "commit": "c" * 40,
        "packages": {},
        "cpu_seconds": 1.0,
        "wall_seconds": 2,
    }
    return {"kind": KIND, "format": FORMAT, **run, "evaluations": rows, **rest, **other}


def write_peer(out: Path, name: str, values: dict[str, Any]) -> Path:
    (out / "peer").mkdir(parents=True, exist_ok=True)
    path = out / "peer" / f"{name}.json"
    path.write_text(json.dumps(values))
    return path


def test_the_papers_spread_is_twice_the_sum_here_less_75() -> None:
    found = SPREAD.published_here("qmix")
    assert found is not None
    assert (found.mean, found.half_width) == (pytest.approx(-25.81), pytest.approx(1.48))
    assert SPREAD.published_here("rmix") is None


def test_every_task_sums_rewards_and_is_named_once() -> None:
    assert all("reward=sum" in task.env for task in TASKS)
    assert len({task.env for task in TASKS}) == len({task.key for task in TASKS}) == len(TASKS)


def test_the_maximum_is_taken_of_the_mean_over_seeds_and_not_of_each_seed() -> None:
    curves = [Curve(seed=1, returns={1: 0.0, 2: 4.0, 3: 9.0}), Curve(seed=0, returns={1: 8.0, 2: 6.0, 3: 0.0})]
    found = maximum_return(curves, 50_000)
    assert found is not None
    assert (found.steps, found.interval.mean, found.by_seed) == (100_000, 5.0, (6.0, 4.0))
    assert found.interval.half_width == pytest.approx(1.96 * math.sqrt(2) / math.sqrt(2), abs=1e-3)


def test_an_evaluation_that_one_run_lacks_does_not_count() -> None:
    curves = [Curve(seed=0, returns={1: 0.0, 2: 9.0}), Curve(seed=1, returns={1: 1.0})]
    found = maximum_return(curves, 10)
    assert found is not None
    assert found.steps == 10
    assert maximum_return([curves[0], Curve(seed=1, returns={3: 0.0})], 10) is None
    assert maximum_return([], 10) is None


def test_one_run_has_no_interval() -> None:
    found = maximum_return([Curve(seed=0, returns={1: 3.0})], 10)
    assert found is not None
    assert found.interval == Interval(mean=3.0, half_width=math.inf)


def test_evaluations_before_training_and_past_the_steps_are_left_out() -> None:
    rows: list[dict[str, float | None]] = [
        {"env_steps": at, "return_mean": float(at)} for at in (25, 50_025, 100_400, 150_025)
    ]
    rows += [{"env_steps": 60_000, "return_mean": value} for value in (None, math.nan)]
    assert curve_of(0, rows, 50_000, 100_000) == Curve(seed=0, returns={1: 50_025.0, 2: 100_400.0})


@pytest.mark.parametrize(
    ("ours", "expected"), [(-27.0, "holds against the published"), (-28.0, "short of the published by 2.19")]
)
def test_a_shortfall_is_one_beyond_the_published_spread(ours: float, expected: str) -> None:
    reached = MaximumReturn(steps=1, interval=Interval(mean=ours, half_width=0.1), by_seed=(ours,))
    assert verdict(reached, None, SPREAD.published_here("qmix")) == expected
    assert verdict(reached, None, None) == ""


def test_the_page_has_ours_the_peers_and_the_published(tmp_path: Path, template: RunRecord) -> None:
    suite = scaled(SUITES["epymarl"]("builtin"), SMALL)
    names = {(run.algo, run.env, run.seed): run.name for run in open_reproduction(suite, tmp_path).runs}
    for seed, returns in ((0, [-40.0, -30.0, -28.0, -29.0]), (1, [-42.0, -30.0, -26.0, -31.0])):
        write_record(record_path(tmp_path, names["qmix", SPREAD.env, seed]), record(template, seed, returns))
        write_peer(tmp_path, f"qmix-{seed}", peer(seed, [-80.0, -40.0, -26.0, -26.0, -25.0, -10.0]))
    page = page_of(open_reproduction(suite, tmp_path))
    assert "# EPyMARL's benchmark, 0.1 of its steps" in page
    row = next(line for line in page.splitlines() if line.startswith("| qmix"))
    assert row == (
        "| qmix | 2 of 2 | 200,000 | -27 ± 2 | -28, -26 | 150,000 | -25 ± 0 (2 at 200,000) | -25.81 ± 1.5 | "
        "short of EPyMARL by 2; holds against the published |"
    )
    assert "its own code at cccccccccc with the configuration that it ships, on the same" in page
    assert "| mean return after | 50,000 | 100,000 | 150,000 | 200,000 |" in page
    assert "| qmix | -41 | -30 | -27 | -30 |\n| qmix, EPyMARL | -40 | -26 | -26 | -25 |" in page
    assert "Not run: vdn, rmix, iql, rdn, coma." in page


def test_a_peer_that_was_run_before_ours_has_a_row(tmp_path: Path) -> None:
    write_peer(tmp_path, "a", peer(0, [-80.0, -40.0, -26.0]))
    page = page_of(open_reproduction(scaled(SUITES["epymarl"]("builtin"), SMALL), tmp_path))
    assert "| qmix | 0 of 2 | 2,000,000 |  |  |  | -26 (1 at 100,000) | -25.81 ± 1.5 |  |" in page
    assert "| qmix, EPyMARL | -40 | -26 |" in page
    assert page.count("Not run.") == len(TASKS) - 1


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "something"}, "no record of a run of EPyMARL"),
        ({"format": 9}, "format 9; this version reads format 1"),
        ({"steps": True}, "steps True"),
        ({"steps": "many"}, "steps 'many'"),
        ({"evaluations": []}, "rows of numbers"),
        ({"evaluations": [{"return_mean": 1.0}]}, "rows of numbers"),
        ({"interval": 0}, "rows of numbers"),
    ],
)
def test_a_peers_record_of_another_form_is_refused(change: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    path = write_peer(tmp_path, "wrong", peer(0, [1.0], **change))
    with pytest.raises(RecordError, match=complaint):
        read_peer(path)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"commit": "d" * 40}, "differ in commit"),
        ({"changed": ["lr=0.001"]}, "differ in changed"),
        ({"config": {"seed": 1, "lr": 0.1}}, "differ in lr"),
        ({"steps": 10}, "differ in steps"),
    ],
)
def test_peers_that_do_not_belong_together_are_refused(change: dict[str, Any], complaint: str, tmp_path: Path) -> None:
    write_peer(tmp_path, "a", peer(0, [1.0]))
    write_peer(tmp_path, "b", peer(1, [1.0], **change))
    with pytest.raises(RecordError, match=complaint):
        peers_in(tmp_path)


def test_a_seed_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    write_peer(tmp_path, "a", peer(0, [1.0]))
    write_peer(tmp_path, "b", peer(0, [2.0]))
    with pytest.raises(RecordError, match="qmix spread 0 twice"):
        peers_in(tmp_path)


def test_half_a_peers_record_is_refused(tmp_path: Path) -> None:
    path = write_peer(tmp_path, "half", {})
    path.write_text("{")
    with pytest.raises(RecordError, match="is no JSON"):
        read_peer(path)


def test_the_scale_shortens_runs_and_takes_the_first_seeds() -> None:
    suite = scaled(SUITES["epymarl"]("builtin"), SMALL)
    part = suite.parts[0].sweep
    assert [entry.steps for entry in part.environments] == [200_000] * 3
    assert part.seeds == (0, 1)
    assert [entry.name for entry in part.environments] == ["speakerlistener", "spread", "lbf-8x8-2p-2f-coop"]
    assert scaled(SUITES["macn"]("builtin"), Scale()) == SUITES["macn"]("builtin")


def test_a_folder_remembers_its_scale_and_refuses_another(tmp_path: Path) -> None:
    write_scale(tmp_path / "whole", Scale())
    assert not (tmp_path / "whole").exists()
    write_scale(tmp_path, SMALL)
    assert scale_in(tmp_path, None, None) == scale_in(tmp_path, 0.1, 2) == SMALL
    with pytest.raises(RecordError, match=r"scale.json says fraction 0.1, and 0.5 is asked for"):
        scale_in(tmp_path, 0.5, None)


@pytest.mark.parametrize("text", ["{", "[]", '{"fraction": 2, "seeds": 1}', '{"fraction": 0.5, "seeds": true}'])
def test_a_scale_of_another_form_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "scale.json").write_text(text)
    with pytest.raises(RecordError, match="expected"):
        scale_in(tmp_path, None, None)


def test_without_its_environments_the_suite_is_planned_and_not_trained(tmp_path: Path) -> None:
    suite = scaled(SUITES["epymarl"]("builtin"), SMALL)
    reproduction = open_reproduction(suite, tmp_path)
    with pytest.raises(
        MissingExtraError, match=r"epymarl needs environments: pip install 'rmix-kit\[benchmarks-envs\]'"
    ):
        check_environments(suite, reproduction.missing(["small"]))


def test_dry_run_counts_the_scaled_runs(tmp_path: Path) -> None:
    arguments = ["reproduce", "epymarl", "--out", str(tmp_path / "out"), "--fraction", "0.25", "--seeds", "2"]
    result = CliRunner().invoke(main, [*arguments, "--dry-run", "--json"])
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert [(row["part"], row["runs"]) for row in shown["parts"]] == [
        ("small", 18),
        ("small-further", 12),
        ("large", 20),
        ("on-policy", 10),
    ]
    assert not (tmp_path / "out").exists()
