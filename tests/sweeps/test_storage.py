from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from rmix_kit.errors import RunFolderError
from rmix_kit.sweeps.storage import Mirror, mirrored, tail_of

URL = "memory://sweep/run"


@pytest.fixture
def store() -> Iterator[fsspec.AbstractFileSystem]:
    """An empty object store."""
    memory = fsspec.filesystem("memory")
    memory.store.clear()
    yield memory
    memory.store.clear()


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def files_in(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


def run_at(step: int) -> dict[str, str]:
    return {
        "config.yaml": "algo: vdn",
        "metrics.jsonl": f"row {step}",
        "replay/segment_0": "episodes",
        f"checkpoints/step_{step}/manifest.json": "{}",
        f"checkpoints/step_{step}/online.safetensors": f"weights {step}",
    }


def test_what_was_pushed_is_fetched_elsewhere(store: object, tmp_path: Path) -> None:
    write(tmp_path / "here", run_at(5))
    Mirror(tmp_path / "here", URL).push()
    Mirror(tmp_path / "there", URL).fetch()
    assert files_in(tmp_path / "there") == run_at(5)


def test_fetching_from_an_empty_store_changes_nothing(store: object, tmp_path: Path) -> None:
    Mirror(tmp_path / "here", URL).fetch()
    assert not (tmp_path / "here").exists()


def test_what_is_gone_here_is_removed_there(store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    mirror = Mirror(tmp_path, URL)
    write(tmp_path, run_at(5))
    mirror.push()
    shutil.rmtree(tmp_path / "checkpoints" / "step_5")
    write(tmp_path, run_at(9))
    mirror.push()
    assert sorted(name.removeprefix("/sweep/run/") for name in store.store) == sorted(run_at(9))


def test_locks_and_half_written_files_stay_here(store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    write(tmp_path, {".lock": "", "checkpoints/step_7.partial/manifest.json": "{}", "config.yaml.partial": ""})
    Mirror(tmp_path, URL).push()
    assert not store.store


def test_checkpoint_without_its_manifest_is_not_fetched(store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    write(tmp_path / "here", run_at(5))
    Mirror(tmp_path / "here", URL).push()
    store.pipe_file("/sweep/run/checkpoints/step_9/online.safetensors", b"half of it")
    Mirror(tmp_path / "there", URL).fetch()
    assert files_in(tmp_path / "there") == run_at(5)


def test_manifest_is_sent_after_everything_that_it_lists(
    store: fsspec.AbstractFileSystem, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, run_at(5))
    sent: list[str] = []
    monkeypatch.setattr(Mirror, "_send", lambda mirror, name: sent.append(name))
    Mirror(tmp_path, URL).push()
    assert sent[-1] == "checkpoints/step_5/manifest.json"
    assert len(sent) == len(run_at(5))


def test_folder_that_is_further_than_its_copy_is_kept(store: object, tmp_path: Path) -> None:
    write(tmp_path / "old", run_at(5))
    Mirror(tmp_path / "old", URL).push()
    write(tmp_path / "new", run_at(9))
    Mirror(tmp_path / "new", URL).fetch()
    assert files_in(tmp_path / "new") == run_at(9)


def test_folder_that_is_behind_its_copy_is_replaced(store: object, tmp_path: Path) -> None:
    write(tmp_path / "new", run_at(9))
    Mirror(tmp_path / "new", URL).push()
    write(tmp_path / "old", run_at(5))
    Mirror(tmp_path / "old", URL).fetch()
    assert files_in(tmp_path / "old") == run_at(9)


def test_unchanged_files_are_not_sent_again(store: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, run_at(5))
    mirror = Mirror(tmp_path, URL)
    mirror.push()
    write(tmp_path, {"metrics.jsonl": "row 5, row 6"})
    sent: list[str] = []
    monkeypatch.setattr(mirror, "_send", sent.append)
    mirror.push()
    assert sent == ["metrics.jsonl"]


def test_name_that_leads_elsewhere_is_refused(store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    store.pipe_file("/sweep/run/../../elsewhere", b"")
    store.store["/sweep/run/../elsewhere"] = store.store.pop(next(iter(store.store)))
    with pytest.raises(RunFolderError, match="which no run has"):
        Mirror(tmp_path / "here", URL).fetch()


def test_last_state_is_sent_when_the_run_ends(store: fsspec.AbstractFileSystem, tmp_path: Path) -> None:
    with mirrored(tmp_path, URL):
        write(tmp_path, {"metrics.jsonl": "row"})
    assert store.cat_file("/sweep/run/metrics.jsonl") == b"row"


def test_copy_in_a_plain_folder_works_alike(tmp_path: Path) -> None:
    write(tmp_path / "here", run_at(5))
    url = f"file://{tmp_path}/copy"
    Mirror(tmp_path / "here", url).push()
    Mirror(tmp_path / "there", url).fetch()
    assert files_in(tmp_path / "there") == run_at(5)


def test_tail_of_a_stored_file_is_its_end(store: fsspec.AbstractFileSystem) -> None:
    store.pipe_file("/sweep/run/metrics.jsonl", b"0123456789")
    assert (tail_of(f"{URL}/metrics.jsonl", 3), tail_of(f"{URL}/absent", 3)) == (b"789", b"")
