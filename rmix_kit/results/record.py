"""One run as a record: what it was, how it went, what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

from rmix_kit.errors import RecordError
from rmix_kit.files.forms import misfit
from rmix_kit.results.episodes import Episodes

KIND = "rmix-kit run record"
FORMAT, OLDEST_FORMAT = 2, 1


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """What a run has shown.

    Attributes:
        name: Of its folder.
        algo: Roster name.
        preset: Whose hyper-parameters it started from.
        env: Environment text.
        seed: Of every random stream.
        steps: Environment steps asked for.
        overrides: What differed from the preset when training began, by dotted name; None where it did not write that.
        config: The whole configuration, as in ``config.yaml``.
        command: The command that makes it again.
        is_finished: It has been trained to its end.
        is_sealed: Its files were compared with the seal that training left at its end.
        origins: Rows of ``origin.jsonl``: versions, commit, device, one for every process that worked on it.
        environment: What the environment said of itself, such as the version of a game.
        env_spec: Sizes of the environment: agents, actions, observation and state.
        evaluations: Rows of ``metrics.jsonl``: greedy episodes during training.
        seconds_at: Wall seconds of training until each of them; empty where they are not known.
        wall_seconds: Of training, over all its processes.
        cpu_seconds: Likewise, of the processor.
        peak_mebibytes: The most memory that a process of it held.
        replay_mebibytes: The most that its replay held.
        best: Episodes of the best checkpoint (marl-eval's absolute metrics), on seeds that training never saw.
        last: Episodes of the last checkpoint, on the same seeds.
    """

    name: str
    algo: str
    preset: str
    env: str
    seed: int
    steps: int
    overrides: Mapping[str, Any] | None
    config: Mapping[str, Any]
    command: str
    is_finished: bool
    is_sealed: bool
    origins: tuple[Mapping[str, Any], ...]
    environment: Mapping[str, Any]
    env_spec: Mapping[str, Any]
    evaluations: tuple[Mapping[str, Any], ...]
    seconds_at: tuple[float, ...]
    wall_seconds: float | None
    cpu_seconds: float | None
    peak_mebibytes: float | None
    replay_mebibytes: float | None
    best: Episodes | None
    last: Episodes | None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values, with their kind and format on top."""
        values = asdict(self)
        for name in ("best", "last"):
            episodes = getattr(self, name)
            values[name] = None if episodes is None else episodes.to_json()
        return {"kind": KIND, "format": FORMAT, **values}

    @classmethod
    def from_json(cls, values: Any, where: str) -> RunRecord:  # noqa: ANN401 - read from a file
        """Read back what `to_json` gave.

        Raises:
            RecordError: It is no record, one of another format, or lacks something.
        """
        if not isinstance(values, dict) or values.get("kind") != KIND:
            raise RecordError(f"{where} is no record of a run; give run folders or files that rmix-kit has recorded")
        if values.get("format") not in range(OLDEST_FORMAT, FORMAT + 1):
            raise RecordError(
                f"{where} has format {values.get('format')}; this version reads formats {OLDEST_FORMAT} to {FORMAT}"
            )
        if values["format"] < FORMAT:
            values = {**values, "is_sealed": False}
        names, others = {entry.name for entry in fields(cls)}, {"kind", "format", "sha256"}
        if names != set(values) - others:
            lacks, unknown = sorted(names - set(values)), sorted(set(values) - names - others)
            raise RecordError(f"{where} lacks {lacks or 'nothing'} and has the unknown keys {unknown or 'none'}")
        given: dict[str, Any] = {name: values[name] for name in names}
        for name in ("best", "last"):
            if given[name] is not None:
                given[name] = Episodes.from_json(given[name], f"{where}: {name}")
        hints = get_type_hints(cls)
        for name, value in given.items():
            if not isinstance(value, Episodes) and (reason := misfit(value, hints[name], name)):
                raise RecordError(f"{where}: {reason}")
            given[name] = tuple(value) if isinstance(value, list) else value
        record = cls(**given)
        for row in record.evaluations:
            if not is_row(row, "env_steps"):
                raise RecordError(f"{where}: evaluations has {dict(row)}; each is a row of numbers with env_steps")
        if len(record.seconds_at) not in (0, len(record.evaluations)):
            raise RecordError(
                f"{where}: seconds_at has {len(record.seconds_at)} entries, evaluations {len(record.evaluations)}"
            )
        return record


def is_row(values: Any, *needed: str) -> bool:  # noqa: ANN401 - read from a file
    """Return whether a row of metrics or time holds numbers (None for one that is not finite) besides its kind.

    Args:
        needed: Entries that are there and are not None.
    """
    if not isinstance(values, dict) or any(values.get(name) is None for name in needed):
        return False
    return all(isinstance(value, int | float | None) for name, value in values.items() if name != "kind")
