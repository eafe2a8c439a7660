"""Every broken installation of StarCraft that people report is told, with the line that repairs it."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import pytest

from rmix_kit.doctor import starcraft
from rmix_kit.doctor.starcraft import Finding, interpreter
from rmix_kit.doctor.starcraft.launching import examine_launch
from rmix_kit.doctor.starcraft.maps import SMAC_MAPS
from rmix_kit.doctor.starcraft.memory import examine_memory
from rmix_kit.doctor.starcraft.packages import examine_packages
from tests.fixtures.broken_starcraft import BROKEN, enter_empty_home
from tests.fixtures.starcraft import BUILDER_PROTOCOL, OLD_PROTOCOL, Fake, whole

linux = pytest.mark.skipif(platform.system() != "Linux", reason="the fake game is a program of Linux")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    enter_empty_home(monkeypatch, tmp_path)
    return tmp_path


def findings_of(fake: Fake, *, launch: bool = False, sc2_path: Path | None = None) -> dict[str, Finding]:
    return {finding.name: finding for finding in starcraft.examine(str(fake.python), sc2_path, launch=launch)}


@linux
def test_nothing_is_wrong_with_a_whole_installation(home: Path) -> None:
    found = findings_of(whole(home))
    assert {name: finding.status for name, finding in found.items() if finding.status != "ok"} == {"smacv2": "absent"}
    assert "4.10" in found["Versions"].found
    assert starcraft.is_starcraft_ready(str(whole(home).python))


@linux
@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_installation_is_told_with_its_fix(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpreter, "DEADLINE", 1.0 if name == "no answer" else 30.0)
    broken = BROKEN[name]
    fake = whole(home)
    broken.damage(fake)
    sc2_path = home / "no-such-folder" if "--sc2-path" in broken.options else None
    found = findings_of(fake, launch="--launch" in broken.options, sc2_path=sc2_path)[broken.check]
    assert found.status == "problem"
    assert broken.found in found.found
    assert broken.fix in found.fix
    assert "\n" not in found.fix


@linux
@pytest.mark.parametrize("name", sorted(set(BROKEN) - {"no python", "no answer", "ends at once", "nowhere"}))
def test_a_broken_installation_is_not_ready(name: str, home: Path) -> None:
    fake = whole(home)
    BROKEN[name].damage(fake)
    assert not starcraft.is_starcraft_ready(str(fake.python))


def test_no_fix_installs_smac_from_an_index(home: Path) -> None:
    fake = Fake(home=home)
    fake.add_python()
    for finding in findings_of(fake).values():
        words = finding.fix.replace("&&", " ").split()
        assert "install" not in words or "smac" not in words


def test_without_anything_starcraft_is_absent_and_nothing_is_a_problem(home: Path) -> None:
    fake = Fake(home=home)
    fake.add_python()
    found = list(findings_of(fake).values())
    assert not [finding for finding in found if finding.status == "problem"]
    assert starcraft.is_starcraft_absent(found)
    assert starcraft.starcraft_folder() is None
    assert not starcraft.is_starcraft_ready(str(fake.python))


def test_smac3_alone_may_be_meant(home: Path) -> None:
    fake = Fake(home=home)
    fake.add_python()
    fake.install("smac", "2.4.1", "smac/__init__.py", "smac/facade/__init__.py")
    assert findings_of(fake)["smac"].status == "warning"


def test_sc2path_that_names_nothing_is_a_problem_even_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake(home=home)
    fake.add_python()
    monkeypatch.setenv("SC2PATH", str(home / "nowhere"))
    assert findings_of(fake)["StarCraft II"].status == "problem"


def test_the_folder_is_found_without_a_process(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake(home=home)
    fake.add_game()
    assert starcraft.starcraft_folder() == fake.game
    monkeypatch.setenv("SC2PATH", str(tmp_path / "elsewhere"))
    assert starcraft.starcraft_folder() is None


def test_a_folder_unpacked_one_level_too_deep_is_named(home: Path) -> None:
    fake = Fake(home=home)
    fake.add_python()
    fake.add_game()
    fake.game.rename(home / "moved")
    fake.game.mkdir()
    (home / "moved").rename(fake.game / "StarCraftII")
    assert findings_of(fake)["StarCraft II"].fix == f"export SC2PATH={fake.game / 'StarCraftII'}"


@linux
@pytest.mark.parametrize(
    ("base", "status", "words"),
    [("Base69232", "warning", "4.6.2"), ("Base99999", "warning", "not known here"), ("Base52910", "problem", "3.16.1")],
)
def test_another_version_is_named(base: str, status: str, words: str, home: Path) -> None:
    fake = whole(home)
    fake.program.parent.rename(fake.game / "Versions" / base)
    found = findings_of(fake)["Versions"]
    assert found.status == status
    assert words in found.found


@linux
def test_of_several_versions_the_newest_counts(home: Path) -> None:
    fake = whole(home)
    (fake.game / "Versions" / "Base80949").mkdir()
    found = findings_of(fake)
    assert "newest of 2" in found["Versions"].found
    assert found["binary"].status == "problem"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"<html>", "no Linux program"),
        (b"\x7fELF", "is cut off"),
        (b"\x7fELF\x01" + bytes(80), "64-bit"),
    ],
)
def test_a_file_that_is_no_program_is_told(content: bytes, words: str, home: Path) -> None:
    fake = whole(home)
    fake.program.write_bytes(content)
    assert words in findings_of(fake)["binary"].found


@linux
def test_a_program_for_another_c_library_is_told(home: Path) -> None:
    fake = whole(home)
    content = fake.program.read_bytes()
    assert content.count(b"/ld-linux") == 1
    fake.program.write_bytes(content.replace(b"/ld-linux", b"/ld-ghost"))
    found = findings_of(fake)["binary"]
    assert found.status == "problem"
    assert "which this system lacks" in found.found


def test_a_script_is_called_a_stand_in(home: Path) -> None:
    fake = whole(home)
    fake.program.write_text("#!/bin/sh\n")
    assert findings_of(fake)["binary"].status == "warning"


def test_a_page_saved_as_a_map_is_told(home: Path) -> None:
    fake = whole(home)
    fake.map_file("MMM2").write_text("<html>")
    assert findings_of(fake)["maps"].found.endswith("MMM2")


def test_all_maps_of_smac_are_looked_for() -> None:
    assert len(set(SMAC_MAPS)) == 23


def test_old_messages_are_fine_under_the_old_protobuf(home: Path) -> None:
    fake = whole(home)
    BROKEN["old protobuf"].damage(fake)
    fake.remove("onnx-*")
    found = findings_of(fake)
    assert (found["s2clientprotocol"].status, found["protobuf"].status) == ("ok", "ok")


@pytest.mark.parametrize(("protobuf", "status"), [("4.25.3", "problem"), ("5.29.0", "problem"), ("6.31.1", "ok")])
def test_new_messages_are_refused_under_an_older_protobuf(protobuf: str, status: str, home: Path) -> None:
    fake = whole(home)
    fake.remove("protobuf-*")
    fake.install("protobuf", protobuf)
    assert findings_of(fake)["s2clientprotocol"].status == status


def test_a_python_too_old_for_the_new_messages_is_given_the_old_pins(home: Path) -> None:
    fake = whole(home)
    _, report = interpreter.ask(str(fake.python))
    assert report is not None
    old = {**report, "python": "3.8.18", "smac": "none", "protocol": "none"}
    fixes = {finding.name: finding.fix for finding in examine_packages(old)}
    assert fixes["smac"].endswith("pip install git+https://github.com/oxwhirl/smac.git")
    assert fixes["s2clientprotocol"].endswith("install -U s2clientprotocol 'protobuf<3.21'")


def test_messages_of_the_builder_fit_any_protobuf(home: Path) -> None:
    fake = whole(home)
    fake.write(fake.site / "s2clientprotocol" / "common_pb2.py", BUILDER_PROTOCOL)
    assert findings_of(fake)["s2clientprotocol"].status == "ok"


def test_two_owners_of_the_same_messages_are_told(home: Path) -> None:
    fake = whole(home)
    fake.install("s2clientprotocol", "5.0.17.98310.0")
    assert findings_of(fake)["s2clientprotocol"].status == "warning"


def test_pure_python_protobuf_is_slow_but_works(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = whole(home)
    fake.write(fake.site / "s2clientprotocol" / "common_pb2.py", OLD_PROTOCOL)
    monkeypatch.setenv("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "python")
    found = findings_of(fake)
    assert (found["s2clientprotocol"].status, found["protobuf"].status) == ("warning", "warning")


def test_an_interpreter_that_is_no_python_is_told(home: Path) -> None:
    fake = whole(home)
    fake.python.write_text("#!/bin/sh\necho hello\n")
    assert "is no Python" in findings_of(fake)["smac's python"].found


def test_the_variable_names_the_interpreter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert interpreter.interpreter(None) == (sys.executable, "the interpreter of rmix-kit")
    monkeypatch.setenv("RMIX_SMAC_PYTHON", str(home / "python"))
    assert interpreter.interpreter(None) == (str(home / "python"), "RMIX_SMAC_PYTHON")
    assert interpreter.interpreter("mine") == ("mine", "--smac-python")


def test_a_game_that_answers_is_joined_and_ended(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = whole(home)
    fake.program.write_text("#!/bin/sh\nexec sleep 60\n")
    monkeypatch.setenv("FAKE_GAME", "answers")
    found = findings_of(fake, launch=True)["launch"]
    assert (found.status, "4.10.0 (build 75689) started and joined 3m with 6 units" in found.found) == ("ok", True)


@pytest.mark.parametrize(
    ("body", "words"),
    [("exec sleep 60", "Failed to connect"), ("echo 'version `GLIBC_2.99 not found' >&2; exit 1", "GLIBC_2.99")],
)
def test_a_game_that_does_not_answer_is_ended_and_told(body: str, words: str, home: Path) -> None:
    fake = whole(home)
    fake.program.write_text(f"#!/bin/sh\n{body}\n")
    found = examine_launch([], asked_python=str(fake.python), folder=fake.game, seconds=6)
    assert found.status == "problem"
    assert words in found.found


def test_a_deadline_ends_the_starter_too(home: Path) -> None:
    fake = whole(home)
    fake.program.write_text("#!/bin/sh\nexec sleep 60\n")
    found = examine_launch([], asked_python=str(fake.python), folder=fake.game, seconds=1)
    assert "not ready within 1 s" in found.found


def test_the_game_is_not_started_into_a_known_problem(home: Path) -> None:
    fake = whole(home)
    BROKEN["no maps"].damage(fake)
    found = findings_of(fake, launch=True)["launch"]
    assert (found.status, found.found) == ("absent", "not started: first repair maps")


@pytest.mark.parametrize(("games", "status"), [(1, "ok"), (5, "ok"), (6, "warning")])
def test_memory_is_counted_in_games(games: int, status: str, tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 1 kB\nMemAvailable:    10485760 kB\n")  # 10 GiB
    found = examine_memory(games, 2.0, meminfo=tmp_path / "meminfo", cgroup=tmp_path)
    assert found.status == status
    assert "assum" in found.found


def test_a_container_s_limit_goes_before_the_machine_s(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemAvailable:    10485760 kB\n")
    (tmp_path / "memory.max").write_text(f"{3 * 2**30}\n")
    (tmp_path / "memory.current").write_text(f"{2**30}\n")
    assert "2.0 GiB free" in examine_memory(1, meminfo=tmp_path / "meminfo", cgroup=tmp_path).found


def test_where_nobody_tells_the_memory_it_is_said(tmp_path: Path) -> None:
    assert examine_memory(1, meminfo=tmp_path / "none", cgroup=tmp_path).status == "warning"
