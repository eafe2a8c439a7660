"""Commands that write where there is no room: on a disk that is full, or beyond what a file may hold."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import shutil
import signal
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.cases import (
    ENVIRONMENT,
    REFUSED,
    SAME,
    SETTINGS,
    TRAIN,
    AdmittedBugError,
    Answer,
    Case,
    SilentAcceptanceError,
    command,
    refusal,
)
from tests.faults.families.runs import RESUME

Files = dict[str, str]
"""Digests by name."""
CLOCKED = "timing.jsonl", "origin.jsonl", "seal.json", "tensorboard", ".lock", "status.json", "logs"
OWN_FILES = "checkpoint of step", "metrics.jsonl", "timing.jsonl", "origin.jsonl", "tensorboard"
ADVICE = "make room", "elsewhere", "another folder", "can be written", "was changed", "what was there stands"


class Writer(NamedTuple):
    """A command that writes.

    Attributes:
        words: Of the command.
        needs: Folders of the base that it reads.
        target: What it writes.
        weight: How often it is tried.
        goes_on: It takes up what a failure left.
    """

    words: tuple[str, ...]
    needs: tuple[str, ...]
    target: str
    weight: float
    goes_on: bool = False


SHORT = *TRAIN, "--steps", "150", *(word for setting in SETTINGS for word in ("--set", setting))
LEVELS = "--risk-levels", "0.5,dynamic", "--episodes", "2"
SUITE = "didactic", "--part", "games-on-policy", "--report-only"
SWEEP = f"{{algorithms: [vdn], environments: ['{ENVIRONMENT}'], seeds: [0], steps: 100, evaluation: false}}"
WRITERS: dict[str, Writer] = {
    "film": Writer(("film", "run", "--episodes", "1", "--out", "page.html"), ("run",), "page.html", 40),
    "film gif": Writer(("film", "run", "--episodes", "1", "--out", "page.gif"), ("run",), "page.gif", 0.5),
    "plot": Writer(("plot", "run", "--metric", "return_mean", "--out", "a/c.png"), ("run",), "a/c.png", 15),
    "resume": Writer(RESUME, ("half",), "half", 3, goes_on=True),
    "train": Writer((*SHORT, "--resume", "--out", "new"), (), "new", 8, goes_on=True),
    "frontier": Writer(("run", "agents", *LEVELS, "--frontier", "front"), ("agents",), "front", 15),
    "report": Writer(("report", "run", "other", "--out", "report"), ("run", "other"), "report", 0.5),
    "export": Writer(("export", "run", "--out", "out"), ("run",), "out", 15),
    "sweep": Writer(("sweep", "sweep.yaml", "--out", "swept"), (), "swept", 12, goes_on=True),
    "reproduce": Writer(("reproduce", *SUITE, "--out", "again"), (), "again", 0.5, goes_on=True),
}


def contents(place: Path) -> Files:
    """Return the digest of every file at a place, those with a clock in them apart."""
    paths = [place] if place.is_file() else sorted(place.rglob("*"))
    files = {str(path.relative_to(place)): path for path in paths if path.is_file()}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in files.items()
        if not set(CLOCKED) & set(Path(name).parts)
    }


@contextmanager
def limited(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, whoever writes it, safetensors and matplotlib among them."""
    most = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        signal.signal(signal.SIGXFSZ, before)


@contextmanager
def refusing(name: str, allowed: int) -> Iterator[None]:
    """Let a call of the system that needs room fail from some time on, as on a full disk."""
    called, calls = getattr(os, name), [0]

    def full(*arguments: Any, **options: Any) -> Any:
        calls[0] += 1
        if calls[0] > allowed and (name != "open" or arguments[1] & os.O_CREAT):
            where = (str(arguments[0]),) if isinstance(arguments[0], str | Path) else ()
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), *where)
        return called(*arguments, **options)

    setattr(os, name, full)
    try:
        yield
    finally:
        setattr(os, name, called)


class _Done:
    """An engine to which every run is finished as soon as it is asked for."""

    def __init__(self, *plan: object) -> None:
        self._names: list[str] = []

    def submit(self, run: Any) -> None:
        self._names.append(run.name)

    def wait(self, seconds: float) -> Collection[Any]:
        from rmix_kit.sweeps.engine import Ended

        return [Ended(name=self._names.pop()) for _ in [*self._names]]

    def stop(self, seconds: float) -> None:
        pass

    def close(self) -> None:
        pass


@contextmanager
def hastened(base: Path) -> Iterator[None]:
    """Let what comes before the writing take no time: tracing agents, playing and drawing, the runs of a sweep."""
    from exporters import freezing
    from rmix_kit.cli import sweep
    from rmix_kit.reports.frontier import figures, folder, measuring

    def export(staging: Path, *others: object) -> None:
        for file in sorted((base / "agents").iterdir()):
            freezing.write_synced(staging / file.name, file.read_bytes())

    def measured(play: object, levels: Sequence[float], *, env_text: str, **known: Any) -> measuring.Frontier:
        estimate = measuring.Estimate(measured=1.0, low=0.5, high=1.5, exact=None)
        found = [measuring.Level(risk_level=at, estimates={"return_mean": estimate}, visits=None) for at in levels]
        return measuring.Frontier(**known, env=env_text, levels=tuple(found), remarks=())

    others: tuple[tuple[Any, str, Any], ...] = (
        (freezing, "_write", export),
        (measuring, "measure", measured),
        (figures, "draw_frontier", lambda frontier: None),
        (folder, "picture", lambda figure, kind: {"png": b"picture" * 3_000, "svg": b"svg" * 20_000}[kind]),
        (sweep, "_engine", _Done),
    )
    before = [getattr(module, name) for module, name, _ in others]
    try:
        for module, name, other in others:
            setattr(module, name, other)
        yield
    finally:
        for (module, name, _), own in zip(others, before, strict=True):
            setattr(module, name, own)


@cache
def undisturbed(base: Path, name: str) -> tuple[Files, int]:
    """Return what a command writes, and the size of the largest file of it."""
    writer, here, place = WRITERS[name], Path.cwd(), Path.cwd() / "undisturbed"
    place.mkdir()
    os.chdir(place)
    try:
        laid_out(base, writer)
        answer = command(writer.words)
        assert answer.code == 0, answer.text
        paths = [Path(writer.target), *Path(writer.target).rglob("*")]
        return contents(Path(writer.target)), max(path.stat().st_size for path in paths if path.is_file())
    finally:
        os.chdir(here)
        shutil.rmtree(place)


def laid_out(base: Path, writer: Writer) -> None:
    """Lay out what a command reads."""
    Path("sweep.yaml").write_text(SWEEP)
    for folder in writer.needs:
        shutil.copytree(base / folder, folder)


def full_disk(case: Case) -> tuple[str, str]:
    """Write where there is no room: one line with a name and advice, and what stood there stands, or goes on."""
    name = case.rng.choices(list(WRITERS), [writer.weight for writer in WRITERS.values()])[0]
    writer = WRITERS[name]
    with hastened(case.base):
        expected, largest = undisturbed(case.base, name)
        laid_out(case.base, writer)
        target = Path(writer.target)
        if not writer.goes_on and name not in ("report", "export") and case.rng.random() < 0.5:
            for file in [target / inner for inner in expected] if "." not in target.name else [target]:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(b"old")
        old = contents(target)
        if case.rng.random() < 0.7:
            size = int(largest * case.rng.choice((1.1, 0.1)) * case.rng.random())
            fault, what = limited(size), f"{name}: at most {size} bytes"
        else:
            call, allowed = case.rng.choice(("fsync", "open", "mkdir", "replace")), case.rng.randrange(8)
            fault, what = refusing(call, allowed), f"{name}: {call} after {allowed}"
        with fault:
            answer = command(writer.words)
        check_after(writer, answer, expected, old, what)
        return (REFUSED, refusal(answer)) if answer.code else (SAME, what)


def check_after(writer: Writer, answer: Answer, expected: Files, old: Files, what: str) -> None:
    """Look at the answer of a command that had no room, and at what it left.

    Raises:
        AdmittedBugError: The line names no place, or gives no advice.
        SilentAcceptanceError: What was there is neither whole nor what it was.
    """
    target = Path(writer.target)
    found = contents(target)
    if left := list(Path().rglob("*.partial*")):
        raise SilentAcceptanceError(f"{what}: {left} is left")
    if answer.code == 0 and found != expected:
        raise SilentAcceptanceError(f"{what}: said to be written, and is not")
    if answer.code:
        line = refusal(answer)
        if not any(word in line for word in ADVICE) or not any(word in line for word in (writer.target, *OWN_FILES)):
            raise AdmittedBugError(f"{what}: {line}")
    if writer.goes_on:
        again = command(writer.words)
        if again.code or contents(target) != expected:
            raise SilentAcceptanceError(f"{what}: does not go on to the same: {again.text[-200:]}")
    elif any(digest not in (old.get(name), expected.get(name)) for name, digest in found.items()) or old.keys() - found:
        raise SilentAcceptanceError(f"{what}: {sorted(found)} is neither what it was nor what it shall be")
