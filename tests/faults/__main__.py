"""`make test-faults`: the whole corpus, counted by family; exits with 1 if a case ended as none may."""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from pathlib import Path

from tests.faults.base import build
from tests.faults.corpus import WHOLE, faults, run, table
from tests.faults.families import FAMILIES
from tests.faults.sandbox import Bait, can_confine


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--cases", type=int, default=WHOLE, help="of all families together (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--family", action="append", choices=list(FAMILIES), help="only this one; may be repeated")
    parser.add_argument("--first", type=int, default=0, help="the number of the first case of each family")
    parser.add_argument("--base", type=Path, help="material that was built before, or shall be built here")
    parser.add_argument("--out", type=Path, help="write the counts as CSV")
    given = parser.parse_args()
    if not can_confine():
        sys.exit("the corpus runs confined to a folder, which needs Linux 6.2 or newer with Landlock")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rmix-kit-faults-") as folder:
        root = Path(folder).resolve()
        if given.base and not given.base.exists():
            build(given.base)
        if given.base:
            (root / "base").symlink_to(given.base.resolve())
        else:
            build(root / "base")
        canary = Bait(root / "canary")
        results = run(
            root,
            cases=given.cases,
            seed=given.seed,
            workers=given.workers,
            families=tuple(given.family or FAMILIES),
            first=given.first,
            told=lambda result: [print(f"{result['outcome']}: {result}", flush=True) for _ in faults([result])],
        )
        touched = canary.what_changed()
    rows = table(results)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    print(
        f"seed {given.seed}, {time.monotonic() - begun:.0f} s, canary {'TOUCHED: ' + touched if touched else 'intact'}"
    )
    if given.out:
        with given.out.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    return 1 if touched or faults(results) else 0


if __name__ == "__main__":
    sys.exit(main())
