"""Run folders: damage that a disk does, facts that somebody writes, members that lead out."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path
from typing import Any

import yaml

from rmix_kit.files.writing import json_text, seal
from tests.faults.cases import (
    SETTINGS,
    STEPS,
    TRAIN,
    Answer,
    Case,
    Reader,
    SilentAcceptanceError,
    chosen,
    command,
    judged,
)
from tests.faults.mutate import damaged, with_another_value

RESUME = (
    *(*TRAIN, "--steps", str(STEPS)),
    *(word for setting in SETTINGS for word in ("--set", setting)),
    *("--resume", "--out", "half"),
)
NOT_READ = {".lock", "tensorboard"}
TOLD = (
    *("damaged", "foreign", "not what", "cannot be read", "when it was saved"),
    *("is no run", "is no seal", "is no checkpoint"),
)
"""In these words a command that goes on says what it passed over."""


def records() -> Answer:
    """Read the run as report, plot, sweep and reproduce do, and give all that they would show."""
    from rmix_kit.results.files import find_records

    (record,) = find_records([Path("run")])
    return Answer(0, json_text(record.to_json(), sort_keys=True))


def resumed() -> Answer:
    """Go on with the run to its end, and give every byte that comes of it and has no clock in it."""
    answer = command(RESUME)
    if answer.code:
        return answer
    kept = sorted(
        path
        for pattern in (f"checkpoints/step_{newest(Path('half'))}/*", "metrics.jsonl", "replay/*")
        for path in Path("half").glob(pattern)
    )
    return Answer(0, "".join(f"{path} {path.read_bytes()!r}\n" for path in kept))


def newest(run: Path) -> int:
    """Return the step of the newest checkpoint."""
    return max(int(path.name[5:]) for path in (run / "checkpoints").glob("step_*"))


def filmed() -> Answer:
    """Play the run and give the page."""
    answer = command(("film", "run", "--episodes", "1", "--out", "page.html"))
    return answer if answer.code else Answer(0, answer.text + Path("page.html").read_text())


READERS = (
    Reader("inspect", "run", lambda: command(("inspect", "run", "--json")), 4, TOLD),
    Reader("records", "run", records, 6),
    Reader("evaluate", "run", lambda: command(("evaluate", "run", "--episodes", "1", "--json")), 4),
    Reader("film", "run", filmed, 2),
    Reader("resume", "half", resumed, 3),
    Reader("plot", "run", lambda: command(("plot", "run", "--metric", "return_mean", "--out", "curve.png")), 1),
)


def damaged_bytes(case: Case) -> tuple[str, str]:
    """Damage a file of a run; what is shown is what was written, or is refused."""
    reader = chosen(case, READERS)
    folder = Path(reader.folder)
    files = sorted(path for path in folder.rglob("*") if path.is_file() and not {*path.parts} & NOT_READ)
    groups: dict[str, list[Path]] = {}
    for path in files:
        groups.setdefault(path.name if path.parent == folder else path.suffix, []).append(path)
    victim = case.rng.choice(groups[case.rng.choice(sorted(groups))])
    what = f"{victim}"
    match case.rng.randrange(8):
        case 0:
            other = case.base / "other" / victim.relative_to(folder)
            alike = f"*{victim.suffix or victim.name}"
            candidates = [other] if other.is_file() else sorted((case.base / "other").rglob(alike))
            shutil.copyfile(case.rng.choice(candidates), victim)
            what += " of another run"
        case 1:
            victim.unlink()
            what += " gone"
        case _:
            victim.write_bytes(damaged(victim.read_bytes(), case.rng))
            what += " damaged"
    is_told = victim.name in ("seal.json", "best.json", "last.json") and not victim.exists()  # by each reader
    return judged(case, reader, what, may_be_read=is_told)


def changed_facts(case: Case) -> tuple[str, str]:
    """Change the values of a file that holds facts, its own digest made anew: refused in one line, or read."""
    reader = chosen(case, READERS)
    folder = Path(reader.folder)
    manifests = sorted(folder.glob("checkpoints/*/manifest.json"))
    others = [folder / "config.yaml", folder / "metrics.jsonl", folder / "timing.jsonl", folder / "origin.jsonl"]
    sealed = [*manifests, *folder.glob("evaluations/*.json"), *folder.glob("seal.json")]
    victim = case.rng.choice([*sealed, *others, *manifests])
    write_changed(victim, case)
    return judged(case, reader, f"{victim} changed", may_be_read=True)


def write_changed(victim: Path, case: Case) -> None:
    """Change values in a YAML, JSON or JSON lines file; a JSON file of ours is sealed again."""
    text = victim.read_text()
    if victim.suffix == ".yaml":
        changed = with_another_value(yaml.safe_load(text), case.rng)
        try:
            victim.write_text(yaml.safe_dump(changed))
        except RecursionError:
            victim.write_text(_dumped(changed))
    elif victim.suffix == ".jsonl":
        rows: list[Any] = [json.loads(line) for line in text.splitlines()]
        place = case.rng.randrange(len(rows))
        rows[place] = with_another_value(rows[place], case.rng)
        victim.write_text("".join(_dumped(row) + "\n" for row in rows))
    else:
        values = with_another_value(json.loads(text), case.rng)
        if isinstance(values, dict):
            values.pop("sha256", None)
            try:
                victim.write_bytes(seal(values))
                return
            except (ValueError, RecursionError):
                pass  # what no seal can be made of is written without one
        victim.write_text(_dumped(values))


def _dumped(values: Any) -> str:
    try:
        return json.dumps(values)
    except (ValueError, RecursionError):
        return "[" * 5_000 + "]" * 5_000


def members_that_lead_out(case: Case) -> tuple[str, str]:
    """Put what leads out in the place of a member, with the member's own content behind it: refused, never followed."""
    reader = chosen(case, READERS)
    folder = Path(reader.folder)
    members = sorted(path for path in folder.rglob("*") if path.name != "half")
    victim = case.rng.choice(members)
    target = case.bait.folder / "taken"
    if victim.is_dir():
        shutil.copytree(victim, target)
        shutil.rmtree(victim)
    else:
        shutil.copyfile(victim, target)
        victim.unlink()
    ways = ["link", "dangling link", "device", "pipe", "socket"] + ["hard link"] * (not target.is_dir())
    way = case.rng.choice(ways)
    match way:
        case "link":
            victim.symlink_to(case.rng.choice((target, os.path.relpath(target, victim.parent))))
        case "dangling link":
            victim.symlink_to(case.bait.folder / "not-there")
        case "device":
            victim.symlink_to(case.rng.choice(("/dev/zero", "/dev/full", "/proc/self/environ", "/dev/stdin")))
        case "pipe":
            os.mkfifo(victim)
        case "socket":
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(str(victim))
        case "hard link":
            os.link(target, victim)
    case.bait.laid_out()
    try:
        return judged(case, reader, f"{victim} is a {way}")
    except SilentAcceptanceError as error:
        raise SilentAcceptanceError(f"followed: {error}") from None
