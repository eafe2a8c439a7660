"""Clocks: the date is set while a run goes on, and its seconds are counted all the same."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from types import SimpleNamespace

from tests.faults.cases import SAME, Case, SilentAcceptanceError


class Clock:
    """Time as training sees it: one clock that nobody sets, and a date that somebody does."""

    def __init__(self, rng: random.Random) -> None:
        self._rng, self.now, self.date = rng, rng.uniform(0, 1e6), 1.8e9

    def pass_by(self, seconds: float) -> None:
        self.now, self.date = self.now + seconds, self.date + seconds

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        if self._rng.random() < 0.4:
            self.date += self._rng.choice((-1, 1)) * self._rng.uniform(0.5, 30_000)
        return self.date

    def process_time(self) -> float:
        return 1.0


def jumping_clock(case: Case) -> tuple[str, str]:
    """Set the date while processes of a run write how long they take: the record says what the other clock says."""
    from rmix_kit.results import record_of
    from rmix_kit.training import metrics
    from rmix_kit.training.run_folder import RunFolder

    shutil.copytree(case.base / "run", "run")
    folder, rng = RunFolder(Path("run")), case.rng
    for name in ("timing.jsonl", "seal.json"):
        Path("run", name).unlink(missing_ok=True)
    steps = [row["env_steps"] for row in record_of(folder.path).evaluations]
    clock, own = Clock(rng), metrics.time
    reached, total, begin, processes = list[tuple[int, float]](), 0.0, 0, rng.randrange(1, 5)
    metrics.time = SimpleNamespace(**{name: getattr(clock, name) for name in ("monotonic", "time", "process_time")})
    try:
        for process in range(processes):
            log = metrics.MetricsLog(folder, keep=folder.metrics.stat().st_size, purge_step=None)
            end = steps[-1] if process == processes - 1 else rng.randrange(begin + 1, steps[-1] + 1)
            started, rows = clock.now, sorted({*rng.sample(range(begin + 1, end + 1), min(4, end - begin)), end})
            reached = [(at, seconds) for at, seconds in reached if at < rows[0]]
            for at in rows:
                clock.pass_by(rng.choice((0.01, 1.0, 3_600.0)) * rng.random())
                log.time(at, 0, {})
                reached.append((at, total + clock.now - started))
            log.close()
            total, begin = total + clock.now - started, rng.randrange(end)
            clock.pass_by(rng.uniform(0.0, 1e5))
    finally:
        metrics.time = own
    record = record_of(folder.path)
    expected = [0.0 if step == 0 else next(seconds for at, seconds in reached if at >= step) for step in steps]
    differing = [
        abs(a - b) for a, b in zip([record.wall_seconds or 0.0, *record.seconds_at], [total, *expected], strict=True)
    ]
    if max(differing) > 0.01:
        raise SilentAcceptanceError(
            f"{processes} processes took {total:.2f} s, and the record says {record.wall_seconds}"
        )
    return SAME, f"{processes} processes"
