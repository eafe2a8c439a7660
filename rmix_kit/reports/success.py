"""Whether an environment tells episodes that are solved from others; one word of any run on it settles that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from rmix_kit.metrics import SUCCESS
from rmix_kit.results import Episodes, RunRecord


def reports_success(run: RunRecord) -> bool:
    """Return whether any episode of a run was told to be solved or not."""
    return any(row.get(SUCCESS) is not None for row in run.evaluations) or any(
        episodes is not None and episodes.success is not None for episodes in (run.best, run.last)
    )


def silent_environments(runs: Iterable[RunRecord]) -> tuple[str, ...]:
    """Name the environments that never said in any run whether an episode is solved, each once, in order."""
    said: dict[str, bool] = {}
    for run in runs:
        said[run.env] = said.get(run.env, False) or reports_success(run)
    return tuple(env for env, is_said in said.items() if not is_said)


def with_agreed_success(records: Iterable[RunRecord]) -> list[RunRecord]:
    """Count no success where an environment that reports it has not said a word yet.

    Some speak of success only when there is one. What they have said in one run holds for every run on them: episodes
    before the first word were not solved.

    Args:
        records: All that are looked at together.

    Returns:
        The same runs in the same order; those on environments that never say are left as they are.
    """
    runs = list(records)
    silent = silent_environments(runs)
    return [run if run.env in silent else _with_success(run) for run in runs]


def _with_success(record: RunRecord) -> RunRecord:
    rows = [dict(row) for row in record.evaluations]
    for row in rows:
        if SUCCESS not in row or row[SUCCESS] is not None:
            break
        row[SUCCESS] = 0.0
    changes: dict[str, Any] = {name: _solved_or_not(getattr(record, name)) for name in ("best", "last")}
    return replace(record, evaluations=tuple(rows), **changes)


def _solved_or_not(episodes: Episodes | None) -> Episodes | None:
    if episodes is None or episodes.success is not None:
        return episodes
    return replace(episodes, success=(False,) * len(episodes))
