"""One mutant after the other: into a copy of the project, then the tests, until one notices."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.mutants.forks import Fork, Job, copy_tree, run_jobs
from tests.mutants.looks import Look, rounds, take_looks
from tests.mutants.mutants import Mutant
from tests.mutants.results import Result

# A test may take this much longer than at the first look before it counts as stuck: other work shares the machine.
PATIENCE_SECONDS = 60.0
PATIENCE_FACTOR = 5.0


def plant(mutant: Mutant, tree: Path) -> None:
    """Write the mutated file, and forget what was compiled of the old one."""
    file = tree / mutant.file
    file.write_text(mutant.applied(file.read_text("utf-8")), "utf-8")
    for compiled in file.parent.glob(f"__pycache__/{file.stem}.*.pyc"):
        compiled.unlink()


def module_of(file: str) -> str:
    """`macn/layout.py` is `macn.layout`, `macn/__init__.py` is `macn`."""
    return ".".join(Path(file).with_suffix("").parts).removesuffix(".__init__")


def _judged(area: str, mutant: Mutant, whole: Path, place: Path, looks: dict[str, Look]) -> Job[Result]:
    tree = place / "tree"
    shutil.copytree(whole, tree)
    plant(mutant, tree)
    both = rounds(mutant, area, looks)
    outcome, test, seconds = "survived", f"none of {sum(map(len, both))} files", 0.0
    for number, files in enumerate(both):
        if files and outcome == "survived":
            patience = PATIENCE_SECONDS + PATIENCE_FACTOR * max(looks[file].slowest for file in files)
            verdict = yield Fork(tree, place / str(number), files, module_of(mutant.file), patience)
            seconds += verdict["seconds"]
            if verdict["outcome"] != "passed":
                outcome, test = verdict["outcome"], verdict["test"]
    shutil.rmtree(place, ignore_errors=True)
    return Result(
        id=mutant.id,
        area=area,
        file=mutant.file,
        line=mutant.line,
        scope=mutant.scope,
        kind=mutant.kind,
        change=mutant.change,
        outcome=outcome,
        test=test,
        seconds=round(seconds, 1),
        digest=mutant.digest,
    )


def judge(root: Path, scratch: Path, due: Sequence[tuple[str, Mutant]], *, workers: int) -> Iterator[Result]:
    """The results as they come; the project as it is must pass first."""
    whole = scratch / "whole"
    copy_tree(root, whole)
    looks = take_looks(root, whole, scratch, workers)
    jobs = (_judged(area, mutant, whole, scratch / mutant.id, looks) for area, mutant in due)
    yield from run_jobs(jobs, workers)
