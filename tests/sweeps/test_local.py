"""Real children: resuming, failures, signals and locks."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rmix_kit.cli.main import main
from rmix_kit.config.load import resolve
from rmix_kit.sweeps import local
from rmix_kit.sweeps.engine import folder_of
from rmix_kit.sweeps.process import RunProcess
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.run_folder import RunFolder
from rmix_kit.training.trainer import train
from tests.sweeps.sweeps import (
    SMALL,
    FakeEngine,
    children,
    end,
    file_of,
    is_alive,
    kill,
    metrics,
    planned,
    start,
    until,
)

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep whose runs were trained one by one, and nobody disturbed them."""
    folder = tmp_path_factory.mktemp("sweep")
    for run in planned(folder).runs:
        options = dict(batched(run.options))
        config = resolve(
            algo=options["--algo"],
            env=run.env,
            seed=run.seed,
            steps=run.steps,
            overrides=[value for name, value in batched(run.options) if name == "--set"],
        )
        train(config, folder_of(folder / "out", run.name), reporter=SilentReporter())
    return folder / "out"


def batched(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(zip(words[::2], words[1::2], strict=True))


def invoke(*arguments: object) -> Result:
    """Run `rmix-kit sweep` in this process."""
    return CliRunner().invoke(main, ["sweep", *map(str, arguments)])


@linux_only
def test_sweep_killed_with_its_children_ends_with_the_same_metrics(undisturbed: Path, tmp_path: Path) -> None:
    # One run of each algorithm at a time: a process that trains takes seconds to start.
    file, out = file_of(tmp_path, SMALL.replace("seeds: 0-1", "seeds: 0")), tmp_path / "out"
    process = start(file, out, "--jobs", "2")
    until(lambda: any(out.glob("runs/vdn*/checkpoints/step_*")))
    running = children(process.pid)
    process.kill()
    for child in running:
        kill(child)
    end(process)
    code, _, complaint = end(start(file, out, "--jobs", "2"))
    assert code == 0, complaint
    assert metrics(out).items() <= metrics(undisturbed).items()
    assert len(metrics(out)) == 2


@linux_only
def test_children_of_a_killed_sweep_end_by_themselves_with_a_checkpoint(tmp_path: Path) -> None:
    file, out = file_of(tmp_path, SMALL.replace("steps: 500", "steps: 1000000")), tmp_path / "out"
    process = start(file, out, "--jobs", "1")
    until(lambda: any(out.glob("runs/*/checkpoints/step_*")))
    (child,) = children(process.pid)
    process.kill()
    end(process)
    until(lambda: not is_alive(child))
    assert "interrupted by signal 15: step_" in next(out.glob("logs/*.log")).read_text()


@linux_only
def test_interrupted_sweep_lets_its_children_save_a_checkpoint(tmp_path: Path) -> None:
    file, out = file_of(tmp_path, SMALL.replace("steps: 500", "steps: 1000000")), tmp_path / "out"
    process = start(file, out, "--jobs", "1")
    until(lambda: any(out.glob("runs/*/metrics.jsonl")))
    (child,) = children(process.pid)
    process.send_signal(signal.SIGINT)
    code, _, complaint = end(process)
    assert code == 130, complaint
    assert len([line for line in complaint.splitlines() if line.startswith("Error")]) == 1
    assert not is_alive(child)
    assert list(out.glob("runs/*/checkpoints/step_*/manifest.json"))


def test_finished_sweep_starts_nothing(undisturbed: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in undisturbed.glob("runs/*/*")}
    result = invoke(undisturbed.parent / "sweep.yaml", "--out", undisturbed, "--json")
    status = json.loads(result.stdout)
    assert (result.exit_code, status["counts"]) == (0, {"finished": 4})
    assert {run["attempts"] for run in status["runs"]} == {0}
    assert {path: path.stat().st_mtime_ns for path in undisturbed.glob("runs/*/*")} == before


def test_dry_run_shows_states_and_commands_and_starts_nothing(undisturbed: Path, tmp_path: Path) -> None:
    file = file_of(tmp_path, SMALL.replace("seeds: 0-1", "seeds: 0-2"))
    result = invoke(file, "--out", undisturbed, "--dry-run")
    assert "6 runs: 2 new, 4 finished" in result.stderr
    assert result.stdout.count("rmix-kit train --algo") == 6
    assert not list(undisturbed.glob("runs/*seed-2"))


def test_two_sweeps_in_one_folder_are_refused(undisturbed: Path) -> None:
    with RunFolder(undisturbed).lock():
        result = invoke(undisturbed.parent / "sweep.yaml", "--out", undisturbed)
    assert result.exit_code == 1
    assert "is in use by another process" in result.stderr


def test_failed_runs_are_one_line_and_the_exit_code_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = planned(tmp_path).runs[0].name
    monkeypatch.setattr(local, "LocalEngine", lambda plan: FakeEngine({name: ["exit code 1: no disk"] * 9}))
    result = invoke(tmp_path / "sweep.yaml", "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert f"1 of 4 runs failed, such as {name} (exit code 1: no disk)" in result.stderr.splitlines()[-1]


def test_runs_whose_processes_cannot_be_started_are_given_up(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "logs").write_text("in the way")
    result = invoke(file_of(tmp_path, SMALL + "retries: 1"), "--out", tmp_path / "out", "--json")
    assert {(run["state"], run["attempts"]) for run in json.loads(result.stdout)["runs"]} == {("failed", 2)}


def test_address_without_ray_is_a_wrong_usage(tmp_path: Path) -> None:
    result = invoke(file_of(tmp_path), "--out", tmp_path / "out", "--address", "auto")
    assert result.exit_code == 2
    assert "--engine ray" in result.stderr


def test_missing_ray_is_one_line_that_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = invoke(file_of(tmp_path), "--out", tmp_path / "out", "--engine", "ray")
    assert result.exit_code == 1
    assert result.stderr == "Error: this needs ray; install it with: pip install 'rmix-kit[distributed]'\n"
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Why a child ended that was told nonsense, and what its environment held."""
    folder = tmp_path_factory.mktemp("refused")
    task = {"train": ["train", "--nonsense"], "folder": str(folder / "run"), "evaluation": False, "storage": None}
    process = RunProcess(task, folder / "log", 3)
    place = Path(f"/proc/{process.pid}/environ")
    until(lambda: not place.parent.exists() or b"OMP" in place.read_bytes())  # it has become the program
    environment = place.read_text() if place.exists() else "OMP_NUM_THREADS=3"
    assert process.wait(60)
    process.kill()
    return process.reason(), environment


def test_reason_of_a_failure_is_the_line_that_the_run_ended_with(refused: tuple[str, str]) -> None:
    assert refused[0].startswith("exit code 2: ")
    assert "--nonsense" in refused[0]


def test_child_has_the_threads_that_it_was_given(refused: tuple[str, str]) -> None:
    assert "OMP_NUM_THREADS=3" in refused[1]


@pytest.mark.parametrize(
    ("before", "after", "complaint"),
    [
        ("steps: 500", "device: cuda\nsteps: 500", "device is cuda"),
        ("macn:4x7?max_steps=20", "smac:3m?backend=sc2", "there is no StarCraft II"),
    ],
)
def test_what_this_machine_lacks_for_all_runs_is_said_once_and_starts_nothing(
    before: str, after: str, complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setenv("SC2PATH", str(tmp_path))
    monkeypatch.setattr(local, "RunProcess", lambda *told: pytest.fail("a process was started"))
    file = file_of(tmp_path, SMALL.replace(before, after))
    result = CliRunner().invoke(main, ["sweep", str(file), "--out", str(tmp_path / "out")])
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert complaint in result.stderr
    assert not (tmp_path / "out").exists()
