"""One process of the corpus: confined, then case after case, one JSON line each on standard output."""

from __future__ import annotations

import faulthandler
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from tests.faults.cases import SECONDS, AdmittedBugError, Case, SilentAcceptanceError, own_errors
from tests.faults.families import FAMILIES
from tests.faults.sandbox import Bait, confine

MOST_MEMORY = 12 * 2**30  # address space; torch alone takes some of it
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class TooLong(BaseException):
    """A case has had its time."""


def main(arguments: list[str]) -> None:
    """Run the cases that standard input names, with a seed, in a folder beside the one with material."""
    base, work, seed = Path(arguments[0]), Path(arguments[1]), arguments[2]
    cases = json.load(sys.stdin)
    results = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no result
    sys.dont_write_bytecode = True
    confine(work)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    attempts = outside_attempts(work)
    for family, index in cases:
        print(json.dumps(run_case(base, work, family, seed, index, attempts)), file=results)


def outside_attempts(work: Path) -> list[str]:
    """Note every file that Python opens to write, renames or removes outside; the kernel refuses it besides."""
    found: list[str] = []

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, flags = arguments[0], arguments[2]
            paths = [path] if isinstance(flags, int) and flags & WRITING else []
        elif event in ("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.truncate", "os.link", "os.symlink"):
            paths = [path for path in arguments[:2] if isinstance(path, str | bytes | os.PathLike)][-1:]
        else:
            return
        for path in paths:
            if isinstance(path, int):
                continue
            place = os.path.abspath(os.fsdecode(path))
            if not place.startswith((str(work), "/dev/")):
                found.append(f"{event} {place}")

    sys.addaudithook(look)
    return found


def run_case(base: Path, work: Path, family: str, seed: str, index: int, attempts: list[str]) -> dict[str, Any]:
    """Run one case in a home of its own, and say how it ended."""
    home = work / "home"
    home.mkdir()
    bait = Bait(work / "outside")
    os.chdir(home)
    attempts.clear()
    begun = time.monotonic()
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    faulthandler.dump_traceback_later(2 * SECONDS, exit=True)  # for what does not come back to Python
    try:
        case = Case(base, home, bait, random.Random(f"{seed}/{family}/{index}"))
        outcome, text = FAMILIES[family].attempt(case)
    except TooLong:
        outcome, text = "hang", f"not done after {SECONDS:g} s"
    except SilentAcceptanceError as error:
        outcome, text = "silent", str(error)
    except AdmittedBugError as error:
        outcome, text = "unexpected", str(error)
    except own_errors() as error:
        outcome, text = "refused", str(error)
    except Exception as error:  # noqa: BLE001 - what was let out is what is counted
        frames = traceback.extract_tb(error.__traceback__)[:-7:-1]
        where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in frames)
        outcome, text = "traceback", f"{type(error).__name__}: {str(error)[:200]} in {where}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
    if touched := bait.what_changed() or ", ".join(attempts):
        outcome, text = "outside", touched
    os.chdir(work)
    shutil.rmtree(home)
    shutil.rmtree(bait.folder)
    seconds = round(time.monotonic() - begun, 3)
    return {"family": family, "index": index, "outcome": outcome, "text": text[-500:], "seconds": seconds}


def _too_long(number: int, frame: FrameType | None) -> NoReturn:
    raise TooLong


if __name__ == "__main__":
    main(sys.argv[1:])
