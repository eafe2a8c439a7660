"""What happens while a command runs: another one writes the same target, and nobody reads its streams any more."""

from __future__ import annotations

import errno
import io
import json
import os
import random
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from tests.faults.cases import REFUSED, SAME, AdmittedBugError, Case, SilentAcceptanceError
from tests.faults.families.running import WRITERS, contents, hastened, laid_out, undisturbed


def write_bytes(base: Path, place: Path, number: int) -> Path:
    """Write a file of one writer's own bytes."""
    from rmix_kit.files.writing import write_file

    write_file(place, bytes([number]) * (50_000 + number))
    return place


def write_run(base: Path, place: Path, number: int) -> Path:
    """Write the record of one of two runs."""
    from rmix_kit.results import write_record

    write_record(place, _record(base / ("run", "other")[number]))
    return place


def write_page(base: Path, place: Path, number: int) -> Path:
    """Write the film of one of two runs."""
    from rmix_kit.films.writing import write

    write(_film(base / ("run", "other")[number]), place)
    return place


def write_agents(base: Path, place: Path, number: int) -> Path:
    """Export the agents of one of two runs; who comes second is refused."""
    from exporters.errors import BundleError
    from exporters.freezing import freeze_bundle

    with suppress(BundleError):
        freeze_bundle(_policies(base / "run"), place, ("onnx",), facts={"from": ("agents", "other-agents")[number]})
    return place


def agents_at(place: Path) -> dict[str, bytes]:
    """Read an exported folder as its users do; whatever does not fit together is refused."""
    from exporters.bundle import read_manifest, read_member

    manifest = read_manifest(place)
    return {name: read_member(place, manifest, name) for name in manifest.files}


@contextmanager
def copied_agents(base: Path) -> Iterator[None]:
    """Let an export find its files made, those of the folder that its facts name."""
    from exporters import freezing

    def write(staging: Path, team: object, formats: object, facts: str) -> None:
        for file in sorted((base / json.loads(facts)["from"]).iterdir()):
            freezing.write_synced(staging / file.name, file.read_bytes())

    own, freezing._write = freezing._write, write
    try:
        yield
    finally:
        freezing._write = own


@cache
def _record(folder: Path) -> Any:
    from rmix_kit.results import record_of

    return record_of(folder)


@cache
def _film(folder: Path) -> Any:
    import rmix_kit
    from rmix_kit.films.from_run import film_run

    return film_run(rmix_kit.load(folder), episodes=1)


@cache
def _policies(folder: Path) -> Any:
    import rmix_kit

    return rmix_kit.load(folder).policies()


TARGETS: dict[str, tuple[Callable[[Path, Path, int], Path], Callable[[Path], object], int]] = {
    "file": (write_bytes, Path.read_bytes, 8),
    "record": (write_run, Path.read_bytes, 4),
    "page": (write_page, Path.read_bytes, 3),
    "agents": (write_agents, agents_at, 2),
}
"""What writes one of two things to a place, what reads it, and how often it is tried."""


def two_writers(case: Case) -> tuple[str, str]:
    """Let two write one target at a time: whoever reads meets one or the other, whole."""
    kind = case.rng.choices(list(TARGETS), [weight for *_, weight in TARGETS.values()])[0]
    write, read, _ = TARGETS[kind]
    rounds, place, failed, seen = case.rng.randrange(1, 6), Path("target.html"), list[BaseException](), list[object]()

    def work(number: int) -> None:
        try:
            for _ in range(rounds):
                write(case.base, place, number)
        except BaseException as error:  # noqa: BLE001 - told by the thread that waits
            failed.append(error)

    def look() -> None:
        if place.exists():
            seen.append(read(place))

    with copied_agents(case.base):
        wanted = [read(write(case.base, Path(f"alone-{number}.html"), number)) for number in (0, 1)]
        if kind == "agents" or case.rng.random() < 0.5:  # onnxruntime outlives no fork
            together = [threading.Thread(target=work, args=(number,)) for number in (0, 1)]
            for thread in together:
                thread.start()
            while any(thread.is_alive() for thread in together):
                look()
        elif (child := os.fork()) == 0:
            work(0)
            os._exit(bool(failed))
        else:
            work(1)
            while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
                look()
            if ended[1]:
                raise SilentAcceptanceError(f"{kind}: the other process fails")
        look()
    if failed:
        raise failed[0]
    if not seen or any(found not in wanted for found in seen):
        raise SilentAcceptanceError(f"{kind}: a reader met what nobody wrote")
    if left := [path for path in Path().iterdir() if ".partial" in path.name]:
        raise SilentAcceptanceError(f"{kind}: {left} is left")
    return SAME, f"{kind}: {len(seen)} looks"


class Lost(io.TextIOBase):
    """A stream that fails from some write on."""

    encoding, errors = "utf-8", "strict"

    def __init__(self, allowed: int, error: Exception) -> None:
        self._left, self._error = allowed, error
        self.text = ""

    def write(self, text: str) -> int:
        self._left -= 1
        if self._left < 0:
            raise self._error
        self.text += text
        return len(text)

    def flush(self) -> None:
        if self._left < 0:
            raise self._error


def a_lost_stream(rng: random.Random) -> Any:
    """Return a stream that is full, closed, read by nobody, or not there."""
    broken = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
    errors = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), broken, ValueError("I/O operation on closed file.")
    match rng.randrange(6):
        case 0:
            return None
        case 1:
            return open("/dev/full", "w", encoding="utf-8")
        case 2:
            closed = io.StringIO()
            closed.close()
            return closed
        case _:
            return Lost(rng.choice((0, 0, 1, 2, 3, 5, 8)), rng.choice(errors))


def said(words: tuple[str, ...], out: Any, err: Any) -> tuple[int, str]:
    """Run a command with these streams; give its exit code and what standard error got."""
    from rmix_kit.cli.main import main

    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = out, err
    try:
        main(list(words), prog_name="rmix-kit")
    except SystemExit as stop:
        return int(stop.code or 0), getattr(err, "text", "")
    finally:
        sys.stdout, sys.stderr = before
    return 0, getattr(err, "text", "")


SPEAKERS: dict[str, tuple[str, ...]] = {
    "inspect": ("inspect", "run"),
    "inspect --json": ("inspect", "run", "--json"),
    "algos": ("algos",),
    "algos --json": ("algos", "--json"),
    "help": ("train", "--help"),
    "evaluate": ("evaluate", "run", "--episodes", "1"),
    "run": ("run", "agents", "--episodes", "1", "--json"),
    **{name: WRITERS[name].words for name in ("film", "plot", "resume", "train", "frontier", "sweep")},
}


def lost_streams(case: Case) -> tuple[str, str]:
    """Take a command's streams away: training ends as ever, others end with 0 or with one reason."""
    name = case.rng.choice(list(SPEAKERS))
    lost = case.rng.choice(("out", "err", "both"))
    out = a_lost_stream(case.rng) if lost != "err" else Lost(10**6, OSError())
    err = a_lost_stream(case.rng) if lost != "out" else Lost(10**6, OSError())
    writer = WRITERS.get(name)
    with hastened(case.base):
        expected = {} if writer is None else undisturbed(case.base, name)[0]
        laid_out(case.base, WRITERS["frontier"] if writer is None else writer)
        if writer is None:
            shutil.copytree(case.base / "run", "run")
        code, complaint = said(SPEAKERS[name], out, err)
    what = f"{name} without {lost}: {code}"
    if code not in (0, 1) or "Traceback" in complaint or "unexpected" in complaint:
        raise AdmittedBugError(f"{what} {complaint[-300:]}")
    if writer is not None and (code == 0 or name in ("resume", "train")) and contents(Path(writer.target)) != expected:
        raise SilentAcceptanceError(f"{what}, and what it writes is not there")
    if code == 0:
        return SAME, what
    reasons = [line for line in complaint.splitlines() if line.startswith("Error: ")]
    if lost == "err" or (lost == "out" and len(reasons) != 1):
        raise AdmittedBugError(f"{what}: {complaint[-300:]!r}")
    return REFUSED, " ".join(reasons) or what
