"""`make mutants`: small faults planted in the core, one at a time; exits with 1 if the tests notice too few of them."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants import results as kept
from tests.mutants.forks import preload
from tests.mutants.judging import judge
from tests.mutants.sample import AREAS, draw, mutants_by_area, quotas, sizes_of

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--sample", type=int, default=200, help="mutants of all areas together (%(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--area", action="append", choices=list(AREAS), help="only this one; may be repeated")
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results" / "mutants.csv")
    parser.add_argument("--again", nargs="?", const="survived", choices=["survived", "all"], help="also known ones")
    parser.add_argument("--list", action="store_true", help="show the sample and run nothing")
    given = parser.parse_args()
    begun = time.monotonic()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that copies and forks are cleared
    areas = given.area or list(AREAS)
    every = mutants_by_area(ROOT, areas)
    shares = quotas(sizes_of(ROOT, areas), given.sample)
    drawn = [(area, mutant) for area in areas for mutant in draw(every[area], shares[area], given.seed)]
    if given.list:
        for area, mutant in drawn:
            print(f"{area:<11} {mutant.id} {mutant.file}:{mutant.line} {mutant.scope} [{mutant.kind}] {mutant.change}")
        return 0
    arguments = kept.read_arguments()
    old = kept.read_results(given.results)
    elsewhere = {name: row for name, row in old.items() if row.area not in areas}
    known = {**elsewhere, **kept.that_hold(old, [mutant for found in every.values() for mutant in found])}
    kept.write_results(given.results, known.values())
    due = [
        (area, mutant)
        for area, mutant in drawn
        if mutant.id not in known
        or given.again == "all"
        or (given.again == "survived" and kept.is_open(known[mutant.id], arguments))
    ]
    print(f"{len(drawn)} mutants of {sum(map(len, every.values()))}, seed {given.seed}, {len(due)} to judge")
    if due:
        preload()
    with tempfile.TemporaryDirectory(prefix="rmix-kit-mutants-") as folder:
        for result in judge(ROOT, Path(folder).resolve(), due, workers=given.workers) if due else ():
            known[result.id] = result
            kept.append_result(given.results, result)
            told = f"({result.test})"
            print(
                f"{result.outcome:<11} {result.seconds:5.1f} s  {result.file}:{result.line} {result.change}  {told}",
                flush=True,
            )
    kept.write_results(given.results, known.values())
    judged = [known[mutant.id] for _, mutant in drawn]
    print(*kept.summary(judged, arguments), sep="\n")
    print(f"seed {given.seed}, {time.monotonic() - begun:.0f} s")
    return 0 if kept.rate(judged, arguments) >= kept.BAR else 1


if __name__ == "__main__":
    sys.exit(main())
