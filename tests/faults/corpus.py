"""Running the corpus in confined processes, and counting how its cases ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.cases import FAULTS, GOOD
from tests.faults.families import FAMILIES

CHUNK = 250
WHOLE = 12_000


class Span(NamedTuple):
    """Cases of one family that one process runs."""

    family: str
    first: int
    end: int


def batches(cases: int, families: tuple[str, ...], first: int = 0) -> Iterator[list[Span]]:
    """Share the cases out among families by their shares, and put together what one process runs."""
    total, batch, size = sum(FAMILIES[name].share for name in families), list[Span](), 0
    for name in families:
        begin, last = first, first + max(1, round(cases * FAMILIES[name].share / total))
        while begin < last:
            end = min(last, begin + CHUNK - size)
            batch.append(Span(name, begin, end))
            begin, size = end, size + end - begin
            if size == CHUNK:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def run(
    root: Path,
    *,
    cases: int,
    seed: int = 0,
    workers: int = 1,
    families: tuple[str, ...] = tuple(FAMILIES),
    first: int = 0,
    told: Callable[[dict[str, Any]], None] = lambda result: None,
) -> list[dict[str, Any]]:
    """Run cases, and give how each ended.

    Args:
        root: A folder with ``base`` in it.
        cases: How many, of all families together.
        seed: Of all that is random.
        workers: Processes side by side.
        families: Which.
        first: The number of the first case of each family.
        told: Called with each result.
    """
    lock, results = threading.Lock(), list[dict[str, Any]]()

    def note(result: dict[str, Any]) -> None:
        with lock:
            results.append(result)
            told(result)

    with ThreadPoolExecutor(workers) as pool:
        for future in [pool.submit(_run_batch, root, batch, seed, note) for batch in batches(cases, families, first)]:
            future.result()
    order = {name: place for place, name in enumerate(families)}
    return sorted(results, key=lambda result: (order[result["family"]], result["index"]))


def _run_batch(root: Path, batch: list[Span], seed: int, note: Callable[[dict[str, Any]], None]) -> None:
    """Run cases to their end, in another process where one dies."""
    left = [(span.family, index) for span in batch for index in range(span.first, span.end)]
    while left:
        work = Path(tempfile.mkdtemp(prefix="work-", dir=root))
        complaints = work / "stderr.txt"
        with complaints.open("w") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.worker", str(root / "base"), str(work), str(seed)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env={**os.environ, **own_places(work)},
            )
        with process:
            assert process.stdin is not None
            assert process.stdout is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.write(json.dumps(left))
                process.stdin.close()
            for line in process.stdout:
                note(json.loads(line))
                left.pop(0)
        said = complaints.read_text(errors="replace")[-2_000:]
        shutil.rmtree(work)
        if left:
            family, index = left.pop(0)
            text = f"exit code {process.returncode}: {said}"
            note({"family": family, "index": index, "outcome": "died", "text": text, "seconds": 0.0})


def own_places(work: Path) -> dict[str, str]:
    """Make a process's home and folders for its temporary files and caches; give them by environment variable."""
    variables = {"HOME": "own-home", "TMPDIR": "own-tmp", "XDG_STATE_HOME": "own-state", "MPLCONFIGDIR": "own-mpl"}
    variables |= {
        "TORCHINDUCTOR_CACHE_DIR": "own-torch",
        "TRITON_CACHE_DIR": "own-triton",
        "NUMBA_CACHE_DIR": "own-numba",
    }
    for name in variables.values():
        (work / name).mkdir()
    return {variable: str(work / name) for variable, name in variables.items()}


def table(results: list[dict[str, Any]]) -> list[list[str]]:
    """Count by family: how many, how they ended, and the longest."""
    rows = [["family", "cases", *GOOD, *FAULTS, "longest s"]]
    for family in [*dict.fromkeys(result["family"] for result in results), "all"]:
        own = [result for result in results if family in (result["family"], "all")]
        counts = Counter(result["outcome"] for result in own)
        longest = max(result["seconds"] for result in own)
        rows.append([family, str(len(own)), *(str(counts[name]) for name in (*GOOD, *FAULTS)), f"{longest:.1f}"])
    return rows


def faults(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those that ended as none may."""
    return [result for result in results if result["outcome"] not in GOOD]
