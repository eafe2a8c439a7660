"""What became of each mutant, kept in a CSV file that grows as results come, and which survivors are argued away."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

import yaml

from tests.mutants.mutants import Mutant

EQUIVALENT = Path(__file__).with_name("equivalent.yaml")
BAR = 0.95  # caught or argued, of the mutants that can be imported


@dataclass(frozen=True, kw_only=True)
class Result:
    """One row.

    Attributes:
        outcome: "caught", "timeout" (no test ended any more), "survived" or "incompetent" (the module does not import).
        test: which test noticed, or how many files were asked.
        seconds: of the processor that its tests took.
        digest: of the function's text; a result holds for no other.
    """

    id: str
    area: str
    file: str
    line: int
    scope: str
    kind: str
    change: str
    outcome: str
    test: str
    seconds: float
    digest: str


COLUMNS = [field.name for field in fields(Result)]


def read_results(place: Path) -> dict[str, Result]:
    """The results by mutant; the last one of a mutant counts."""
    if not place.exists():
        return {}
    with place.open(newline="", encoding="utf-8") as file:
        rows = [
            Result(**{**row, "line": int(row["line"]), "seconds": float(row["seconds"])})
            for row in csv.DictReader(file)
        ]
    return {row.id: row for row in rows}


def write_results(place: Path, results: Iterable[Result]) -> None:
    """Write them all, in the order of the code."""
    with place.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(asdict(row) for row in sorted(results, key=lambda row: (row.area, row.file, row.line, row.id)))


def append_result(place: Path, result: Result) -> None:
    """Add one at the end."""
    with place.open("a", newline="", encoding="utf-8") as file:
        csv.DictWriter(file, COLUMNS).writerow(asdict(result))


def that_hold(results: Mapping[str, Result], mutants: Iterable[Mutant]) -> dict[str, Result]:
    """The results of mutants that still exist in a function that has not changed, at today's line."""
    return {
        mutant.id: replace(results[mutant.id], line=mutant.line)
        for mutant in mutants
        if mutant.id in results and results[mutant.id].digest == mutant.digest
    }


def read_arguments(place: Path = EQUIVALENT) -> dict[str, str]:
    """Why a mutant is no fault, by its id."""
    entries = yaml.safe_load(place.read_text("utf-8")) or []
    for entry in entries:
        if set(entry) != {"id", "change", "why"} or not all(str(text).strip() for text in entry.values()):
            raise SystemExit(f"{place.name}: each entry has id, change and why; this one is {entry}")
    return {entry["id"]: entry["why"] for entry in entries}


def is_open(result: Result, arguments: Mapping[str, str]) -> bool:
    """Nobody noticed it and nobody says why that is right."""
    return result.outcome == "survived" and result.id not in arguments


def rate(results: Iterable[Result], arguments: Mapping[str, str]) -> float:
    """The share that is caught or argued; mutants that cannot be imported prove nothing."""
    judged = [row for row in results if row.outcome != "incompetent"]
    return 1.0 - sum(is_open(row, arguments) for row in judged) / max(1, len(judged))


def summary(results: Iterable[Result], arguments: Mapping[str, str]) -> list[str]:
    """Survivors, arguments that no longer hold, and the counts by area."""
    results = sorted(results, key=lambda row: (row.area, row.file, row.line))
    lines = [
        f"survived: {row.id} {row.file}:{row.line} {row.scope} [{row.kind}] {row.change}"
        for row in results
        if is_open(row, arguments)
    ]
    lines += [
        f"argued, but {row.outcome} by {row.test}: {row.id} {row.file}:{row.line}"
        for row in results
        if row.id in arguments and row.outcome != "survived"
    ]
    for area in [*dict.fromkeys(row.area for row in results), ""]:
        rows = [row for row in results if area in {row.area, ""}]
        counts = {name: sum(row.outcome == name for row in rows) for name in ("caught", "timeout", "incompetent")}
        argued = sum(row.outcome == "survived" and row.id in arguments for row in rows)
        told = ", ".join(f"{count} {name}" for name, count in {**counts, "argued": argued}.items() if count)
        share = 100 * rate(rows, arguments)
        lines.append(f"{area or 'all':<11} {len(rows):>4} mutants, {share:5.1f} % caught or argued ({told})")
    return lines
