"""Exported agents beside torch over whole episodes, by the parity rule of docs/contracts.md.

    python benchmarks/long/exported_parity.py RUN AGENTS [--env macn:4x12?slip=0.1] [--episodes 320]

RUN is a run folder, AGENTS what `rmix-kit export` made of it. Both are fed the same observations, masks and memory of
torch's own rollout; values may differ by at most 1e-4, actions only where torch's two best differ by less than 1e-5.
Prints one JSON line and exits 1 if the rule is broken.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

import rmix_kit
from exporters.runtime import OnnxTeam
from rmix_kit.envs.make import make_vector_env
from rmix_kit.seeding import episode_seed

COPIES = 32
MOST_DIFFERENCE = 1e-4
TIE = 1e-5


def main() -> None:
    """Compare and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("agents", type=Path)
    parser.add_argument("--env", default="macn:4x12?slip=0.1")
    parser.add_argument("--episodes", type=int, default=320)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    run, team = rmix_kit.load(arguments.run), OnnxTeam(arguments.agents, on_invalid="return")
    modules = {policy.spec.agent_id: policy.module().eval() for policy in run.policies()}
    specs = {policy.spec.agent_id: policy.spec for policy in run.policies()}
    envs = make_vector_env(arguments.env, COPIES)
    found = {"decisions": 0, "largest_difference": 0.0, "ties": 0, "other_actions": 0, "level_changes": 0}
    returns: list[float] = []
    for first in range(0, arguments.episodes, COPIES):
        step = envs.reset([episode_seed(0, "test", first + copy) for copy in range(COPIES)])
        team.reset()
        carries = {name: [torch.zeros(COPIES, *tensor.shape) for tensor in spec.carry] for name, spec in specs.items()}
        total, done = np.zeros(COPIES), np.zeros(COPIES, dtype=bool)
        while not done.all():
            actions = np.zeros((COPIES, len(specs)), dtype=np.int64)
            for index, (name, spec) in enumerate(specs.items()):
                obs, mask = step.obs[:, index], step.avail_actions[:, index]
                inputs = [torch.from_numpy(obs.copy()), torch.from_numpy(mask.copy()), torch.zeros(COPIES)]
                with torch.inference_mode():
                    outputs = dict(zip(spec.output_names, modules[name](*inputs, *carries[name]), strict=True))
                carries[name] = [outputs[f"next_{tensor.name}"] for tensor in spec.carry]
                theirs = team.agents[name].act_batch(obs, mask, 0.0)
                compare(found, outputs, theirs, ~done)
                actions[:, index] = outputs["action"].numpy()
                team.agents[name].executed(actions[:, index])
            step = envs.step(actions)
            total += step.reward * ~done
            done = step.terminated | step.truncated
        returns += total.tolist()
    holds = found["largest_difference"] <= MOST_DIFFERENCE and found["other_actions"] == 0
    facts = {"env": arguments.env, "episodes": arguments.episodes, "return_mean": float(np.mean(returns))}
    print(json.dumps({**facts, **found, "holds": holds}))
    sys.exit(0 if holds else 1)


def compare(found: dict[str, float], ours: dict[str, torch.Tensor], theirs: object, active: np.ndarray) -> None:
    """Add one step of one agent to the findings.

    Args:
        found: Counts, changed in place.
        ours: torch's outputs by name.
        theirs: The exported agent's `ActResult`.
        active: Copies whose episode goes on, bool `[env]`.
    """
    values = ours["action_values"].numpy()[active]
    found["decisions"] += int(active.sum())
    difference = np.abs(values - theirs.action_values[active]).max(initial=0.0)
    found["largest_difference"] = max(found["largest_difference"], float(difference))
    best = np.sort(values, axis=-1)
    other = ours["action"].numpy()[active] != theirs.action[active]
    is_tie = best[:, -1] - best[:, -2] < TIE
    found["ties"] += int((other & is_tie).sum())
    found["other_actions"] += int((other & ~is_tie).sum())
    found["level_changes"] += int((ours["risk_level_used"].numpy() != theirs.risk_level_used)[active].sum())


if __name__ == "__main__":
    main()
