"""What one environment of other people is put through: training, export, the exported agents, a replay."""

from __future__ import annotations

import contextlib
import io
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmix_kit.cli.kit import CommandError
from rmix_kit.cli.main import main
from rmix_kit.doctor.environment import check
from rmix_kit.envs.make import make_vector_env

ALGORITHM, STEPS, EPISODES = "qmix", 2_000, 4
# Small, so that sixty environments take half an hour; of what is learned nothing is said.
SETTINGS = (
    "training.batch_size=4",
    "training.buffer_episodes=32",
    "training.num_envs=2",
    "training.evaluation_copies=2",
    "training.evaluation_episodes=2",
    f"training.evaluation_interval={STEPS}",
    f"training.checkpoint_interval={STEPS}",
)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of it.

    Attributes:
        env: Environment text.
        outcome: "works", or "refused" with `why`, or "differs" where run and evaluate do not agree.
        agents: Number of agents.
        actions: Number of actions.
        observation: Shape and dtype.
        warnings: What `envs check` warns of, by name.
        return_mean: Of the greedy episodes after training.
        seconds: For all of it.
        why: The one line, or empty.
    """

    env: str
    outcome: str
    agents: int | str = ""
    actions: int | str = ""
    observation: str = ""
    warnings: str = ""
    return_mean: str = ""
    seconds: str = ""
    why: str = ""


def put_through(text: str, folder: Path) -> Outcome:
    """Check, train, export, run, evaluate and replay.

    Args:
        text: Environment text.
        folder: An empty one.
    """
    begun = time.perf_counter()
    findings = check(text, 3)
    problems = [finding for finding in findings if finding.status == "problem" and finding.name != "memory"]
    if problems:
        return Outcome(env=text, outcome="refused", why=problems[0].found)
    envs = make_vector_env(text, 1)
    spec = envs.spec
    envs.close()
    known: dict[str, Any] = {
        "agents": spec.n_agents,
        "actions": spec.n_actions,
        "observation": f"{' x '.join(map(str, spec.obs_shape))} {spec.obs_dtype}",
        "warnings": ", ".join(finding.name for finding in findings if finding.status == "warning"),
    }
    run, agents = folder / "run", folder / "agents"
    settings = [word for setting in SETTINGS for word in ("--set", setting)]
    size = ["--episodes", str(EPISODES), "--seed", "1", "--trust"]
    try:
        command(
            "train", "--algo", ALGORITHM, "--env", text, "--seed", "0", "--steps", str(STEPS), "--out", run, *settings
        )
        command("export", run, "--out", agents, "--format", "onnx")
        evaluated, played = command("evaluate", run, *size), command("run", agents, *size)
        once = "--trust", "--episodes", "1", "--seed", "1"
        command("replay", agents, *once, "--out", folder / "film.html", as_json=False)
    except CommandError as error:
        return Outcome(env=text, outcome="refused", why=error.message, **known)
    is_same = evaluated == played or "reproducibility" in known["warnings"]
    return Outcome(
        env=text,
        outcome="works" if is_same else "differs",
        return_mean=f"{evaluated['return_mean']:.4g}",
        seconds=f"{time.perf_counter() - begun:.0f}",
        **known,
    )


def command(*words: object, as_json: bool = True) -> Any:  # noqa: ANN401 - JSON
    """Run a command of rmix-kit in this process, and give what it prints.

    Raises:
        CommandError: It failed.
    """
    shown = io.StringIO()
    with contextlib.redirect_stdout(shown):
        main([*map(str, words), *(["--json"] if as_json and words[0] != "export" else [])], standalone_mode=False)
    text = shown.getvalue()
    return json.loads(text) if as_json and words[0] != "export" else text
