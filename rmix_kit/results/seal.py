"""The seal of a finished run: what its files of facts were when training ended."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rmix_kit.errors import RecordError
from rmix_kit.files.reading import LARGEST_LOG, LARGEST_TABLE, LARGEST_TEXT, parsed_json, read_plain
from rmix_kit.files.writing import Prefix, digest_of, is_sealed, seal, write_file
from rmix_kit.results.paths import RunPaths

KIND, FORMAT = "rmix-kit seal", 1


def seal_run(paths: RunPaths) -> None:
    """Write ``seal.json``, at the end of training.

    Args:
        paths: Of a finished run; nothing writes into its files any more.

    Raises:
        OSError: The seal cannot be written.
        RecordError: A file cannot be read.
    """
    files = {name: digest_of(written)._asdict() for name, written in facts_of(paths).items()}
    write_file(paths.seal, seal({"kind": KIND, "format": FORMAT, "files": files}))


def facts_of(paths: RunPaths) -> dict[str, bytes]:
    """Read a run's files of facts, by name; one that is missing is empty.

    Raises:
        RecordError: One cannot be read.
    """
    return {file.name: _content(file) for file in paths.facts}


def _content(path: Path) -> bytes:
    try:
        return read_plain(path, LARGEST_TEXT if path.suffix == ".yaml" else LARGEST_LOG)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise RecordError(f"{path} cannot be read: {error.strerror}") from error


def check_seal(paths: RunPaths, written: Mapping[str, bytes]) -> bool:
    """Compare a run's files of facts with its seal.

    Args:
        paths: Of the run.
        written: `facts_of` it.

    Returns:
        Whether there is a seal: runs under way have none, nor do those of versions before 0.2.

    Raises:
        RecordError: A file is not what was written, or the seal itself is not.
    """
    try:
        data = read_plain(paths.seal, LARGEST_TABLE)
        values = parsed_json(data)
    except FileNotFoundError:
        return False
    except (OSError, ValueError) as error:
        raise RecordError(f"{paths.seal} cannot be read: {error}; {_ADVICE}") from error
    for name, prefix in _sealed_files(paths, data, values).items():
        problem = "" if len(written[name]) <= prefix.length else "is longer than when it was saved"
        if problem := problem or prefix.problem(written[name]):
            raise RecordError(f"{paths.path / name} {problem}: restore it, or train the run again")
    return True


_ADVICE = "restore it, or remove it and let what it seals count without a seal"


def _sealed_files(paths: RunPaths, data: bytes, values: Any) -> dict[str, Prefix]:  # noqa: ANN401 - read from a file
    if not isinstance(values, dict) or not is_sealed(data, values):
        raise RecordError(f"{paths.seal} is not what was written; {_ADVICE}")
    if (values.get("kind"), values.get("format")) != (KIND, FORMAT):
        raise RecordError(f"{paths.seal} has format {values.get('format')}; this version reads format {FORMAT}")
    try:
        files = {name: Prefix.from_json(entry) for name, entry in values["files"].items()}
    except (KeyError, ValueError, AttributeError) as error:
        raise RecordError(f"{paths.seal} is no seal of a run: {error}; {_ADVICE}") from error
    if set(files) != {file.name for file in paths.facts}:
        raise RecordError(f"{paths.seal} names {sorted(files)[:9]}; expected {[file.name for file in paths.facts]}")
    return files
