from __future__ import annotations

import errno
import json
import resource
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
import torch

from exporters.aside import PARTIAL_SUFFIX
from rmix_kit.errors import CheckpointError, RunFolderError
from rmix_kit.training import checkpoint as checkpoint_module
from rmix_kit.training import metrics as metrics_module
from rmix_kit.training import storage as storage_module
from rmix_kit.training.checkpoint import network_tensors, read_tensors, verify_checkpoint, write_checkpoint
from rmix_kit.training.loading import load
from rmix_kit.training.manifest import FORMAT, TENSOR_FILES
from rmix_kit.training.run_folder import RunFolder
from rmix_kit.training.tensorboard_files import open_board
from rmix_kit.training.trainer import train
from tests.training.runs import Notes, content, tiny

Flip = Callable[[Path, int], None]


def newest(folder: Path) -> Path:
    run = RunFolder(folder)
    return run.checkpoint(run.steps()[-1])


def own_segment(folder: Path) -> Path:
    """The segment that only the newest checkpoint lists."""
    return max((folder / "replay").iterdir())


@pytest.mark.parametrize("name", ["manifest.json", *TENSOR_FILES])
@pytest.mark.parametrize("position", [0, 9, 400, -2, -1])
def test_checkpoint_with_one_byte_turned_is_refused_by_name(
    copy_of_finished: Path, flip: Flip, name: str, position: int
) -> None:
    place = newest(copy_of_finished)
    flip(place / name, position)
    with pytest.raises(CheckpointError, match=place.name):
        verify_checkpoint(place)


def test_a_checkpoint_whose_log_cannot_be_read_is_damaged(copy_of_finished: Path) -> None:
    place = newest(copy_of_finished)
    (copy_of_finished / "metrics.jsonl").unlink()
    (copy_of_finished / "metrics.jsonl").mkdir()
    with pytest.raises(CheckpointError, match=f"{place.name} is damaged: metrics.jsonl cannot be read"):
        verify_checkpoint(place)


def test_a_checkpoint_that_cannot_even_be_begun_says_why(
    copy_of_finished: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = verify_checkpoint(newest(copy_of_finished))

    def full(place: Path) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device", place)

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OSError, match="No space left"):
        write_checkpoint(copy_of_finished / "checkpoints" / "step_1", manifest, {})


@pytest.mark.parametrize("name", ["manifest.json", *TENSOR_FILES])
@pytest.mark.parametrize("kept", [0, 7, 500])
def test_truncated_checkpoint_is_refused_by_name(copy_of_finished: Path, name: str, kept: int) -> None:
    place = newest(copy_of_finished)
    content = (place / name).read_bytes()
    (place / name).write_bytes(content[: min(kept, len(content) - 1)])
    with pytest.raises(CheckpointError, match=place.name):
        verify_checkpoint(place)


@pytest.mark.parametrize("name", ["manifest.json", *TENSOR_FILES])
def test_checkpoint_that_lacks_a_file_is_refused(copy_of_finished: Path, name: str) -> None:
    place = newest(copy_of_finished)
    (place / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        verify_checkpoint(place)


def test_damaged_replay_segment_is_refused(copy_of_finished: Path, flip: Flip) -> None:
    flip(own_segment(copy_of_finished), -1)
    with pytest.raises(CheckpointError, match="segment_"):
        verify_checkpoint(newest(copy_of_finished))


def test_shortened_metrics_are_refused(copy_of_finished: Path) -> None:
    (copy_of_finished / "metrics.jsonl").write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl"):
        verify_checkpoint(newest(copy_of_finished))


def test_renamed_checkpoint_is_refused(copy_of_finished: Path) -> None:
    place = newest(copy_of_finished).rename(copy_of_finished / "checkpoints" / "step_9999")
    with pytest.raises(CheckpointError, match="foreign"):
        verify_checkpoint(place)


def test_checkpoint_of_another_format_is_refused_with_its_version(copy_of_finished: Path) -> None:
    place = newest(copy_of_finished)
    values = json.loads((place / "manifest.json").read_text())
    (place / "manifest.json").write_text(json.dumps(values | {"format": FORMAT + 1, "written_by": "9.9"}))
    with pytest.raises(CheckpointError, match=r"written by rmix-kit 9\.9"):
        verify_checkpoint(place)


def test_checkpoint_of_another_run_is_refused(finished: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    train(tiny(seed=1, steps=600), other, reporter=Notes())
    shutil.rmtree(other / "checkpoints")
    shutil.copytree(finished / "checkpoints", other / "checkpoints")
    with pytest.raises(CheckpointError, match="another configuration"):
        load(other)


@pytest.mark.parametrize("is_segment", [False, True])
def test_resume_falls_back_to_the_checkpoint_before_and_says_so(
    finished: Path, copy_of_finished: Path, flip: Flip, is_segment: bool
) -> None:
    place = newest(copy_of_finished)
    flip(own_segment(copy_of_finished) if is_segment else place / "target.safetensors", -1)
    notes = Notes()
    train(tiny(), copy_of_finished, resume=True, reporter=notes)
    assert f"{place.name} is damaged" in notes.text
    assert (copy_of_finished / "checkpoints" / f"damaged_{place.name}").is_dir()
    found = {name: data for name, data in content(copy_of_finished).items() if "damaged_" not in name}
    assert found == content(finished)


def test_resume_with_nothing_but_damaged_checkpoints_is_refused(copy_of_finished: Path, flip: Flip) -> None:
    for place in (copy_of_finished / "checkpoints").iterdir():
        flip(place / "online.safetensors", -1)
    with pytest.raises(CheckpointError, match="every checkpoint"):
        train(tiny(), copy_of_finished, resume=True, reporter=Notes())


def test_last_ones_and_the_best_are_kept(finished: Path) -> None:
    folder = RunFolder(finished)
    rows = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert len(folder.steps()) in (2, 3)
    assert load(finished, "last").checkpoint_step == folder.steps()[-1] >= 3000
    best = load(finished, "best")
    evaluated = {row["env_steps"]: row["return_mean"] for row in rows if row["kind"] == "evaluation"}
    assert evaluated[best.checkpoint_step] >= max(evaluated[step] for step in folder.steps() if step in evaluated)


def test_segments_are_those_that_kept_checkpoints_list(finished: Path) -> None:
    folder = RunFolder(finished)
    manifests = [network_tensors(folder.checkpoint(step))[0] for step in folder.steps()]
    listed = {segment.file.name for manifest in manifests for segment in manifest.segments}
    assert listed == {path.name for path in folder.replay.iterdir()}
    assert len(listed) > 1


def test_no_checkpoint_holds_metadata_or_pickles(finished: Path) -> None:
    for path in finished.rglob("*.safetensors"):
        header = path.read_bytes()[8:][: int.from_bytes(path.read_bytes()[:8], "little")]
        assert "__metadata__" not in json.loads(header)


def test_unknown_checkpoint_is_refused_with_those_there_are(finished: Path) -> None:
    with pytest.raises(CheckpointError, match="has last, best, "):
        load(finished, 12345)


@pytest.mark.parametrize("module", [checkpoint_module, storage_module])
def test_full_disk_leaves_the_checkpoint_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: object
) -> None:
    """Fails at the second checkpoint: in a tensor file, or in a segment of the replay."""
    name = "write_file" if module is checkpoint_module else "write_segment"
    original, calls = getattr(module, name), []

    def full(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) > (5 if module is checkpoint_module else 1):
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(*arguments)

    monkeypatch.setattr(module, name, full)
    with pytest.raises(RunFolderError, match="no space is left on the disk; the checkpoint of step") as caught:
        train(tiny(), tmp_path / "run", reporter=Notes())
    (step,) = RunFolder(tmp_path / "run").steps()
    assert f"the checkpoint of step {step} stands" in str(caught.value)
    assert verify_checkpoint(RunFolder(tmp_path / "run").checkpoint(step)).step == step
    assert not list((tmp_path / "run").rglob("*.partial"))


def _no_room(*arguments: object, **options: object) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_origins_that_have_no_room_are_told_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "open", _no_room, raising=False)
    with pytest.raises(RunFolderError, match=r"origin\.jsonl could not be written: no space is left on the disk"):
        metrics_module.note_origin(RunFolder(tmp_path), {})


def test_rows_that_cannot_be_made_durable_are_told_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = metrics_module.MetricsLog(RunFolder(tmp_path), keep=0, purge_step=None)
    monkeypatch.setattr(metrics_module.os, "fsync", _no_room)
    with pytest.raises(RunFolderError, match=r"metrics\.jsonl could not be written: no space is left on the disk"):
        log.sync()
    log.close()


@contextmanager
def small_files() -> Iterator[None]:
    """No file grows beyond 300 bytes, whoever writes it; no fixture, for pytest's own output may be a file."""
    most, handler = resource.getrlimit(resource.RLIMIT_FSIZE)[1], signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_row_that_had_no_room_does_not_keep_its_file_from_being_closed(tmp_path: Path) -> None:
    log = metrics_module.MetricsLog(RunFolder(tmp_path), keep=0, purge_step=None)
    with small_files():
        with pytest.raises(RunFolderError, match="metrics.jsonl could not be written: no file may grow"):
            log.facts(0, {"text": "long" * 100})
        log.close()


def test_scalars_that_have_no_room_are_told_by_name(tmp_path: Path) -> None:
    board = open_board(tmp_path, None, advice="make room")
    assert board is not None
    words = r"tensorboard could not be written: no file may grow .*; make room"
    with small_files():
        with pytest.raises(RunFolderError, match=words):
            board.add({f"training/{number}": 0.0 for number in range(100)}, 0)
        board.close()


def test_weights_of_other_networks_are_refused() -> None:
    from rmix_kit.envs.make import make_vector_env
    from rmix_kit.training.learner import load_networks

    spec = make_vector_env("macn:4x7", 1).spec
    algorithm = tiny().algorithm
    small, large = algorithm.build(spec), replace(algorithm, hidden_size=16).build(spec)  # type: ignore[call-arg]
    with pytest.raises(CheckpointError, match="other networks"):
        load_networks(small, large.state_dict())
    assert all(torch.isfinite(value).all() for value in small.state_dict().values())


def tensors_of(place: Path) -> dict[str, dict[str, torch.Tensor]]:
    manifest = verify_checkpoint(place)
    return {Path(name).stem: read_tensors(place, manifest, Path(name).stem) for name in TENSOR_FILES}


def test_what_acts_are_the_online_weights(finished: Path) -> None:
    place = newest(finished)
    weights, kept = network_tensors(place)[1], tensors_of(place)
    assert all(torch.equal(value, kept["online"][name]) for name, value in weights.items())
    assert any(not torch.equal(value, kept["target"][name]) for name, value in weights.items())


def test_a_checkpoint_takes_the_place_of_one_of_the_same_step(copy_of_finished: Path) -> None:
    place = newest(copy_of_finished)
    manifest, kept = verify_checkpoint(place), tensors_of(place)
    changed = kept | {"online": {name: value + 1 for name, value in kept["online"].items()}}
    (place / "left_behind").write_text("by the one before")
    write_checkpoint(place, manifest, changed)
    verify_checkpoint(place)
    assert all(torch.equal(value, changed["online"][name]) for name, value in network_tensors(place)[1].items())
    assert not (place / "left_behind").exists()


def test_what_a_killed_process_left_of_a_checkpoint_is_cleared(copy_of_finished: Path) -> None:
    place = newest(copy_of_finished)
    manifest, kept = verify_checkpoint(place), tensors_of(place)
    shutil.rmtree(place)
    aside = place.with_name(place.name + PARTIAL_SUFFIX)
    aside.mkdir()
    (aside / "half").write_text("a file")
    write_checkpoint(place, manifest, kept)
    verify_checkpoint(place)
    assert not (place / "half").exists()
    assert not aside.exists()
