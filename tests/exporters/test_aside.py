"""Writers of one target: each whole, the last one stands, and leftovers of the dead go with the next."""

from __future__ import annotations

import contextlib
import errno
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from exporters.aside import file_aside, folder_aside

KILLED = """
import sys, time
from pathlib import Path
from exporters.aside import file_aside, folder_aside
with (file_aside if sys.argv[1] == "file" else folder_aside)(Path(sys.argv[2])):
    print("holds", flush=True)
    time.sleep(60)
"""


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "table.json"
    target.write_text("old")
    with file_aside(target) as aside:
        aside.write_text("half")
        assert target.read_text() == "old"
        aside.write_text("new")
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "table.json"
    target.write_text("old")
    with contextlib.suppress(ZeroDivisionError), file_aside(target) as aside:
        aside.write_text("half")
        raise ZeroDivisionError
    with contextlib.suppress(ZeroDivisionError), folder_aside(target) as folder:
        (folder / "inner").mkdir()
        raise ZeroDivisionError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("table.json", "old")]


@pytest.mark.parametrize("aside", [file_aside, folder_aside])
@pytest.mark.parametrize("is_told", [True, False], ids=["of what lies aside", "of nothing"])
def test_a_refusal_of_the_system_names_what_was_to_be_written(
    aside: Callable[[Path], AbstractContextManager[Path]], is_told: bool, tmp_path: Path
) -> None:
    target = tmp_path / "table.json"
    with pytest.raises(FileExistsError) as caught, aside(target) as place:
        raise OSError(errno.EEXIST, "there", *([str(place)] if is_told else []))
    assert (caught.value.filename, caught.value.filename2) == (str(target), None)
    with pytest.raises(OSError) as caught, aside(target):
        raise OSError(errno.ENOSPC, "full", "another")
    assert caught.value.filename == "another"


def test_many_writers_of_one_target_do_not_meet(tmp_path: Path) -> None:
    target, failed = tmp_path / "table.json", []

    def write(number: int) -> None:
        try:
            for _ in range(20):
                with file_aside(target) as aside:
                    aside.write_text(f"{number}" * 1000)
                assert len(set(target.read_text())) == 1
        except (OSError, AssertionError) as error:
            failed.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failed == []
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_a_killed_writer_left_goes_with_the_next_and_a_living_ones_stays(kind: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    writer = subprocess.Popen([sys.executable, "-c", KILLED, kind, str(target)], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    assert writer.stdout.readline() == b"holds\n"
    (held,) = tmp_path.iterdir()
    with file_aside(target) as aside:
        assert held.exists()
        assert aside != held
    writer.kill()
    writer.wait()
    writer.stdout.close()
    assert held.exists()
    until = time.monotonic() + 5
    while held.exists() and time.monotonic() < until:
        with file_aside(target):
            pass
    assert list(tmp_path.iterdir()) == [target]


def test_other_peoples_files_stay(tmp_path: Path) -> None:
    others = [tmp_path / name for name in (".target.partial", ".target.12345678.partial.txt", "target.1.partial")]
    for other in others:
        other.touch()
    with file_aside(tmp_path / "target"):
        pass
    assert all(other.exists() for other in others)
