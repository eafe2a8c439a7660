"""Records of EPyMARL's own runs, beside which ours are read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmix_kit.errors import RecordError
from rmix_kit.files.reading import LARGEST_TABLE, read_json
from rmix_kit.results.record import is_row

KIND, FORMAT = "EPyMARL run record", 1
FOLDER = "peer"


@dataclass(frozen=True, kw_only=True)
class PeerRun:
    """A run of EPyMARL, as `benchmarks/long/epymarl_peer.py` records it.

    Attributes:
        task: Its label, as in `rmix_kit.reproduction.epymarl.TASKS`; texts of environments may change.
        algo: EPyMARL's name of the algorithm.
        seed: Of the run.
        steps: Environment steps asked for.
        interval: Environment steps between evaluations.
        evaluations: Rows of ``env_steps``, ``return_mean`` and ``return_std``.
        config: EPyMARL's whole configuration.
        changed: What of it is not as EPyMARL ships it, as ``name=value``.
        commit: Of its checkout.
        packages: Versions of what it ran with.
        cpu_seconds: Of the run.
        wall_seconds: Likewise.
    """

    task: str
    algo: str
    seed: int
    steps: int
    interval: int
    evaluations: tuple[Mapping[str, float | None], ...]
    config: Mapping[str, Any]
    changed: tuple[str, ...]
    commit: str
    packages: Mapping[str, str]
    cpu_seconds: float
    wall_seconds: float


TYPES: Mapping[str, type | tuple[type, ...]] = {
    "task": str,
    "algo": str,
    "seed": int,
    "steps": int,
    "interval": int,
    "evaluations": list,
    "config": dict,
    "changed": list,
    "commit": str,
    "packages": dict,
    "cpu_seconds": (int, float),
    "wall_seconds": (int, float),
}


def peers_in(out: Path) -> list[PeerRun]:
    """Read all records of a reproduction's folder; none is well.

    Args:
        out: The folder; its records lie in ``peer``.

    Raises:
        RecordError: A file is no such record, or two of a cell do not belong together.
    """
    found = {path: read_peer(path) for path in sorted((out / FOLDER).glob("*.json"))}
    first: dict[tuple[str, str], Path] = {}
    for path, run in found.items():
        other = first.setdefault((run.algo, run.task), path)
        if other != path and (unlike := _unlike(found[other], run)):
            raise RecordError(f"{other} and {path} differ in {unlike}; move one of them away")
    seeds = Counter((run.algo, run.task, run.seed) for run in found.values())
    if twice := next((cell for cell, count in seeds.items() if count > 1), None):
        raise RecordError(f"{out / FOLDER} has {' '.join(map(str, twice))} twice; move one of them away")
    return list(found.values())


def _unlike(one: PeerRun, other: PeerRun) -> str:
    """Name what two runs of a cell differ in besides their seed; empty if in nothing."""
    for name in ("steps", "interval", "changed", "commit", "packages"):
        if getattr(one, name) != getattr(other, name):
            return name
    return next(
        (key for key in {*one.config, *other.config} - {"seed"} if one.config.get(key) != other.config.get(key)), ""
    )


def read_peer(path: Path) -> PeerRun:
    """Read a record.

    Raises:
        RecordError: It is no such record, one of another format, or lacks something.
    """
    try:
        values: Any = read_json(path, LARGEST_TABLE)
    except ValueError as error:
        raise RecordError(f"{path} is no JSON: {error}; remove it and run it again") from error
    if not isinstance(values, dict) or values.get("kind") != KIND:
        raise RecordError(f"{path} is no record of a run of EPyMARL; benchmarks/long/epymarl_peer.py writes them")
    if values.get("format") != FORMAT:
        raise RecordError(f"{path} has format {values.get('format')}; this version reads format {FORMAT}")
    for name, expected in TYPES.items():
        value = values.get(name)
        if not isinstance(value, expected) or isinstance(value, bool):
            raise RecordError(f"{path} has {name} {value!r}, which is no {expected}; remove it and run it again")
    rows = values["evaluations"]
    if not rows or not all(is_row(row, "env_steps") for row in rows) or values["interval"] < 1:
        raise RecordError(f"{path}: evaluations must be rows of numbers with env_steps; remove it and run it again")
    given = {name: values[name] for name in TYPES}
    return PeerRun(**{**given, "evaluations": tuple(rows), "changed": tuple(map(str, values["changed"]))})
