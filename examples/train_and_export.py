"""Train RMIX from Python, compare it with the exact optimum, and freeze its agents: `python train_and_export.py`."""

from __future__ import annotations

import argparse
from pathlib import Path

import macn
import rmix_kit
from macn import oracle
from rmix_kit.training.exporting import export


def main(arguments: list[str] | None = None) -> Path:
    """Train, evaluate and export; give the exported folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="environment steps; about two minutes")
    parser.add_argument("--out", type=Path, default=Path("example"))
    given = parser.parse_args(arguments)

    run = rmix_kit.train(
        "rmix",
        "macn:4x7",
        seed=0,
        steps=given.steps,
        out=given.out / "run",
        overrides={"training.num_envs": 16},  # any value of the configuration, as with --set on the command line
    )
    print(run)

    evaluation = run.evaluate(episodes=32, seed=0)
    print(f"mean return {evaluation.return_mean:g}, success {evaluation.success_rate:.0%}")
    print(f"exact optimum {oracle.solve('4x7').optimal_return:g}")

    # The calls of an exported team, for a notebook: weights in torch, no files.
    env, team = macn.parallel_env(layout="4x7"), run.team()
    observations, infos = env.reset(seed=0)
    print(f"first actions {team.act(observations, infos)}")

    # One file per agent, verified against torch, with the facts that `rmix-kit run` and the next example need.
    # exporters.freeze(run.policies(), folder) does the same for any policies, without those facts.
    folder = export(run, given.out / "agents", ["onnx"])
    print(f"exported {', '.join(sorted(path.name for path in folder.iterdir()))}")
    return folder


if __name__ == "__main__":
    main()
