"""The commands that a fresh installation is asked, and how an answer is judged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from rmix_kit.live.ort_web import FILES, VERSION

ROOT = Path(__file__).resolve().parents[2]
EXTRAS_OF_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]
FOR_DEVELOPERS = {"dev", "test-envs", "site", "browser"}
EXTRAS = ("", *(extra for extra in EXTRAS_OF_PROJECT if extra not in FOR_DEVELOPERS))
"""What a user may install, "" being the wheel alone."""
ADVICE = re.compile(r"pip install '?rmix-kit\[([\w,-]+)\]'?")
GAME = "macn:4x7?include_position=true&max_steps=8"
PLANNED = ("--algo", "vdn", "--env", GAME, "--seed", "0", "--steps", "64", "--set", "training.num_envs=2")
SYNOPSES = (
    "train",
    "evaluate",
    "export",
    "run",
    "film",
    "page",
    "inspect",
    "sweep",
    "report",
    "plot",
    "reproduce",
    "algos",
    "envs",
)
SWEEP = f"algorithms: [vdn]\nenvironments: ['{GAME}']\nseeds: [0]\nsteps: 64\n"


@dataclass(frozen=True, kw_only=True)
class Command:
    """A command line; RUN, AGENTS, SWEEP and ORT in it stand for what was made before.

    Attributes:
        name: Its name in the table.
        words: The line after `rmix-kit`.
        needs: The extras that it needs, all of them; with these it must work.
    """

    name: str
    words: tuple[str, ...]
    needs: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command did.

    Attributes:
        short: For the table: "works", or what it says to install.
        what: In full, where it is wrong.
    """

    short: str
    what: str = ""

    @property
    def is_wrong(self) -> bool:
        """It neither worked nor said what to install."""
        return bool(self.what)


def _of(name: str, *words: str, needs: str = "") -> Command:
    return Command(name=name, words=words, needs=frozenset(needs.split()))


COMMANDS = (
    _of("--version", "--version"),
    *(_of(f"{name} --help", name, "--help") for name in SYNOPSES),
    _of("algos", "algos"),
    _of("envs", "envs"),
    _of("envs check macn", "envs", "check", GAME, "--episodes", "1", needs="train"),
    _of("envs check smac", "envs", "check", "smac:3m?backend=builtin", "--episodes", "1", needs="train"),
    _of("doctor", "doctor"),
    _of("config show", "config", "show", *PLANNED, needs="train"),
    _of("config schema", "config", "schema", "sweep", needs="train"),
    _of("inspect RUN", "inspect", "RUN", needs="train"),
    _of("inspect AGENTS", "inspect", "AGENTS"),
    _of("train", "train", *PLANNED, "--out", "made", needs="train"),
    _of("train --track wandb", "train", *PLANNED, "--out", "tracked", "--track", "wandb", needs="train wandb"),
    _of("evaluate", "evaluate", "RUN", "--episodes", "2", needs="train"),
    _of("export", "export", "RUN", "--out", "made", needs="train export"),
    _of("run", "run", "AGENTS", "--episodes", "2", needs="runtime"),
    _of("run --isolated", "run", "AGENTS", "--episodes", "2", "--isolated", needs="runtime"),
    _of("film of a run", "film", "RUN", "--episodes", "1", "--out", "made.html", needs="train"),
    _of("film of agents", "film", "AGENTS", "--episodes", "1", "--out", "made.html", needs="runtime"),
    _of("film, gif", "film", "AGENTS", "--episodes", "1", "--out", "made.gif", needs="runtime render"),
    _of("page", "page", "AGENTS", "--out", "made", "--ort-web", "ORT", "--exact-levels", "1.0"),
    _of("sweep --dry-run", "sweep", "SWEEP", "--out", "made", "--dry-run", needs="train"),
    _of("sweep", "sweep", "SWEEP", "--out", "made", "--jobs", "1", needs="train"),
    _of("report", "report", "RUN", "--out", "made", needs="plot"),
    _of("plot", "plot", "RUN", "--metric", "return_mean", "--out", "made.svg", needs="plot"),
    _of("reproduce --dry-run", "reproduce", "didactic", "--out", "made", "--dry-run", needs="train"),
)


def environment_of(folder: Path) -> dict[str, str]:
    """Return an environment in which nothing but the installation is found."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return {**kept, "OMP_NUM_THREADS": "1", "SDL_VIDEODRIVER": "dummy", "MPLCONFIGDIR": str(folder)}


def call(python: Path, words: tuple[str, ...], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the installed `rmix-kit`."""
    command = [str(python.parent / "rmix-kit"), *words]
    return subprocess.run(
        command, cwd=folder, env=environment_of(folder), capture_output=True, text=True, timeout=300, check=False
    )


def material(python: Path, made: Path) -> None:
    """Make what commands are asked about: a run, its exported agents, a sweep's file, a package."""
    made.mkdir()
    (made / "sweep.yaml").write_text(SWEEP, encoding="utf-8")
    (made / "ort" / "dist").mkdir(parents=True)  # the layout of npm's package; nobody runs it here
    package = {"name": "onnxruntime-web", "version": VERSION}
    (made / "ort" / "package.json").write_text(json.dumps(package), encoding="utf-8")
    for name in FILES:
        (made / "ort" / "dist" / name).touch()
    for words in (("train", *PLANNED, "--out", "run"), ("export", "run", "--out", "agents")):
        done = call(python, words, made)
        if done.returncode:
            raise RuntimeError(f"rmix-kit {' '.join(words)}: {done.stderr}")


def judged(command: Command, python: Path, extra: str, *, made: Path, folder: Path) -> Outcome:
    """Run a command and judge it.

    Args:
        python: Of the environment.
        extra: What it was installed with.
        made: What `material` made.
        folder: An empty one to work in.
    """
    places = {"RUN": made / "run", "AGENTS": made / "agents", "SWEEP": made / "sweep.yaml", "ORT": made / "ort"}
    done = call(python, tuple(str(places.get(word, word)) for word in command.words), folder)
    lines = done.stderr.splitlines()
    if "Traceback" in done.stdout + done.stderr:
        return Outcome(short="traceback", what=done.stderr)
    if done.returncode == 0:
        return Outcome(short="works")
    named = ADVICE.search(done.stderr)
    if done.returncode != 1 or not named or len(lines) != 1 or not lines[0].startswith("Error: "):
        return Outcome(short=f"exit {done.returncode}", what=done.stderr or done.stdout)
    present = {extra} | ({"train", "export", "runtime", "plot", "render"} if extra == "all" else set())
    if command.needs <= present:
        return Outcome(short="refused", what=f"has what it needs, and says: {lines[-1]}")
    if set(named[1].split(",")) & present:
        return Outcome(short="false advice", what=f"asks for what is installed: {lines[-1]}")
    if not set(named[1].split(",")) <= set(EXTRAS):
        return Outcome(short="no such extra", what=lines[-1])
    return Outcome(short=f"[{named[1]}]")
