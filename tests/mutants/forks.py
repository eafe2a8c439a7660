"""Runs pytest in forks of a process that has imported other people's libraries already, but none of the project's.

Importing torch and its like takes seconds, a fork takes none. What is imported of the project comes from a copy of the
tree, which the fork makes its current directory. Its parent notices when no test has ended for too long.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from inspect import CO_OPTIMIZED
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, TypeVar

import pytest

OURS = ("tests", "macn", "exporters", "rmix_kit")
LIBRARIES = (
    *("numpy", "torch", "torch.export", "torch.onnx", "torch._dynamo", "gymnasium", "pettingzoo", "hypothesis"),
    *("onnx", "onnxscript", "onnxruntime", "safetensors.torch", "pydantic", "yaml", "click", "rich"),
)
MEMORY = 12 * 2**30  # bytes of address space: a mutant that never stops appending fails instead of filling the machine
LOOK_SECONDS = 0.05
SOME_FUNCTION = "()"  # stands beside the names of what was called in a file, if more ran than its import

Value = TypeVar("Value")


def preload() -> None:
    """Import what every fork needs, before the first one."""
    os.environ["OMP_NUM_THREADS"] = "1"  # a fork inherits no threads, and the tests run on one
    for name in LIBRARIES:
        with contextlib.suppress(ImportError):  # then no test needs it, or the first look at the tests says so
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def copy_tree(root: Path, to: Path) -> None:
    """Copy what git tracks, or would."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listing, cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, to / name)


@dataclass(eq=False)  # pytest keeps plugins in sets
class Witness:
    """A pytest plugin that writes down what happens as it happens: the process may be killed at any time."""

    place: Path
    failed: str = ""
    slowest: float = 0.0
    begun: float = 0.0

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.begun = time.monotonic()
        self.place.write_text(nodeid)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.slowest = max(self.slowest, time.monotonic() - self.begun)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed = self.failed or report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed = self.failed or f"{report.nodeid} (collecting)"


def _trace(tree: Path) -> dict[str, set[str]]:
    """Note each function of the project that is entered from now on, by file: its qualified names."""
    reached: dict[str, set[str]] = {}
    seen: dict[int, CodeType] = {}

    def entered(frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if id(code) not in seen:
            seen[id(code)] = code  # kept, so that its id stays its own
            if code.co_filename.startswith(f"{tree}{os.sep}"):
                names = {code.co_qualname} | ({SOME_FUNCTION} if code.co_flags & CO_OPTIMIZED else set())
                reached.setdefault(os.path.relpath(code.co_filename, tree), set()).update(names)

    threading.settrace(entered)
    sys.settrace(entered)
    return reached


def _leave_home(tree: Path, scratch: Path) -> None:
    home = Path.cwd()
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    log = os.open(scratch / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream, source in ((0, os.open(os.devnull, os.O_RDONLY)), (1, log), (2, log)):
        os.dup2(source, stream)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    os.chdir(tree)
    (scratch / "tmp").mkdir(exist_ok=True)
    os.environ |= {"PYTHONPATH": str(tree), "TMPDIR": str(scratch / "tmp"), "PWD": str(tree)}
    sys.path[:] = [str(tree), *(entry for entry in sys.path if entry and Path(entry).resolve() != home)]
    for name in [name for name in sys.modules if name.split(".")[0] in OURS]:
        del sys.modules[name]
    main = sys.modules["__main__"]
    main.__spec__, main.__file__ = None, None  # processes that tests spawn must not import this program
    importlib.invalidate_caches()


def _imports(module: str) -> bool:
    try:
        importlib.import_module(module)
    except BaseException:  # noqa: BLE001 (a mutant may raise anything)
        return False
    return True


def _in_the_fork(tree: Path, scratch: Path, tests: list[str], module: str) -> None:
    """Run the tests, write the verdict, end the process."""
    _leave_home(tree, scratch)
    is_first_look = not module
    sys.dont_write_bytecode = not is_first_look  # a compiled file is told from its source by whole seconds and size
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if not is_first_look:
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    witness = Witness(scratch / "test")
    reached = _trace(tree) if is_first_look else {}
    arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--basetemp={scratch / 'base'}"]
    early = "ignore::pytest.PytestAssertRewriteWarning"  # hypothesis was imported before its plugin
    code = pytest.main([*arguments, "-W", early, *tests], plugins=[witness])
    sys.settrace(None)
    found = "passed" if code in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED} else "caught"
    if found == "caught" and "::" not in witness.failed and module and not _imports(module):  # no test had begun
        found = "incompetent"
    scopes = {file: sorted(names) for file, names in reached.items()}
    verdict = {"outcome": found, "test": witness.failed, "slowest": witness.slowest, "reached": scopes}
    (scratch / "verdict").write_text(json.dumps(verdict))


@dataclass(eq=False)
class Fork:
    """One pytest in a process of its own.

    Attributes:
        tree: the copy of the project.
        scratch: an empty folder for what is written.
        tests: what pytest is given.
        module: the mutated module; empty for the first look at the tests of the project as it is.
        patience: seconds without a test's end after which it counts as stuck.
    """

    tree: Path
    scratch: Path
    tests: list[str]
    module: str = ""
    patience: float = 900.0
    pid: int = 0

    def start(self) -> None:
        self.scratch.mkdir(parents=True)
        (self.scratch / "test").touch()
        sys.stdout.flush()
        self.pid = os.fork()
        if not self.pid:
            try:
                _in_the_fork(self.tree, self.scratch, self.tests, self.module)
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
            finally:
                os._exit(0)  # never back into the parent's program

    def is_stuck(self) -> bool:
        return time.time() - (self.scratch / "test").stat().st_mtime > self.patience

    def result(self) -> dict[str, Any] | None:
        """The verdict, or None while it runs."""
        ended, _, used = os.wait4(self.pid, os.WNOHANG)
        is_stuck = not ended and self.is_stuck()
        if not ended and not is_stuck:
            return None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # also what the tests started and left
        if is_stuck:
            _, _, used = os.wait4(self.pid, 0)
        verdict: dict[str, Any] = {"outcome": "timeout" if is_stuck else "caught", "reached": {}, "slowest": 0.0}
        verdict["test"] = (self.scratch / "test").read_text() + ("" if is_stuck else " (the process died)")
        with contextlib.suppress(FileNotFoundError):
            verdict = json.loads((self.scratch / "verdict").read_text())
        return {**verdict, "seconds": used.ru_utime + used.ru_stime}  # the processor's: others may share the machine


Job = Generator[Fork, dict[str, Any], Value]


def run_jobs(jobs: Iterable[Job[Value]], workers: int) -> Iterator[Value]:
    """Let up to `workers` jobs have a fork at a time; a job yields forks, is sent verdicts and returns its value."""
    waiting = iter(jobs)
    running: list[tuple[Job[Value], Fork]] = []
    try:
        while True:
            while len(running) < workers and (job := next(waiting, None)) is not None:
                yield from _go_on(job, None, running)
            if not running:
                return
            time.sleep(LOOK_SECONDS)
            for entry in list(running):
                if (verdict := entry[1].result()) is not None:
                    running.remove(entry)
                    yield from _go_on(entry[0], verdict, running)
    finally:
        for _, fork in running:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(fork.pid, signal.SIGKILL)


def _go_on(job: Job[Value], verdict: dict[str, Any] | None, running: list[tuple[Job[Value], Fork]]) -> Iterator[Value]:
    try:
        fork = next(job) if verdict is None else job.send(verdict)
    except StopIteration as end:
        yield end.value
        return
    fork.start()
    running.append((job, fork))
