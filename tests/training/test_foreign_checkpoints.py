"""Checkpoints whose sums are right and whose content is another's: refused in one line, never half loaded."""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load, save

from rmix_kit.errors import CheckpointError
from rmix_kit.files.writing import seal
from rmix_kit.training.manifest import read_manifest
from rmix_kit.training.progress_bar import SilentReporter
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.trainer import train
from tests.fixtures.trained import Trained
from tests.training.runs import tiny, with_training

Tensors = dict[str, NDArray[Any]]
Path_ = tuple[Any, ...]
FREE = ("config", "written_by", "sha256")
"""Compared elsewhere, or only shown."""


def places(values: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the path of every value within others, but of those that numpy checks itself."""
    entries = values.items() if isinstance(values, dict) else enumerate(values) if isinstance(values, list) else ()
    for key, inner in entries:
        if key in FREE or path[-1:] == ("streams",):
            continue
        yield (*path, key)
        yield from places(inner, (*path, key))


@pytest.fixture
def checkpoint(trained: Trained, tmp_path: Path) -> Path:
    shutil.copytree(trained.run, tmp_path / "run")
    (place,) = (tmp_path / "run" / "checkpoints").iterdir()
    return place


def test_each_value_of_a_manifest_is_of_its_type(checkpoint: Path) -> None:
    file = checkpoint / "manifest.json"
    values = json.loads(file.read_bytes())
    tried, taken = list[tuple[Path_, Any]](), list[tuple[Path_, Any]]()
    for path in places(values):
        for junk in ({"junk": [1]}, [["junk"]], "junk", -1.5):
            changed = copy.deepcopy(values)
            holder = changed
            for key in path[:-1]:
                holder = holder[key]
            is_alike = isinstance(holder[path[-1]], str | float) and isinstance(junk, str | float)
            if is_alike or (path[0] == "evaluation" and junk == -1.5):
                continue  # of the same type
            holder[path[-1]] = junk
            file.write_bytes(seal(changed))
            tried.append((path, junk))
            with contextlib.suppress(CheckpointError):
                read_manifest(checkpoint)
                taken.append((path, junk))
    assert taken == []
    assert len(tried) > 300


@pytest.fixture(scope="module")
def half(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunConfig, Path]:
    """A run as a kill before its last checkpoint left it."""
    config = with_training(tiny(steps=700), checkpoint_interval=300)
    folder = tmp_path_factory.mktemp("half") / "run"
    train(config, folder, reporter=SilentReporter())
    last = max((folder / "checkpoints").iterdir(), key=lambda place: int(place.name[5:]))
    shutil.rmtree(last)
    (folder / "seal.json").unlink()
    return config, folder


def resume_with(change: Callable[[Tensors], object], pattern: str, half: tuple[RunConfig, Path], place: Path) -> None:
    """Change the tensors of a file, make every sum anew, and go on with the run."""
    config, folder = half
    shutil.copytree(folder, place)
    checkpoint = max((place / "checkpoints").iterdir(), key=lambda found: int(found.name[5:]))
    for other in (place / "checkpoints").iterdir():
        if other != checkpoint:
            shutil.rmtree(other)
    manifest = json.loads((checkpoint / "manifest.json").read_bytes())
    entries = [(entry, checkpoint) for entry in manifest["files"]]
    entries += [(entry["file"], place / "replay") for entry in manifest["segments"]]
    entry, home = next((entry, home) for entry, home in entries if pattern in entry["name"])
    tensors = load((home / entry["name"]).read_bytes())
    change(tensors)
    data = save({name: np.asarray(array, order="C") for name, array in tensors.items()})
    (home / entry["name"]).write_bytes(data)
    entry |= {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    (checkpoint / "manifest.json").write_bytes(seal(manifest))
    train(config, place, resume=True, reporter=SilentReporter())


def first(tensors: Tensors) -> str:
    return next(name for name in tensors if tensors[name].ndim)


CHANGES: dict[str, Callable[[Tensors], object]] = {
    "nothing": lambda tensors: tensors.clear(),
    "one less": lambda tensors: tensors.pop(first(tensors)),
    "one more": lambda tensors: tensors.update(unknown=tensors[first(tensors)]),
    "renamed": lambda tensors: tensors.update({first(tensors) + "x": tensors.pop(first(tensors))}),
    "another dtype": lambda tensors: tensors.update({first(tensors): tensors[first(tensors)].astype("float16")}),
    "another shape": lambda tensors: tensors.update({first(tensors): tensors[first(tensors)][:, None]}),
}


def test_what_was_not_changed_goes_on(half: tuple[RunConfig, Path], tmp_path: Path) -> None:
    resume_with(lambda tensors: None, "optimizers", half, tmp_path / "run")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("file", ["online", "target", "optimizers", "statistics", "segment"])
def test_tensors_of_another_form_are_refused(
    file: str, change: str, half: tuple[RunConfig, Path], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError):
        resume_with(CHANGES[change], file, half, tmp_path / "run")


def test_an_optimiser_without_its_moments_is_refused_by_name(half: tuple[RunConfig, Path], tmp_path: Path) -> None:
    def drop(tensors: Tensors) -> None:
        for name in [name for name in tensors if name.startswith("td/")]:
            del tensors[name]

    with pytest.raises(CheckpointError, match="the optimiser of td has moments of 0 parameters; it had stepped"):
        resume_with(drop, "optimizers", half, tmp_path / "run")


def of_episodes(name: str, value: int) -> Callable[[Tensors], object]:
    return lambda tensors: tensors[name].fill(value)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("length", 2**62, "episodes have"),
        ("length", 0, "episodes have"),
        ("length", -1, "episodes have"),
        ("actions", 200, "an action is 200; there are 4"),
    ],
)
def test_episodes_that_cannot_be_are_refused(
    name: str, value: int, message: str, half: tuple[RunConfig, Path], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match=message):
        resume_with(of_episodes(name, value), "segment", half, tmp_path / "run")
