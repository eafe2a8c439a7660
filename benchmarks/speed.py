"""The table of docs/performance.md: what work costs on one core, beside its floor and the plain way, in one run.

    python benchmarks/speed.py [--rows SECTION ...] [--turns N] [--quick] [--csv PATH]

One thread, CPU seconds, contenders taking turns. The floor of an update is its matrix products alone, the same shapes
as often; peers are the plain form of the same work in this repository. Other people's code runs in
`benchmarks/released_rmix.py`, `benchmarks/long/jaxmarl_peer.py` and `benchmarks/long/epymarl_speed.py`, which take a
checkout of it. Rows of sections that are left out stay as they are in the CSV.
"""

from __future__ import annotations

import argparse
import csv
import os
from dataclasses import replace
from pathlib import Path

import torch
from _rmix_work import RESULTS, machine_note
from _speed_rows import FIELDS, QUICK, Effort, Row, Section, markdown
from _speed_runs import paper_runs, start_up, training
from _speed_simulator import one_copy, simulator
from _speed_updates import draws, qmix_updates, quantile_steps, rmix_updates

SECTIONS: dict[str, Section] = {
    "rmix-update": rmix_updates,
    "qmix-update": qmix_updates,
    "quantile-step": quantile_steps,
    "draw": draws,
    "simulator": simulator,
    "one-copy": one_copy,
    "training": training,
    "start-up": start_up,
    "paper-run": paper_runs,
}


def kept(path: Path | None) -> dict[str, list[dict[str, str]]]:
    """Read what was measured before, by section."""
    rows: dict[str, list[dict[str, str]]] = {}
    if path is not None and path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                rows.setdefault(row["section"], []).append(row)
    return rows


def write(path: Path, sections: dict[str, list[dict[str, str]]]) -> None:
    """Write the table, its sections in their order."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=["section", *FIELDS, "machine"])
        writer.writeheader()
        writer.writerows(row for name in SECTIONS for row in sections.get(name, ()))


def main() -> None:
    """Measure, write every section when it is done, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="+", choices=list(SECTIONS), default=list(SECTIONS), help="these sections")
    parser.add_argument("--turns", type=int, help="turns of each contender")
    parser.add_argument("--quick", action="store_true", help="try every row; kept only where --csv says so")
    parser.add_argument("--csv", type=Path, help="write the table to this file in place of results/speed.csv")
    options = parser.parse_args()
    torch.set_num_threads(1)
    effort = QUICK if options.quick else Effort()
    if options.turns:
        effort = replace(effort, turns=options.turns, processes=min(options.turns, effort.processes))
    path: Path | None = options.csv or (None if options.quick else RESULTS / "speed.csv")
    sections, table = kept(path), list[Row]()
    for name in options.rows:
        note, rows = f"{machine_note()}; load {os.getloadavg()[0]:.1f} before", []
        for row in SECTIONS[name](effort):
            rows.append({"section": name, **row.cells(), "machine": note})
            table.append(row)
            print("  ".join(f"{key}={value}" for key, value in row.cells().items() if value), flush=True)
        sections[name] = rows
        if path is not None:
            write(path, sections)
    print(markdown(table))


if __name__ == "__main__":
    main()
