"""Tables: what a report knows, one CSV file each. Figures are drawn from their rows and from nothing else."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, TypeAlias

Cell: TypeAlias = str | int | float | bool | None
Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows under named columns.

    Attributes:
        name: Stem of its file.
        columns: In order.
        rows: By column; every row has every column.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    @property
    def file(self) -> str:
        """Its path below the report's folder."""
        return f"tables/{self.name}.csv"

    def where(self, **values: Cell) -> list[Row]:
        """Return the rows that have these values, in order."""
        return [row for row in self.rows if all(row[name] == value for name, value in values.items())]

    def values(self, column: str, rows: Iterable[Row] | None = None) -> list[Any]:
        """Return the values of a column, each once, in order."""
        return list(dict.fromkeys(row[column] for row in (self.rows if rows is None else rows)))

    def to_csv(self) -> str:
        """Return the file's text; numbers in full, nothing for what is not known."""
        text = StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_written(row[name]) for name in self.columns] for row in self.rows)
        return text.getvalue()


def make_table(name: str, columns: Sequence[str], rows: Iterable[Row]) -> Table:
    """Make a table.

    Args:
        columns: In order.
        rows: By column.

    Raises:
        ValueError: A row has other columns.
    """
    kept = tuple(rows)
    for row in kept:
        if set(row) != set(columns):
            raise ValueError(f"a row of {name} has {sorted(row)}; expected {sorted(columns)}")
    return Table(name=name, columns=tuple(columns), rows=kept)


def _written(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return repr(value) if isinstance(value, float) else str(value)
