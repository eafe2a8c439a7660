"""A run's folder, mirrored to wherever fsspec reaches, so that another machine can go on with the run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from types import TracebackType

from rmix_kit.console import standard_error
from rmix_kit.errors import RunFolderError
from rmix_kit.files.writing import remove
from rmix_kit.results.paths import MANIFEST_NAME, STEP_NAME, RunPaths

PARTIAL_SUFFIX = ".partial"
LOCK_NAME = ".lock"
LOOK_SECONDS = 1.0
_WRITTEN_ONCE = ("checkpoints", "replay")


class Mirror:
    """One run's folder here and its copy there.

    A checkpoint counts there when its manifest lies there, which is sent last; what is killed in the midst of sending
    leaves the checkpoint before. Rows of metrics that go beyond it are cut on resuming, as they are here.
    """

    def __init__(self, folder: Path, url: str) -> None:
        """Name both sides; nothing is read.

        Args:
            url: Where its copy lies, such as ``s3://bucket/sweep/NAME``.
        """
        from fsspec.core import url_to_fs

        self._paths = RunPaths(folder)
        self._there, root = url_to_fs(url)
        self._root = str(root).rstrip("/")
        self._sent: dict[str, tuple[int, int]] = {}

    def fetch(self) -> None:
        """Bring the copy here if it is further than the folder; otherwise nothing changes.

        Raises:
            RunFolderError: A name in the copy leads elsewhere.
        """
        names = self._names_there()
        complete = {PurePosixPath(name).parts[1] for name in names if PurePosixPath(name).name == MANIFEST_NAME}
        steps = [int(match[1]) for match in map(STEP_NAME.fullmatch, complete) if match]
        folder = self._paths.path
        if not names or max(steps, default=0) < max(self._paths.steps(), default=0):
            return
        if folder.is_dir():
            for path in folder.iterdir():
                if path.name != LOCK_NAME:
                    remove(path)
        for name in names:
            parts = PurePosixPath(name).parts
            if ".." in parts or name.startswith("/"):
                raise RunFolderError(f"{self._root} holds {name!r}, which no run has; look at what lies there")
            if name.endswith(PARTIAL_SUFFIX) or (parts[0] == "checkpoints" and parts[1] not in complete):
                continue
            place = folder.joinpath(*parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            self._there.get_file(f"{self._root}/{name}", str(place))
        self._sent = self._names_here()

    def push(self) -> None:
        """Send what has changed, manifests last, and remove there what is gone here.

        Raises:
            FileNotFoundError: Training removed a file in the meantime; push again.
        """
        here = self._names_here()
        for name in sorted(here, key=lambda name: (PurePosixPath(name).name == MANIFEST_NAME, name)):
            if self._sent.get(name) != here[name]:
                self._send(name)
                self._sent[name] = here[name]
        gone = [name for name in self._names_there() if name not in here]
        for name in sorted(gone, key=lambda name: (PurePosixPath(name).name != MANIFEST_NAME, name)):
            self._there.rm_file(f"{self._root}/{name}")
            self._sent.pop(name, None)

    def newest_step(self) -> int:
        """Return the step of the newest checkpoint here, 0 where there is none."""
        return max(self._paths.steps(), default=0)

    def _send(self, name: str) -> None:
        target, source = f"{self._root}/{name}", str(self._paths.path / name)
        self._there.makedirs(target.rpartition("/")[0], exist_ok=True)
        if name.split("/")[0] in _WRITTEN_ONCE:
            self._there.put_file(source, target)
        else:  # it is replaced again and again, and must never lie there in part
            self._there.put_file(source, target + PARTIAL_SUFFIX)
            self._there.mv(target + PARTIAL_SUFFIX, target)

    def _names_here(self) -> dict[str, tuple[int, int]]:
        """Return size and time of every file of the run, by its name in the folder."""
        found = {}
        for path in self._paths.path.rglob("*"):
            name = path.relative_to(self._paths.path).as_posix()
            if PARTIAL_SUFFIX in name or name == LOCK_NAME:
                continue
            with suppress(FileNotFoundError):
                if path.is_file():
                    found[name] = (path.stat().st_size, path.stat().st_mtime_ns)
        return found

    def _names_there(self) -> list[str]:
        try:
            return [str(path).removeprefix(self._root).lstrip("/") for path in self._there.find(self._root)]
        except FileNotFoundError:
            return []


def url_of(storage: str, name: str) -> str:
    """Return the URL of a run's copy."""
    return f"{storage.rstrip('/')}/{name}"


def tail_of(url: str, size: int) -> bytes:
    """Return the last bytes of a stored file; none where it is missing.

    Args:
        url: The file.
        size: Most bytes wanted.
    """
    from fsspec.core import url_to_fs

    there, path = url_to_fs(url)
    try:
        content: bytes = there.tail(path, size)
    except FileNotFoundError:
        return b""
    return content


class Mirroring:
    """Keeps a mirror up to date while it is entered: at every new checkpoint, and at the end."""

    def __init__(self, mirror: Mirror) -> None:
        """Describe it; nothing is started."""
        self._mirror, self._is_over = mirror, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        """Bring here what is further there, and start to watch."""
        self._mirror.fetch()
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Send the last state.

        Raises:
            OSError: It could not be sent.
        """
        self._is_over.set()
        self._thread.join()
        self._mirror.push()

    def _watch(self) -> None:
        sent = self._mirror.newest_step()
        while not self._is_over.wait(LOOK_SECONDS):
            newest = self._mirror.newest_step()
            if newest == sent:
                continue
            try:
                self._mirror.push()
                sent = newest
            except FileNotFoundError:
                continue  # training removed an old checkpoint; the newer one is sent at the next look
            except OSError as error:
                standard_error().write(f"the mirror could not be brought up to date: {error}; trying again\n")


@contextmanager
def mirrored(folder: Path, url: str | None) -> Iterator[None]:
    """Keep a run's copy up to date inside the block; without a URL nothing is done.

    Args:
        url: Where its copy lies, or None.
    """
    if url is None:
        yield
        return
    with Mirroring(Mirror(folder, url)):
        yield
