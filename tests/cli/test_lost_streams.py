"""Standard error that is full, closed or not read costs remarks and nothing else; SIGTERM clears up as Ctrl-C does."""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from rmix_kit.cli.kit import KitCommand, Terminated
from rmix_kit.cli.main import main
from rmix_kit.console import LastingStream
from tests.fixtures.trained import Trained

# Where any command does, it is one that starts without torch: a process that loads torch takes seconds.
KIT = sys.executable, "-m", "rmix_kit.cli.main"
TRAIN = (
    *("train", "--algo", "vdn", "--env", "didactic:two-step", "--seed", "0", "--steps", "200"),
    *("--set", "training.evaluation_interval=20", "--set", "training.evaluation_episodes=1", "--out", "run"),
)
ROOT = Path(__file__).parents[2]
ENVIRON = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("ending", ["2>/dev/full", "2>&-", "2>&1 >result | head -n 1"])
def test_a_lost_progress_line_does_not_end_training(ending: str, tmp_path: Path) -> None:
    script = f'set -o pipefail; "$@" {ending}'
    done = subprocess.run(["bash", "-c", script, "bash", *KIT, *TRAIN], cwd=tmp_path, env=ENVIRON, timeout=240)
    assert done.returncode == 0
    assert CliRunner().invoke(main, ["inspect", str(tmp_path / "run")]).exit_code == 0
    assert list((tmp_path / "run" / "checkpoints").glob("step_2??"))


@pytest.mark.parametrize(("words", "code"), [(("--version",), 0), (("run", "."), 1), (("unheard",), 2)])
def test_exit_codes_do_not_depend_on_who_reads(words: tuple[str, ...], code: int, tmp_path: Path) -> None:
    done = subprocess.run(["sh", "-c", '"$@" 2>/dev/full', "sh", *KIT, *words], cwd=tmp_path, env=ENVIRON, timeout=240)
    assert done.returncode == code


@pytest.mark.parametrize("words", [("--help",), ("--version",), ("envs",), ("envs", "--json"), ("evaluate", "--help")])
@pytest.mark.parametrize("ending", [">/dev/full", ">&-"])
def test_a_result_that_cannot_be_printed_is_a_failure_in_one_line(
    words: tuple[str, ...], ending: str, tmp_path: Path
) -> None:
    command = ["sh", "-c", f'"$@" {ending}', "sh", *KIT, *words]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRON, timeout=240, stderr=subprocess.PIPE, text=True)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    if ending == ">/dev/full":
        assert done.returncode == 1
        assert done.stderr.startswith("Error: ")
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "ending", "reason"),
    [
        (("envs",), ">/dev/full", "No space left on device"),
        (("envs", "--json"), ">/dev/full", "No space left on device"),
        (("envs",), "| true", "Broken pipe"),
    ],
)
def test_it_is_standard_output_that_cannot_be_written(
    words: tuple[str, ...], ending: str, reason: str, tmp_path: Path
) -> None:
    command = ["bash", "-c", f'set -o pipefail; "$@" {ending}', "bash", *KIT, *words]
    done = subprocess.run(command, cwd=tmp_path, env=ENVIRON, timeout=240, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, f"Error: standard output cannot be written: {reason}\n")


@pytest.mark.parametrize("words", [("envs",), ("envs", "--json"), ("train", "--help")])
def test_a_standard_output_that_is_closed_is_told_in_one_line(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    closed, told = io.StringIO(), io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", told)
    with pytest.raises(SystemExit) as stop:
        main(list(words), prog_name="rmix-kit")
    assert stop.value.code == 1
    assert told.getvalue() == "Error: standard output cannot be written: I/O operation on closed file\n"


@pytest.mark.parametrize(
    "words",
    [
        ("film", "RUN", "--episodes", "60", "--out", "film.mp4"),
        ("report", "RUN", "--evaluate", "--out", "report"),
        ("export", "RUN", "--out", "agents"),
        ("evaluate", "RUN", "--episodes", "10000000"),
    ],
    ids=lambda words: words[0],
)
def test_sigterm_ends_a_command_and_leaves_nothing_half_written(
    words: tuple[str, ...], trained: Trained, tmp_path: Path
) -> None:
    run = shutil.copytree(trained.run, tmp_path / "RUN")  # what is half written may be in the run itself
    asked = [str(run) if word == "RUN" else word for word in words]
    command = [*KIT, *asked]
    with subprocess.Popen(command, cwd=tmp_path, env=ENVIRON, stderr=subprocess.PIPE, text=True) as process:
        try:
            until = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < until and not _is_at_work(words[0], tmp_path):
                time.sleep(0.02)
            time.sleep(3.0 if words[0] == "evaluate" else 0.2)
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=180)
        finally:
            process.kill()
    assert process.returncode in (0, 143), said  # it may have been done already
    assert "Traceback" not in said
    assert not _partial(tmp_path)


def _is_at_work(command: str, folder: Path) -> bool:
    return command == "evaluate" or bool(_partial(folder))


def _partial(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".partial" in path.name]


def test_a_stream_that_is_closed_takes_everything(tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as file:
        stream = LastingStream(file)
        stream.write("one\n")
    stream.write("two\n")
    stream.flush()
    assert (tmp_path / "log").read_text() == "one\n"
    nobody = LastingStream(None)
    assert nobody.write("three") == 5
    assert not nobody.isatty()


@pytest.mark.parametrize(("interruption", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_an_interruption_that_another_error_wraps_is_one(
    interruption: type[KeyboardInterrupt], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command(cls=KitCommand)
    def command() -> None:
        try:
            raise interruption
        except KeyboardInterrupt as cause:  # as Python 3.11 does where it meets `__set_name__`
            raise RuntimeError("Error calling __set_name__") from cause

    with pytest.raises(SystemExit) as stop:
        command.main([])
    assert stop.value.code == code
    assert capsys.readouterr().err == "Error: interrupted\n"
