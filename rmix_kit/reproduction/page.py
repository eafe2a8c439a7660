"""Which page a suite's records make."""

from __future__ import annotations

from rmix_kit.reproduction.cells import Reproduction
from rmix_kit.reproduction.comparison import comparison_of
from rmix_kit.reproduction.summary import summary_of


def page_of(reproduction: Reproduction) -> str:
    """Write ``summary.md``.

    Args:
        reproduction: What is recorded.

    Returns:
        A Markdown page.

    Raises:
        RecordError: A record beside ours cannot be read.
    """
    records, expected, suite = reproduction.records.values(), reproduction.expected(), reproduction.suite
    if suite.name == "epymarl":
        return comparison_of(records, expected, reproduction.out, title=suite.title)
    return summary_of(records, expected, title=suite.title)
