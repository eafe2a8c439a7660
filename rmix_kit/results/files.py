"""Record files, and finding records wherever they lie."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from rmix_kit.errors import RecordError
from rmix_kit.files.reading import LARGEST_TABLE, read_json
from rmix_kit.files.writing import json_text, with_digest, write_file
from rmix_kit.results.folder import record_of
from rmix_kit.results.record import OLDEST_FORMAT, RunRecord

SUFFIX = ".json"


def write_record(path: Path, record: RunRecord) -> None:
    """Write a record into a file of its own, one line per entry, so that versions can be compared.

    Args:
        path: Ends in ``.json``; replaced if it is there.
    """
    entries = [f" {json_text(key)}: {json_text(value)}" for key, value in with_digest(record.to_json()).items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_file(path, ("{\n" + ",\n".join(entries) + "\n}\n").encode())


def read_record(path: Path) -> RunRecord:
    """Read a record file.

    Raises:
        RecordError: It cannot be read, is no record, or is not what was written.
    """
    try:
        values = read_json(path, LARGEST_TABLE)
    except (OSError, ValueError) as error:
        raise RecordError(f"{path} cannot be read as a record: {error}") from error
    record = RunRecord.from_json(values, str(path))
    if values["format"] > OLDEST_FORMAT and with_digest(values) != values:
        raise RecordError(f"{path} is not what was written; restore it, or give the run's folder in its place")
    return record


def find_records(paths: Iterable[Path]) -> tuple[RunRecord, ...]:
    """Read every record at some paths.

    Args:
        paths: Each a run's folder, a record file, or a folder that holds any number of either at any depth.

    Returns:
        Records in the order of the paths, those of a folder by name; what several paths lead to counts once.

    Raises:
        RecordError: A path holds no record, or one cannot be read.
    """
    found: dict[Path, RunRecord] = {}
    for path in paths:
        here = list(_places_at(path, set()))
        if not here:
            raise RecordError(f"{path} holds neither a run's folder nor a record file")
        for place in here:
            if place.resolve() not in found:
                found[place.resolve()] = record_of(place) if place.is_dir() else read_record(place)
    return tuple(found.values())


def run_folders(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Find every run's folder at some paths; record files are passed over.

    Args:
        paths: As for `find_records`.

    Raises:
        RecordError: A path does not exist.
    """
    return tuple(place for path in paths for place in _places_at(path, set()) if place.is_dir())


def _places_at(path: Path, met: set[Path]) -> Iterator[Path]:
    """Yield the run folders and record files at a path; folders that links lead back to are not entered again."""
    if path.is_file() or (path / "config.yaml").is_file():
        yield path
    elif path.is_dir():
        met.add(path.resolve())
        for inner in sorted(path.iterdir()):
            is_new = inner.is_dir() and inner.resolve() not in met
            if is_new or (inner.suffix == SUFFIX and inner.is_file() and _is_record(inner)):
                yield from _places_at(inner, met)
    else:
        raise RecordError(f"there is no {path}; give run folders, record files, or folders that hold them")


def _is_record(path: Path) -> bool:
    with path.open("rb") as file:
        return b'"rmix-kit run record"' in file.read(200)
