"""The whole way in a few minutes: ``python -m rmix_kit.cli.demo --out demo``.

RMIX learns a cliff map, is compared with the exact optimum, frozen to ONNX and TorchScript, and acts in onnxruntime
with each agent in a process of its own.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmix_kit.cli.kit import CommandError, KitCommand
from rmix_kit.cli.output import note, print_rows
from rmix_kit.cli.words import ENV_STEPS, SEED
from rmix_kit.errors import RmixKitError, RunFolderError

if TYPE_CHECKING:
    from rmix_kit.playing.episodes import ExportedTeam
    from rmix_kit.training.run import Run
    from rmix_kit.training.run_config import RunConfig

LAYOUT = "4x7"
STEPS = 120_000
EPISODES = 32
MARK = ".rmix-kit-demo"  # a folder with this file in it is the demo's own, and may be written again
CLOSE_ENOUGH = 1e-6  # returns are sums of halves, exact in float32


@click.command("python -m rmix_kit.cli.demo", cls=KitCommand)
@click.option("--out", default="demo", show_default=True, type=click.Path(path_type=Path), help="Folder to write.")
@click.option("--seed", default=0, show_default=True, type=SEED, help="Seed of the training.")
@click.option("--steps", default=STEPS, show_default=True, type=ENV_STEPS, help="Environment steps.")
def main(out: Path, seed: int, steps: int) -> None:
    """Train RMIX on a cliff map, export it, and run the exported agents without torch.

        python -m rmix_kit.cli.demo --out demo

    Called again it goes on with what lies in its folder. It ends with exit code 1 if the team misses the optimum.
    """
    from macn import oracle
    from rmix_kit import load
    from rmix_kit.config.load import resolve

    begin = time.monotonic()
    claim(out)
    config = resolve(algo="rmix", env=f"macn:{LAYOUT}", seed=seed, steps=steps)
    run = load(trained(config, out / "run").path, "best")
    evaluation = run.evaluate(episodes=EPISODES)
    agents = exported(run, out / "agents")
    assert evaluation.success_rate is not None, "MACN reports success"
    isolated = played_isolated(agents, out / "picture.png")
    optimum = oracle.solve(LAYOUT).optimal_return
    print_rows(
        f"rmix on macn:{LAYOUT}, best checkpoint ({run.checkpoint_step} environment steps), {EPISODES} greedy episodes",
        [
            ("torch", f"{evaluation.return_mean:g}", f"{evaluation.success_rate:.0%}"),
            ("exported, onnxruntime, a process per agent", f"{isolated[0]:g}", f"{isolated[1]:.0%}"),
            ("exact optimum (macn.oracle)", f"{optimum:g}", "100%"),
        ],
        header=("who acts", "mean return", "success"),
    )
    note(f"exported agents: {agents}; picture: {out / 'picture.png'}; {time.monotonic() - begin:.0f} s in all")
    for who, value in (("the trained team", evaluation.return_mean), ("the exported team", isolated[0])):
        if abs(value - optimum) > CLOSE_ENOUGH:
            raise CommandError(f"{who} earns {value:g}, the optimum is {optimum:g}; try more --steps", 1)


def claim(out: Path) -> None:
    """Make the folder, or take one of an earlier demo.

    Raises:
        RunFolderError: It holds something else.
    """
    if out.exists() and not (out.is_dir() and ((out / MARK).is_file() or not any(out.iterdir()))):
        raise RunFolderError(f"{out} exists and is no folder of an earlier demo; give another one with --out")
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).touch()


def trained(config: RunConfig, folder: Path) -> Run:
    """Train, go on with a run of the same configuration, or replace one of another configuration.

    Args:
        folder: The run's folder, the demo's own.
    """
    from rmix_kit.config.differences import differences_from_preset
    from rmix_kit.training.run_folder import RunFolder
    from rmix_kit.training.trainer import train

    earlier = RunFolder(folder)
    if earlier.is_occupied:
        with earlier.lock():  # refuses while another demo is at work in it
            try:
                is_same = earlier.read_config().to_dict() == config.to_dict()
            except RmixKitError:
                is_same = False
        if not is_same:
            note(f"{folder} holds a run of another configuration; it is replaced")
            shutil.rmtree(folder)
    return train(config, folder, resume=True, overrides=differences_from_preset(config))


def exported(run: Run, folder: Path) -> Path:
    """Export both formats into the folder, the demo's own; an export of another checkpoint is replaced."""
    from exporters.bundle import read_manifest
    from exporters.errors import ExportError
    from rmix_kit.training.exporting import export, facts_of

    try:
        if read_manifest(folder).facts == facts_of(run):
            return folder
    except ExportError:
        note(f"exporting to {folder}")
    fresh = folder.with_name(f"{folder.name}.new")
    for leftover in (fresh, folder):
        if leftover.exists():
            shutil.rmtree(leftover)
    export(run, fresh, ("onnx", "torchscript"))
    return fresh.rename(folder)


def played_isolated(agents: Path, picture: Path) -> tuple[float, float]:
    """Run the exported agents in onnxruntime, isolated, and draw one episode.

    Args:
        agents: The exported folder.
        picture: The file to draw into.

    Returns:
        Mean return and success rate.
    """
    from rmix_kit.envs.make import make_vector_env
    from rmix_kit.playing.episodes import play
    from rmix_kit.playing.isolation import IsolatedTeam

    with IsolatedTeam(agents, "onnx") as team:
        envs = make_vector_env(f"macn:{LAYOUT}", EPISODES)
        played = play(team, envs, episodes=EPISODES, seed=0)
        draw(team, picture)
    assert played.success is not None, "MACN reports success"
    return float(played.returns.mean()), float(played.success.mean())


def draw(team: ExportedTeam, picture: Path, layout_name: str = LAYOUT) -> None:
    """Let the team walk once more and draw where it went.

    Args:
        picture: The PNG file.
    """
    import numpy as np

    from macn import CliffLayout
    from macn.rendering import draw_trajectory
    from rmix_kit.envs.make import make_vector_env
    from rmix_kit.plotting.png import write_png

    layout = CliffLayout.parse(layout_name)
    envs = make_vector_env(f"macn:{layout_name}", 1)
    team.reset()
    step = envs.reset([0])
    states = [step.state[0]]
    while not (step.terminated | step.truncated).all():
        step = envs.step(team.act(step.obs, step.avail_actions, 0.0).actions)
        states.append(step.state[0])
    places = np.asarray(states)[:, :-1].reshape(len(states), -1, 3)  # [time, agent, (row, column, at the goal)]
    rows = np.rint(places[..., 0] * (layout.height - 1)).astype(int)
    columns = np.rint(places[..., 1] * (layout.width - 1)).astype(int)
    paths = (rows * layout.width + columns).T.tolist()  # [agent][time]
    write_png(picture, draw_trajectory(layout, paths))


if __name__ == "__main__":
    main()
