"""Code that data names: a run or an export whose environment imports, starts or writes, given to whatever plays."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import yaml

from rmix_kit.files.writing import seal
from tests.envs.test_consent import DOORS
from tests.faults.cases import ENVIRONMENT, REFUSED, Case, SilentAcceptanceError, command, refusal
from tests.faults.mutate import spoilt

MODULE = "stranger"
"""Lies in the current directory, from which it could be imported, and touches the bait where it is."""
CODE = "open('../outside/canary.txt', 'w')\ndef parallel_env(**options):\n    raise SystemExit\nTeam = parallel_env\n"
PROGRAM = "#!/bin/sh\ntouch ../outside/started\n"
TEXTS = (
    *(f"pettingzoo:{MODULE}.parallel_env", f"pettingzoo:{MODULE}", f"pettingzoo:{MODULE}.Team?max_steps=28&slip=0.1"),
    *(
        "pettingzoo:os.system?command=touch ../outside/called",
        "pettingzoo:subprocess.getoutput?cmd=touch ../outside/called",
    ),
    *(f"gymnasium:{MODULE}:Team-v0", "gymnasium:os:Team-v0", f"gymnasium:{MODULE}:Team-v0?reward=sum&x=1"),
    *("smac:3m?backend=sc2&smac_python=./program", "smac:3m?backend=sc2&replay_dir=../outside/replays"),
    *("smac:3m?smac_python=./program&backend=sc2", "smac:3m?backend=builtin&smac_python=./program"),
    *("smac:10gen_terran?backend=sc2&package=smacv2&smac_python=./program&replay_dir=../outside/inner&n_units=5",),
)
DEAR: Mapping[str, float] = {"run isolated": 0.1, "report": 0.1}
"""Doors that take long where they refuse, and how often they are tried beside the others."""
LOOK_ALIKES = str.maketrans({"p": "р", "e": "е", "o": "о", ":": "：", ".": "․", "s": "ѕ", "?": "？"})


def disguised(text: str, case: Case) -> str:
    """Write a text in another way: some mean the same, some nothing at all."""
    rng, (kind, _, rest) = case.rng, text.partition(":")
    first = rng.randrange(len(text))
    letters: list[Callable[[str], str]] = [str.upper, str.title, str.swapcase]
    forms: tuple[Callable[[], str], ...] = (
        lambda: rng.choice(letters)(kind) + ":" + rest,
        lambda: rng.choice((" ", "\t", "\n", "\u00a0", "\u2028", "\ufeff", "\0")) + text + rng.choice(("", " ", "\n")),
        lambda: kind + rng.choice((" ", "::", "%3A", ":\t", ":%20", ": ")) + rest,
        lambda: f"{kind}:" + "".join(f"%{ord(letter):02X}" if rng.random() < 0.5 else letter for letter in rest),
        lambda: f"{kind}:{quote(rest)}",
        lambda: text[:first] + text[first:].translate(LOOK_ALIKES),
        lambda: text + rng.choice(("&", "?")) + rng.choice(("backend=builtin", "backend=sc2", "slip=0.1", "x", "=")),
        lambda: text + "&" + text.partition("?")[2],
        lambda: text.replace("=", rng.choice(("==", "%3D", '="')), 1),
        lambda: text.replace("_", rng.choice(("-", "%5F", "_" * 2))),
        lambda: spoilt(text, rng),
    )
    return rng.choice(forms)()


def lay_out(case: Case, text: str) -> None:
    """Put a text into a run and an export, each with sums of its own that are right, and code beside them."""
    shutil.copytree(case.base / "run", "run")
    shutil.copytree(case.base / "agents", "agents")
    config = Path("run/config.yaml")
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), "env": text}, allow_unicode=True))
    for checkpoint in Path("run/checkpoints").glob("*/manifest.json"):
        facts = json.loads(checkpoint.read_text())
        facts["config"]["env"] = text
        del facts["sha256"]
        checkpoint.write_bytes(seal(facts))
    manifest = Path("agents/manifest.json")
    manifest.write_text(manifest.read_text().replace(json.dumps(ENVIRONMENT), json.dumps(text)))
    for played in Path("run/evaluations").glob("*.json"):
        played.unlink()  # so that a report has something to play
    Path(f"{MODULE}.py").write_text(CODE)
    Path("program").write_text(PROGRAM)
    Path("program").chmod(0o755)


def code_that_data_names(case: Case) -> tuple[str, str]:
    """Let each command that plays meet such a text: refused, and nothing imported, started or written."""
    text = case.rng.choice(TEXTS)
    if case.rng.random() < 0.75:
        text = disguised(text, case)
    lay_out(case, text)
    door = case.rng.choices(list(DOORS), [DEAR.get(name, 1.0) for name in DOORS])[0]
    sys.modules.pop(MODULE, None)
    answer = command(DOORS[door])
    if MODULE in sys.modules:
        raise SilentAcceptanceError(f"{door}: {ascii(text)} was imported")
    if answer.code == 0:
        raise SilentAcceptanceError(f"{door}: {ascii(text)} was played: {answer.text[-200:]}")
    return REFUSED, refusal(answer)
