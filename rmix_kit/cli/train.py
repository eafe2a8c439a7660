"""``rmix-kit train``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import note, print_episodes, print_json
from rmix_kit.cli.words import ALGORITHM, DEVICE, ENVIRONMENT, PRESET, SEED


@click.command("train", cls=KitCommand)
@click.option("--algo", required=True, type=ALGORITHM, help="Roster name; `rmix-kit algos` lists them.")
@click.option("--preset", type=PRESET, help="Hyper-parameters; by default the algorithm's own.")
@click.option("--env", required=True, type=ENVIRONMENT, help="Environment text; `rmix-kit envs` explains it.")
@click.option("--seed", required=True, type=SEED, help="Seed of every random stream.")
@click.option("--steps", required=True, type=click.IntRange(min=1), help="Environment steps to train for.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run; it must be new.")
@click.option("--num-envs", type=click.IntRange(min=1), help="Copies of the environment stepped together.")
@click.option("--config", type=click.Path(path_type=Path), help="YAML file laid over the preset.")
@click.option("--set", "overrides", multiple=True, metavar="a.b=c", help="One value laid over everything; repeatable.")
@click.option("--checkpoint-every", type=click.IntRange(min=1), help="Environment steps between checkpoints.")
@click.option("--resume", is_flag=True, help="Go on with the run in the folder from its last sound checkpoint.")
@click.option(
    "--extend-inexactly",
    is_flag=True,
    help="Resume with other --steps even where schedules of that plan differ so far.",
)
@click.option("--device", default="auto", show_default=True, type=DEVICE, help="Where training happens.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
def command(
    algo: str,
    preset: str | None,
    env: str,
    seed: int,
    steps: int,
    out: Path,
    num_envs: int | None,
    config: Path | None,
    overrides: tuple[str, ...],
    checkpoint_every: int | None,
    resume: bool,
    extend_inexactly: bool,
    device: str,
    as_json: bool,
) -> None:
    """Train a team and keep checkpoints and metrics in a folder.

        rmix-kit train --algo rmix --env macn:4x12 --seed 0 --steps 400000 --out runs/rmix
        rmix-kit train ... --set training.batch_size=64     change one value
        rmix-kit train ... --resume                         go on after an interruption, exactly
        rmix-kit train ... --steps MORE --resume            go on beyond what was planned

    Ctrl-C ends it in order, with a checkpoint; the exit code is then 130 (143 for SIGTERM).
    """
    from rmix_kit.config.differences import differences_from_preset
    from rmix_kit.config.load import resolve
    from rmix_kit.training.trainer import train

    resolved = resolve(
        algo=algo,
        env=env,
        seed=seed,
        steps=steps,
        preset=preset,
        config_file=config,
        overrides=overrides,
        num_envs=num_envs,
        checkpoint_every=checkpoint_every,
        device=device,
    )
    laid_over = differences_from_preset(resolved)
    run = train(resolved, out, resume=resume, extend_inexactly=extend_inexactly, overrides=laid_over)
    record = run.evaluate().to_json()
    if as_json:
        print_json({"run": str(out), "algo": algo, "env": run.config.env, **record})
    else:
        print_episodes(algo, run.config.env, record)
        note(f"next: rmix-kit export {shlex.quote(str(out))} --out agents")
