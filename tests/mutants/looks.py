"""The first look: each test file alone, on the project as it is. Does it pass, how long does it run, what does it call?

What it calls decides which files are asked about a mutant: one that never calls the mutated function cannot notice.
(What runs in processes that a test starts is not seen here; where no file calls it, the area's own folders are asked.)
Looks are kept in `build/` and hold as long as the project and the test file do not change.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

from tests.mutants.forks import SOME_FUNCTION, Fork, Job, run_jobs
from tests.mutants.mutants import Mutant
from tests.mutants.sample import AREAS

# Folders that ask nothing of the core that others do not ask sooner, or that need more than Python and a file system.
ELSEWHERE = frozenset(
    [
        "architecture",
        "browser",
        "cli",
        "doctor",
        "examples",
        "faults",
        "films",
        "foreign",
        "learning",
        "mutants",
        "plotting",
        "reports",
        "reproduction",
        "sweeps",
    ]
)
MOST_FAILED = 3  # more need not be told
LATER_SECONDS = 90.0  # of the second round, the quickest first; slow files of the area's own folders come besides
QUICK_SECONDS = 20.0  # a file that takes longer waits for the second round
SETTINGS_PAGE = "tests/test_documents.py"
KEPT = Path("build", "mutants", "looks.json")


@dataclass(frozen=True, kw_only=True)
class Look:
    """What is known of a test file.

    Attributes:
        key: digest of all it depends on.
        seconds: of the processor that it takes alone.
        slowest: seconds on the clock that its slowest test takes.
        reached: qualified names of the functions it enters, by file.
    """

    key: str
    seconds: float
    slowest: float
    reached: dict[str, list[str]]


def test_files(tree: Path) -> list[str]:
    """Every test file that may be asked."""
    files = (file.relative_to(tree) for file in sorted((tree / "tests").rglob("test_*.py")))
    return [str(file) for file in files if file.parts[1] not in ELSEWHERE]


def _keys(tree: Path, files: Iterable[str]) -> dict[str, str]:
    shared = sha256()
    for file in sorted(tree.rglob("*.py")):
        name = file.relative_to(tree)
        if name.parts[0] in {"macn", "exporters", "rmix_kit"} or (
            name.parts[0] == "tests" and not name.name.startswith("test_") and name.parts[1] not in ELSEWHERE
        ):
            shared.update(f"{name}\0".encode() + file.read_bytes())
    return {file: sha256(shared.digest() + (tree / file).read_bytes()).hexdigest()[:16] for file in files}


def take_looks(root: Path, tree: Path, scratch: Path, workers: int) -> dict[str, Look]:
    """Look at each test file, unless it was looked at before.

    Raises:
        SystemExit: A file fails on the project as it is; no mutant can be judged by it.
    """
    keys = _keys(tree, test_files(tree))
    kept = json.loads((root / KEPT).read_text()) if (root / KEPT).exists() else {}
    looks = {file: Look(**kept[file]) for file, key in keys.items() if file in kept and kept[file]["key"] == key}
    missing = [file for file in keys if file not in looks]
    print(f"first look at {len(missing)} of {len(keys)} test files", flush=True)

    def look(number: int, file: str) -> Job[tuple[str, dict[str, object], Path]]:
        fork = Fork(tree, scratch / f"look-{number}", [file])
        return file, (yield fork), fork.scratch

    failed: list[str] = []
    (root / KEPT).parent.mkdir(parents=True, exist_ok=True)
    for file, verdict, place in run_jobs((look(*entry) for entry in enumerate(missing)), workers):
        if verdict["outcome"] != "passed":
            failed.append(f"{file}: {verdict['outcome']}: {verdict['test']}\n{(place / 'log').read_text()[-400:]}")
            if len(failed) == MOST_FAILED:
                break
            continue
        seen = {name: verdict[name] for name in ("seconds", "slowest", "reached")}
        looks[file] = Look(key=keys[file], **seen)  # type: ignore[arg-type]
        (root / KEPT).write_text(json.dumps({name: asdict(look) for name, look in looks.items()}))
    if failed:
        raise SystemExit("\n".join([*failed, "the project as it is must pass before mutants are judged"]))
    return looks


def rounds(mutant: Mutant, area: str, looks: dict[str, Look]) -> tuple[list[str], list[str]]:
    """Which files are asked about a mutant: the area's own quick ones, then its slow ones and other callers."""

    def is_own(file: str) -> bool:
        return Path(file).parts[1] in AREAS[area][1]

    by_seconds = sorted(looks, key=lambda file: looks[file].seconds)
    # A constant or a default shows in what the functions beside it do; merely importing it shows nothing.
    sign = mutant.scope if mutant.in_function else SOME_FUNCTION
    asked = [file for file in by_seconds if sign in looks[file].reached.get(mutant.file, ())]
    asked = asked or [file for file in by_seconds if is_own(file)]
    if not mutant.in_function:  # a default of a setting: the page that is written of them says it
        asked = [*asked, *(file for file in (SETTINGS_PAGE,) if file in looks and file not in asked)]
    first = [file for file in asked if is_own(file) and looks[file].seconds <= QUICK_SECONDS]
    slow = [file for file in asked if is_own(file) and file not in first]
    others = [file for file in asked if not is_own(file)]
    others.sort(key=lambda file: file != SETTINGS_PAGE or mutant.in_function)
    until = accumulate(looks[file].seconds for file in others)
    return first, [*slow, *(file for file, seconds in zip(others, until, strict=True) if seconds <= LATER_SECONDS)]
