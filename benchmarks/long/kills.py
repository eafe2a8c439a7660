"""Kill every command that writes, at random moments with SIGKILL: what is left is whole, and ends in the same bytes.

    python benchmarks/long/kills.py [--kills 100] [--seed 0] [--csv PATH]

Kills come in chains of one to four. `train`, `sweep` and `reproduce` go on after every kill, and at a chain's end the
files are those of an undisturbed run, byte by byte, but for clocks. `export`, `report` and `replay` leave at every kill
what was there before, nothing, or the whole of it, and at the end nothing beside it. Three kills of four come after the
first change in the folder, the others at any moment from the start of the process on. A row per kill stays in the CSV
file; chains that are in it are not repeated.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml
from _runs import KIT, RESULTS, machine

sys.path.append(str(Path(__file__).resolve().parents[1]))

from _kills import digests, kill_all

from exporters.aside import PARTIAL_SUFFIX

ALGORITHMS = "rmix", "coma", "lh-iqn"
ENVIRONMENT = "macn:4x7?slip=0.1"
STEPS = 1_200
SETTINGS = {
    "training.num_envs": 4,
    "training.checkpoint_interval": 100,
    "training.evaluation_interval": 200,
    "training.evaluation_episodes": 8,
}
SWEEP = {"algorithms": list(ALGORITHMS), "environments": [ENVIRONMENT], "seeds": [0], "steps": STEPS, "jobs": 1}
HEAD = ["command", "algo", "chain", "kill", "moment", "seconds", "undisturbed_seconds", "left", "verdict", "cpu"]
TIMES_OF_RECORD = "origins", "seconds_at", "wall_seconds", "cpu_seconds", "peak_mebibytes", "sha256"
SAME = "same bytes"


class Job(NamedTuple):
    """A command that is killed.

    Attributes:
        command: Its name, the first of its words.
        algo: What the agents were trained with, or "all".
        words: The rest of them; MATERIAL stands for the folder of finished runs.
        target: What it writes.
        goes_on: It takes up what a kill left; otherwise it makes its target anew.
        share: Of all kills, in hundredths.
    """

    command: str
    algo: str
    words: list[str]
    target: str
    goes_on: bool
    share: int


def options_of(algo: str) -> list[str]:
    """Return the options of a training."""
    sets = [word for name, value in SETTINGS.items() for word in ("--set", f"{name}={value}")]
    return ["--algo", algo, "--env", ENVIRONMENT, "--seed", "0", "--steps", str(STEPS), "--device", "cpu", *sets]


def jobs() -> Iterator[Job]:
    """Yield every command with its share of the kills."""
    for algo in ALGORITHMS:
        yield Job("train", algo, [*options_of(algo), "--out", "run", "--resume"], "run", True, 12)
        yield Job("export", algo, [f"MATERIAL/{algo}", "--out", "agents"], "agents", False, 6)
        yield Job("replay", algo, [f"MATERIAL/{algo}", "--out", "page.html"], "page.html", False, 4)
    yield Job("sweep", "all", ["MATERIAL/sweep.yaml", "--out", "swept"], "swept", True, 13)
    part = ["--part", "games-on-policy", "--fraction", "0.04", "--seeds", "1"]
    yield Job("reproduce", "all", ["didactic", *part, "--out", "reproduced"], "reproduced", True, 6)
    runs = [f"MATERIAL/{algo}" for algo in ALGORITHMS]
    yield Job("report", "all", [*runs, "--out", "report"], "report", False, 15)


def start(words: list[str], home: Path) -> subprocess.Popen[bytes]:
    """Start a command in a folder."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    silence = subprocess.DEVNULL
    return subprocess.Popen([*KIT, *words], cwd=home, env=environment, stdout=silence, stderr=subprocess.PIPE)


def finish(words: list[str], home: Path) -> str:
    """Let a command end; give what it complained of, nothing where it succeeded."""
    process = start(words, home)
    _, said = process.communicate()
    return "" if not process.returncode else said.decode()[-300:] or f"exit code {process.returncode}"


def words_of(job: Job, material: Path) -> list[str]:
    """Return a job's words, with the material where it lies."""
    return [job.command, *(word.replace("MATERIAL", str(material)) for word in job.words)]


def contents(target: Path) -> dict[str, str]:
    """Return the digest of all that has no clock in it; of a file itself."""
    if target.is_file():
        return {name: digest for name, digest in digests(target.parent).items() if name == target.name}
    found = {}
    for folder in sorted(path for path in target.glob("runs/*") if path.is_dir()):
        found |= {f"{folder.name}/{name}": digest for name, digest in digests(folder).items()}
    for path in target.glob("records/*.json"):
        record = json.loads(path.read_text())
        found[path.name] = json.dumps({name: record[name] for name in record if name not in TIMES_OF_RECORD})
    found = found or digests(target)
    return {name: digest for name, digest in found.items() if PARTIAL_SUFFIX not in name}  # counted on their own


def names_in(home: Path) -> list[str]:
    """List what lies in a folder, to see when a command begins to write."""
    try:
        return sorted(str(path) for path in home.rglob("*"))
    except FileNotFoundError:  # something was removed meanwhile
        return []


def prepare(material: Path) -> None:
    """Train what is exported, reported and played, and write the sweep's file."""
    for algo in ALGORITHMS:
        if complaint := finish(["train", *options_of(algo), "--out", algo], material):
            raise SystemExit(complaint)
    (material / "sweep.yaml").write_text(yaml.safe_dump({**SWEEP, "set": SETTINGS}))


class Undisturbed(NamedTuple):
    """What a command does when nobody kills it.

    Attributes:
        expected: What it writes.
        seconds: How long it takes.
        begins: When the first of it lies there.
    """

    expected: dict[str, str]
    seconds: float
    begins: float


def undisturbed(job: Job, material: Path, home: Path) -> Undisturbed:
    """Let a command alone."""
    home.mkdir()
    before, begun, begins = names_in(home), time.monotonic(), 0.0
    process = start(words_of(job, material), home)
    while process.poll() is None:
        if not begins and names_in(home) != before:
            begins = time.monotonic() - begun
        time.sleep(0.002)
    if process.returncode:
        raise SystemExit(f"{job.command} of {job.algo} fails: {process.communicate()[1].decode()}")
    process.communicate()
    return Undisturbed(contents(home / job.target), time.monotonic() - begun, begins)


def kill_once(job: Job, material: Path, home: Path, alone: Undisturbed, rng: random.Random, share: float) -> list[str]:
    """Start a command and kill it, within a share of its usual time; give the moment's kind, and the seconds."""
    is_at_work = rng.random() < 0.75
    before, begun = names_in(home), time.monotonic()
    process = start(words_of(job, material), home)
    if is_at_work:
        while process.poll() is None and names_in(home) == before:
            time.sleep(0.002)
        time.sleep(rng.uniform(0.0, 1.1) * share * (alone.seconds - alone.begins))
    else:
        time.sleep(rng.uniform(0.0, 1.1) * share * alone.seconds)
    if rng.random() < 0.5:
        kill_all(process)
    else:
        process.kill()
        process.wait()
    seconds = time.monotonic() - begun
    moment = "after its end" if process.returncode >= 0 else "at work" if is_at_work else "anywhere"
    if process.stderr is not None:
        process.stderr.close()
    return [moment, f"{seconds:.2f}"]


def left(job: Job, home: Path, alone: Undisturbed, old: dict[str, str]) -> str:
    """Say what lies in a target's place after a kill."""
    target = home / job.target
    if job.goes_on:
        return f"{len(list(target.rglob('checkpoints/step_*')))} checkpoints"
    found = contents(target) if target.exists() else {}
    if not found:
        return "nothing"
    return "all of it" if found == alone.expected else "what was there" if old and found == old else "DAMAGED"


def chain(
    job: Job, count: int, material: Path, home: Path, alone: Undisturbed, rng: random.Random
) -> list[list[object]]:
    """Kill a command so many times, let it end, and compare; give a row for each kill."""
    home.mkdir()
    target, old, rows, problems = home / job.target, {}, [], []
    if job.command in ("report", "replay") and rng.random() < 0.5:
        other = [job.command, str(material / ALGORITHMS[1 - (job.algo == "coma")]), "--out", job.target]
        problems += [complaint for complaint in [finish(other, home)] if complaint]
        old = contents(target)
    for kill in range(count):
        share = 1 / (1 + kill) if job.goes_on else 1.0  # less is left to do after every kill
        moment = kill_once(job, material, home, alone, rng, share)
        rows.append([*moment, f"{alone.seconds:.2f}", state := left(job, home, alone, old)])
        if state == "DAMAGED":
            problems.append(f"a kill left {sorted(contents(target).items() ^ alone.expected.items())[:3]}")
        if job.command == "export" and state == "all of it":
            shutil.rmtree(target)  # an export never overwrites
    problems += [complaint for complaint in [finish(words_of(job, material), home)] if complaint]
    found = contents(target)
    names = found.keys() | alone.expected.keys()
    problems += [f"differs: {name}" for name in sorted(names) if found.get(name) != alone.expected.get(name)]
    problems += [f"is left: {path.relative_to(home)}" for path in sorted(home.rglob("*.partial*"))]
    verdict = "; ".join(problems) or SAME
    return [[*row, " ".join(verdict.split())] for row in rows]


def chains(kills: int, rng: random.Random) -> Iterator[int]:
    """Yield the lengths of chains that add up to so many kills."""
    while kills > 0:
        length = min(kills, rng.randint(1, 4))
        yield length
        kills -= length


def main() -> None:
    """Kill what is not in the file yet, and count."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", type=Path, default=RESULTS / "kills.csv")
    options = parser.parse_args()
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    rows = list(csv.reader(options.csv.open())) if options.csv.exists() else [HEAD]
    done = {tuple(row[:3]) for row in rows[1:]}
    cpu = machine()["cpu"]
    with tempfile.TemporaryDirectory() as name, options.csv.open("a", newline="", encoding="utf-8") as file:
        table, material = csv.writer(file), Path(name) / "material"
        if not done:
            table.writerow(HEAD)
        material.mkdir()
        prepare(material)
        for job in jobs():
            lengths = chains(round(job.share * options.kills / 100), random.Random(f"{options.seed}/{job.command}"))
            missing = [(n, k) for n, k in enumerate(lengths) if (job.command, job.algo, str(n)) not in done]
            alone = undisturbed(job, material, Path(name) / f"{job.command}-{job.algo}") if missing else None
            for number, length in missing:
                assert alone is not None
                rng = random.Random(f"{options.seed}/{job.command}/{job.algo}/{number}")
                home = Path(name) / f"{job.command}-{job.algo}-{number}"
                for kill, row in enumerate(chain(job, length, material, home, alone, rng)):
                    rows.append([job.command, job.algo, str(number), str(kill), *map(str, row), str(cpu)])
                    table.writerow(rows[-1])
                    print(" ".join(rows[-1][:-1]), flush=True)
                file.flush()
                shutil.rmtree(home)
    sys.exit(summary(rows[1:]))


def summary(rows: list[list[str]]) -> int:
    """Count by command; give 1 if anything is not the same."""
    place = HEAD.index("verdict")
    for command in sorted({row[0] for row in rows}):
        own = [row for row in rows if row[0] == command]
        moments, verdicts = (Counter(row[HEAD.index(name)] for row in own) for name in ("moment", "left"))
        same = sum(row[place] == SAME for row in own)
        print(f"{command}: {same} of {len(own)} kills end in the same bytes; {dict(moments)}; left {dict(verdicts)}")
    return int(any(row[place] != SAME for row in rows))


if __name__ == "__main__":
    main()
