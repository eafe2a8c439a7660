"""What a run has shown, as one record: read from its folder or from a file, without torch."""

from rmix_kit.results.episodes import Episodes, played_step
from rmix_kit.results.files import find_records, read_record, run_folders, write_record
from rmix_kit.results.folder import metric_columns, record_of
from rmix_kit.results.record import RunRecord

__all__ = [
    "Episodes",
    "RunRecord",
    "find_records",
    "metric_columns",
    "played_step",
    "read_record",
    "record_of",
    "run_folders",
    "write_record",
]
