"""What a page of live agents knows: the game, the agents, the seeds of its episodes and the exact values."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exporters.bundle import Manifest
from macn.settings import ACTION_MEANINGS, Settings
from rmix_kit.envs.macn import settings_of
from rmix_kit.envs.make import make_vector_env, parse_known, resolved_text
from rmix_kit.errors import EnvironmentTextError
from rmix_kit.fit import check_fit
from rmix_kit.metrics import FALLS, LENGTH, RETURN, SUCCESS
from rmix_kit.origin import kit_version
from rmix_kit.playing.manifest import algorithms, environment_text, read_export, reward_scale, value_kinds
from rmix_kit.reports.frontier.exact import CVAR, exact_or_why_not, exact_values
from rmix_kit.seeding import episode_seed

QUIET_EPISODES = 1000
QUIET_SEED = 0
"""The quiet episodes are those of `rmix-kit run --episodes 1000 --seed 0`."""
PROBABILITY = "probability"  # the kind of values that no reward scales
GAME_OPTIONS = ("n_agents", "slip", "max_steps", "show_agents", "include_position")
EXACT = (RETURN, FALLS, SUCCESS, LENGTH)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Exported agents and the game that they play.

    Attributes:
        source: Name of the exported folder.
        text: Environment text.
        manifest: Of the folder.
        settings: Of the game.
    """

    source: str
    text: str
    manifest: Manifest
    settings: Settings


def scene_of(directory: Path, env_text: str | None = None) -> Scene:
    """Return what an exported folder plays on the page.

    Args:
        directory: What `rmix-kit export` wrote.
        env_text: A MACN text; by default the one of the training.

    Raises:
        RunFolderError: It is a training run, which is to be exported first.
        BundleError: It is no exported folder, or a damaged one.
        EnvironmentTextError: The environment is not MACN's, an option is unknown, or an agent has no onnx file.
        EnvironmentContractError: The agents do not fit the environment.
    """
    manifest = read_export(directory)
    text = resolved_text(env_text or environment_text(manifest, directory))
    parsed = parse_known(text)
    if parsed.kind != "macn":
        raise EnvironmentTextError(
            f"{directory} plays {text}, and the page knows the rules of macn:* alone; use rmix-kit film for a recording"
        )
    settings = settings_of(parsed)
    envs = make_vector_env(text, 1)
    try:
        check_fit({entry.spec.agent_id: entry.spec for entry in manifest.agents}, envs.spec, text)
    finally:
        envs.close()
    for entry in manifest.agents:
        if "onnx" not in entry.files:
            raise EnvironmentTextError(
                f"{directory} has no onnx file of {entry.spec.agent_id}, which is what a browser runs; export it with "
                "--format onnx"
            )
    return Scene(source=directory.resolve().name, text=text, manifest=manifest, settings=settings)


def facts_of(scene: Scene, exact_levels: Iterable[float]) -> dict[str, Any]:
    """Return everything that the page reads of a scene.

    Args:
        scene: What is played.
        exact_levels: Risk levels of which the oracle is asked, each in (0, 1].
    """
    exact, remarks = exact_rows(scene, exact_levels)
    scale, is_probability = reward_scale(scene.manifest), value_kinds(scene.manifest) == PROBABILITY
    return {
        "version": kit_version(),
        "source": scene.source,
        "env": scene.text,
        "algorithm": algorithms(scene.manifest),
        "value_kind": value_kinds(scene.manifest),
        "value_scale": None if is_probability else scale,
        "value_unit": "probability" if is_probability else "scaled rewards" if scale is None else "reward units",
        "actions": list(ACTION_MEANINGS),
        "game": game_of(scene.settings),
        "agents": [
            {
                "id": entry.spec.agent_id,
                "is_risk_aware": entry.spec.is_risk_aware,
                "default_risk_level": entry.spec.default_risk_level,
            }
            for entry in scene.manifest.agents
        ],
        "quiet": {
            "seed": QUIET_SEED,
            "seeds": [episode_seed(QUIET_SEED, "test", number) for number in range(QUIET_EPISODES)],
        },
        "exact": exact,
        "exact_remarks": remarks,
    }


def game_of(settings: Settings) -> dict[str, Any]:
    """Return a game as the page's rules take it."""
    return {"rows": list(settings.layout.rows), **{name: getattr(settings, name) for name in GAME_OPTIONS}}


def exact_rows(scene: Scene, levels: Iterable[float]) -> tuple[list[dict[str, float]], list[str]]:
    """Return the oracle's values, a row per level at which there are some, and what must be said of them.

    Args:
        scene: What is played.
        levels: Each in (0, 1].
    """
    rows: list[dict[str, float]] = []
    remarks: dict[str, None] = {}
    kind = value_kinds(scene.manifest)
    if not any(entry.spec.is_risk_aware for entry in scene.manifest.agents):
        levels, kind = (1.0,), CVAR  # without a dial there is one thing to be as good as: the optimum
    for level in levels:
        evaluation, remark = exact_or_why_not(scene.settings, level, kind)
        remarks |= {remark: None} if remark else {}
        if evaluation is not None:
            values = exact_values(evaluation, ())
            rows.append({"risk_level": level, **{name: values[name] for name in EXACT}})
    return rows, list(remarks)
