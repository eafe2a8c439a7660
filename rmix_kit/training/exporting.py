"""From a run to an exported folder that says where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from exporters import freeze

if TYPE_CHECKING:
    from rmix_kit.training.run import Run


SCALED_REWARDS = "rewards times reward_scale; divide by reward_scale for rewards"
UNITS = {"probability": "probabilities; they add up to 1"}


def export(
    run: Run, directory: str | PathLike[str], formats: str | Sequence[str] = ("onnx",), *, shared: bool = False
) -> Path:
    """Freeze all agents of a run, verify them and write where they came from into the manifest.

    Args:
        run: From `rmix_kit.load` or `rmix_kit.train`.
        directory: The folder to write; it must not exist.
        formats: "onnx", "torchscript", or several of them.
        shared: Write one file per format for all agents; see `exporters.freeze`.

    Returns:
        The sealed folder; `rmix-kit run` needs nothing else.
    """
    return freeze(run.policies(), directory, formats, facts=facts_of(run), shared=shared)


def facts_of(run: Run) -> dict[str, object]:
    """Return what an exported folder tells about its origin.

    Returns:
        JSON-able: ``environment`` (text and facts), ``training`` (steps, seed, discount, reward scale),
        ``checkpoint`` (step and the sha256 of its weights).
    """
    from rmix_kit.training.manifest import read_manifest

    config, spec = run.config, run.env_spec
    checkpoint = read_manifest(run.path / "checkpoints" / f"step_{run.checkpoint_step}")
    sums = {file.name: file.sha256 for file in checkpoint.files}
    return {
        "environment": {
            "text": config.env,
            "most_copies": config.training.most_evaluation_copies,
            "n_agents": spec.n_agents,
            "n_actions": spec.n_actions,
            "obs_shape": list(spec.obs_shape),
            "obs_dtype": spec.obs_dtype,
            "obs_meanings": list(spec.obs_meanings),
            "state_size": spec.state_size,
            "episode_limit": spec.episode_limit,
            "agent_ids": list(spec.agent_ids),
            "action_meanings": list(spec.action_meanings),
        },
        "training": {
            "algorithm": config.algorithm.name,
            "preset": config.preset,
            "steps": config.steps,
            "seed": config.seed,
            "gamma": getattr(config.algorithm, "gamma", None),
            "reward_scale": run.reward_scale,
            "action_values_unit": UNITS.get(run.policies()[0].spec.value_kind, SCALED_REWARDS),
        },
        "checkpoint": {"step": run.checkpoint_step, "weights_sha256": sums["online.safetensors"]},
    }
