"""Reports on runs: statistics, figures, tables, and one page that needs nothing but itself."""

from rmix_kit.reports.groups import Cell
from rmix_kit.reports.report import write_report

__all__ = ["Cell", "write_report"]
