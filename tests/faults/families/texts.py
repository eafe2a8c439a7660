"""What people write and keep: environment texts, files of maps, sweeps and records."""

from __future__ import annotations

import functools
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from tests.faults.cases import READ, REFUSED, AdmittedBugError, Case, SilentAcceptanceError, command, refusal
from tests.faults.families.spoilt_yaml import spoilt_yaml
from tests.faults.mutate import damaged, spoilt, with_another_value

MAP = "S..G\n.CC.\n....\n"
ENVIRONMENTS = (
    *("macn:4x7?slip=0.1&include_position=true", "macn:4x12?n_agents=3&max_steps=20&show_agents=true", "macn:map.txt"),
    *("macn:0.G\n1CC?max_cycles=9", "matrix:[[8,-12,-12],[-12,0,0],[-12,0,0]]", "matrix:[[[1,2],[3,4]],[[5,6],[7,8]]]"),
    *("didactic:climbing?noise=partial", "didactic:predator-prey?punishment=-2.0", "didactic:two-step"),
    *("didactic:car-following?crash=0.4&agents=3", "didactic:car-following?accelerations=released"),
    *("smac:3m?backend=builtin&difficulty=7", "smac:8m?backend=builtin&illegal_action=noop&timeout_terminates=true"),
    *(
        "smac:3m?backend=sc2&smac_python=/no/python&games=2",
        "smac:10gen_zerg?backend=sc2&smac_python=/no/python&n_units=5",
    ),
    *("pettingzoo:tests.fixtures.quiet_team.Quiet?episode_limit=2", "pettingzoo:no_such_module.parallel_env?x=1"),
    *("pettingzoo:tests.fixtures.canary_team.canary_team?max_steps=9", "gymnasium:no_such_module:Team-v0?reward=sum"),
    *(
        "pettingzoo:os.system?command=touch%20../outside/canary.txt",
        "gymnasium:os:system?command=rm%20../outside/inner/*",
    ),
)
VALUES = (
    "-1",
    "0",
    "1",
    "1e99",
    "nan",
    "inf",
    "9" * 30,
    "9" * 5_000,
    "true",
    '"7"',
    '"\\ud800"',
    "",
    "%00",
    "\udcff",
    "é",
)


def plain_refusal(error: Exception) -> tuple[str, str]:
    """Take an error of ours for a refusal where it says something that can be shown."""
    text = str(error)
    if len(text) < 15:
        raise AdmittedBugError(f"an error that says nothing: {text!r}")
    return REFUSED, text.encode(errors="backslashreplace").decode()


def environment_texts(case: Case) -> tuple[str, str]:
    """Spoil an environment text and do what training does with it first: refused, or an environment that starts."""
    import numpy as np

    from rmix_kit.envs.make import code_named_by, make_vector_env, remark_on, resolved_text

    Path("map.txt").write_text(MAP)
    text = case.rng.choice(ENVIRONMENTS)
    match case.rng.randrange(4):
        case 0:
            head, _, tail = text.partition("?")
            pairs = [pair.partition("=") for pair in tail.split("&")] if tail else [("slip", "=", "")]
            place = case.rng.randrange(len(pairs))
            pairs[place] = (pairs[place][0], "=", case.rng.choice(VALUES))
            text = f"{head}?{'&'.join(map(''.join, pairs))}"
        case 1:
            place = case.rng.randint(0, len(text))
            text = text[:place] + case.rng.choice(VALUES) + text[place:]
        case _:
            text = spoilt(text, case.rng)
    code_named_by(text)
    env = make_vector_env(resolved_text(text), 1)
    remark_on(text)
    try:
        step = env.reset([3])
        if step.obs.shape != (1, env.spec.n_agents, *env.spec.obs_shape) or not np.isfinite(step.reward).all():
            raise SilentAcceptanceError(f"{text!r} starts with {step.obs.shape}")
    finally:
        env.close()
    if re.match(r"\s*(pettingzoo|gymnasium):os\b", text):
        raise SilentAcceptanceError(f"{text!r} was called")
    return READ, ascii(text)


def map_files(case: Case) -> tuple[str, str]:
    """Spoil a map's file: refused, or a game with a start for every agent and a goal, the same from its record."""
    from rmix_kit.envs.make import make_vector_env, resolved_text

    file = Path(case.rng.choice(("map.txt", "a map.txt", "é.txt", "4x7", "G")))
    match case.rng.randrange(10):
        case 0:
            file.symlink_to(case.rng.choice(("/dev/zero", "/dev/stdin", "/proc/self/mem", "nowhere", file.name)))
        case 1:
            case.rng.choice((os.mkfifo, os.mkdir))(file)
        case 2:
            width, height = (case.rng.choice((1, 2, 127, 128, 129, 3_000)) for _ in range(2))
            file.write_text("\n".join(["S" + "." * (width - 2) + "G"] * 1 + ["." * width] * (height - 1)))
        case 3:
            file.write_text(MAP, encoding=case.rng.choice(("utf-16", "utf-8-sig", "utf-32", "cp037", "utf-7")))
        case 4:
            with file.open("wb") as sparse:
                sparse.truncate(2**40)
        case 5 | 6:
            file.write_bytes(damaged(MAP.encode(), case.rng))
        case _:
            rows = case.rng.choice((MAP, "0.1\n.G.\n", "S#G\n.C.\n...\n", "SG"))
            file.write_text(spoilt(rows, case.rng), errors="surrogatepass", newline="")
    text = f"macn:{case.rng.choice((str(file), f'./{file}'))}?n_agents={case.rng.choice((1, 2, 2, 3))}"
    env: Any = make_vector_env(resolved_text(text), 1)
    step, rows = env.reset([0]), env.stage["rows"]
    if len({*map(len, rows)}) != 1 or not re.search("[S0-9]", "".join(rows)) or "G" not in "".join(rows):
        raise SilentAcceptanceError(f"the map {rows} has no start or no goal")
    if not step.avail_actions.any(-1).all() or make_vector_env(text, 1).stage != env.stage:  # type: ignore[attr-defined]
        raise SilentAcceptanceError(f"the map {rows} is another one from its record")
    return READ, str(rows)


def sweep_files(case: Case) -> tuple[str, str]:
    """Spoil a sweep's file: refused in one line, or planned, each run with a name of its own."""
    vdn = {"algo": "vdn", "name": "slow", "set": {"learning_rate": 1e-4, "training": {"batch_size": 8}}}
    values: dict[str, Any] = {
        "algorithms": ["iql", vdn],
        "environments": ["didactic:climbing", {"env": "macn:4x7?slip=0.1", "name": "slippery", "steps": 300}],
        "seeds": case.rng.choice(("0-1", [0, 3], ["0-1", 7])),
        "steps": 200,
        "set": {"training.evaluation_interval": 50},
        "device": "cpu",
        "evaluation": True,
        "jobs": 2,
        "retries": 1,
        "threads": 1,
        "storage": None,
        "resources": {"cpus": 1, "gpus": 0.5},
    }
    Path("sweep.yaml").write_bytes(spoilt_yaml(values, case))
    answer = command(("sweep", "sweep.yaml", "--out", "sweep", "--dry-run", "--json"))
    if answer.code:
        return REFUSED, refusal(answer)
    names = [run["name"] for run in json.JSONDecoder().raw_decode(answer.text[answer.text.index("{") :])[0]["runs"]]
    if not names or len({*names}) != len(names) or any("/" in name for name in names):
        raise SilentAcceptanceError(f"planned as {names}")
    return READ, f"{len(names)} runs"


def records(case: Case) -> tuple[str, str]:
    """Change values in a file of a run's record, and let tables and pictures be made of it: refused, or read."""
    from rmix_kit.files.writing import with_digest
    from rmix_kit.reports.curves import curve_table
    from rmix_kit.reports.groups import group_runs
    from rmix_kit.reports.run_tables import run_table
    from rmix_kit.results.files import find_records, write_record

    file = Path("records/run.json")
    write_record(file, recorded(case.base))
    if case.rng.random() < 0.3:
        file.write_bytes(damaged(file.read_bytes(), case.rng))
    else:
        changed = with_another_value(json.loads(file.read_text()), case.rng)
        try:
            is_sealed = isinstance(changed, dict) and case.rng.random() < 0.7
            file.write_text(json.dumps(with_digest(changed) if is_sealed else changed))
        except (ValueError, RecursionError):
            file.write_text("[" * 5_000)
    found = find_records([case.rng.choice((file, file, file.parent))])
    groups = group_runs(found)
    run_table(groups)
    curve_table(groups)
    write_record(Path("again.json"), found[0])
    if case.rng.random() < 0.12:
        shutil.rmtree("out", ignore_errors=True)
        words = ("plot", str(file), "--metric", "return_mean", "--out", "curve.png")
        answer = command(words if case.rng.random() < 0.9 else ("report", str(file), "--out", "out"))
        if answer.code:
            return REFUSED, refusal(answer)
    return READ, "tables were made of it"


@functools.cache
def recorded(base: Path) -> Any:
    """Return the record of the run that every case copies."""
    from rmix_kit.results.files import find_records

    return find_records([base / "run"])[0]
