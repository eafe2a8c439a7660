"""A run's folder whose members lead out of it: nothing outside is read, written or removed, and nothing hangs."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main
from rmix_kit.errors import RunFolderError
from rmix_kit.files.reading import DEEPEST, foreign_member, parsed_json
from rmix_kit.training.run_folder import RunFolder
from tests.fixtures.trained import ENVIRONMENT, Trained

SECRET = b"nobody may touch this\n"
TRAIN = "train", "--algo", "rmix", "--env", ENVIRONMENT, "--seed", "3", "--num-envs", "4", "--device", "cpu"
COMMANDS = {
    "resume": (*TRAIN, "--steps", "400", "--resume", "--out", "run"),
    "inspect": ("inspect", "run"),
    "evaluate": ("evaluate", "run", "--episodes", "1"),
    "export": ("export", "run", "--out", "frozen"),
    "film": ("film", "run", "--episodes", "1", "--out", "page.html"),
    "report": ("report", "run", "--out", "report"),
    "report that plays": ("report", "run", "--evaluate", "--out", "report"),
    "plot": ("plot", "run", "--metric", "return_mean", "--out", "curve.png"),
}
MEMBERS = (
    *("config.yaml", "metrics.jsonl", "timing.jsonl", "origin.jsonl", ".lock"),
    *("checkpoints", "replay", "tensorboard", "checkpoints/step_206", "checkpoints/step_206/manifest.json"),
)


def link(member: Path, outside: Path) -> None:
    member.symlink_to(outside)


def pipe(member: Path, outside: Path) -> None:
    os.mkfifo(member)


def hard_link(member: Path, outside: Path) -> None:
    if outside.is_dir():
        member.mkdir()
        os.link(outside / "secret", member / "secret")
    else:
        os.link(outside, member)


def listening(member: Path, outside: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(member))


@pytest.fixture
def outside(trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A run in the current directory, and a folder beside it that must stay as it is."""
    home, place = tmp_path / "home", tmp_path / "outside"
    shutil.copytree(trained.run, home / "run")
    place.mkdir()
    (place / "secret").write_bytes(SECRET)
    monkeypatch.chdir(home)
    yield place
    assert (place / "secret").read_bytes() == SECRET
    assert {path.name for path in place.iterdir()} <= {"secret", "taken"}


@pytest.mark.parametrize("way", [link, pipe, hard_link, listening], ids=lambda way: way.__name__)
@pytest.mark.parametrize("member", MEMBERS)
def test_no_command_follows_a_member_that_leads_out(
    member: str, way: Callable[[Path, Path], None], outside: Path
) -> None:
    place = Path("run") / member
    if place.is_dir():
        shutil.move(place, outside / "taken")
        target = outside
    else:
        content = place.read_bytes() if place.exists() else b""
        place.unlink(missing_ok=True)
        target = outside / "taken"
        target.write_bytes(content)
    way(place, target)
    before = {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()}
    for name, words in COMMANDS.items():
        result = CliRunner().invoke(main, words)
        assert result.exit_code in (1, 2), (name, result.output)
        no_run = ("is neither a run", "is no run", "holds neither a run's folder") if member == "config.yaml" else ()
        assert any(words in result.output for words in ("in its place", *no_run)), (name, result.output)
        assert len(result.output.splitlines()) == 1
    assert {path: path.read_bytes() for path in outside.rglob("*") if path.is_file()} == before


def test_a_run_may_be_reached_through_a_link(outside: Path) -> None:
    Path("elsewhere").symlink_to("run")
    assert CliRunner().invoke(main, ["evaluate", "elsewhere", "--episodes", "1"]).exit_code == 0


def test_what_became_a_link_after_it_was_looked_at_is_not_written_through(outside: Path) -> None:
    from rmix_kit.training.metrics import MetricsLog, keep_whole_rows, note_origin

    folder = RunFolder(Path("run"))
    for member in (folder.metrics, folder.timing, folder.origin):
        member.unlink()
        member.symlink_to(outside / "secret")
    for write in (
        lambda: MetricsLog(folder, keep=0, purge_step=None),
        lambda: keep_whole_rows(folder.timing),
        lambda: note_origin(folder, {}),
    ):
        with pytest.raises(OSError, match=r"symbolic links|\[Errno"):
            write()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("config.yaml", "resume"),
        ("config.yaml", "report"),
        ("metrics.jsonl", "report"),
        ("checkpoints/step_206/manifest.json", "evaluate"),
    ],
)
def test_a_sparse_file_of_fifty_gigabytes_costs_a_line(name: str, command: str, outside: Path) -> None:
    with (Path("run") / name).open("r+b") as file:
        file.truncate(50 * 10**9)
    result = CliRunner().invoke(main, COMMANDS[command])
    assert result.exit_code == 1
    assert "50,000,000,000 bytes" in result.output


def test_members_that_come_and_go_are_no_fault(tmp_path: Path) -> None:
    done = threading.Event()

    def train() -> None:
        while not done.is_set():
            (tmp_path / "step_1").mkdir()
            (tmp_path / "step_1" / "manifest.json").touch()
            shutil.rmtree(tmp_path / "step_1")

    beside = threading.Thread(target=train)
    beside.start()
    try:
        assert {foreign_member(tmp_path) for _ in range(2_000)} == {""}
    finally:
        done.set()
        beside.join()


def test_leftovers_that_are_links_are_removed_as_links(outside: Path) -> None:
    Path("run/a.partial").symlink_to(outside, target_is_directory=True)
    with pytest.raises(RunFolderError):
        RunFolder(Path("run")).check_members()
    RunFolder(Path("run")).clear_leftovers()
    assert not Path("run/a.partial").is_symlink()


@pytest.mark.parametrize(
    "words",
    [
        (*TRAIN, "--steps", "9", "--out", "new", "--config", "it"),
        ("sweep", "it", "--out", "swept"),
        ("report", "run", "--expect", "it", "--out", "report"),
        ("report", "it", "--out", "report"),
        ("inspect", "it"),
        ("envs", "check", "macn:it"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_files_that_a_person_names_are_plain_files(words: tuple[str, ...], kind: str, outside: Path) -> None:
    if kind == "pipe":
        os.mkfifo("it")
    elif kind == "device":
        Path("it").symlink_to("/dev/zero")
    else:
        Path("it").mkdir()
    result = CliRunner().invoke(main, words)
    assert result.exit_code in (1, 2), result.output
    assert "unexpected" not in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize("depth", [DEEPEST + 1, 900, 100_000])
def test_json_that_nobody_could_walk_through_is_refused(depth: int) -> None:
    for text in ("[" * depth + "]" * depth, '{"a": ' * depth + "0" + "}" * depth):
        with pytest.raises(ValueError, match="nested too deeply"):
            parsed_json(text.encode())
    assert parsed_json(b"[" * DEEPEST + b"]" * DEEPEST)
