"""``rmix-kit train``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import note, print_episodes, print_json
from rmix_kit.cli.words import ALGORITHM, DEVICE, ENVIRONMENT, PRESET, SEED, SEEDS

if TYPE_CHECKING:
    from rmix_kit.training.run import Run


@click.command("train", cls=KitCommand)
@click.option("--algo", required=True, type=ALGORITHM, help="Roster name; `rmix-kit algos` lists them.")
@click.option("--preset", type=PRESET, help="Hyper-parameters; by default the algorithm's own.")
@click.option("--env", required=True, type=ENVIRONMENT, help="Environment text; `rmix-kit envs` explains it.")
@click.option("--seed", type=SEED, help="Seed of every random stream; required, unless --seeds is given.")
@click.option("--seeds", type=SEEDS, help="Several, such as 0-7, side by side on one device, each in OUT/seed_N.")
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
@click.option("--track", "loggers", multiple=True, metavar="NAME", help="wandb or mlflow; repeatable.")
@click.option("--device", default="auto", show_default=True, type=DEVICE, help="Where training happens.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
def command(
    algo: str,
    preset: str | None,
    env: str,
    seed: int | None,
    seeds: tuple[int, ...] | None,
    steps: int,
    out: Path,
    num_envs: int | None,
    config: Path | None,
    overrides: tuple[str, ...],
    checkpoint_every: int | None,
    resume: bool,
    extend_inexactly: bool,
    loggers: tuple[str, ...],
    device: str,
    as_json: bool,
) -> None:
    """Train a team and keep checkpoints and metrics in a folder.

        rmix-kit train --algo rmix --env macn:4x12 --seed 0 --steps 400000 --out runs/rmix
        rmix-kit train ... --set training.batch_size=64     change one value
        rmix-kit train ... --resume                         go on after an interruption, exactly
        rmix-kit train ... --steps MORE --resume            go on beyond what was planned
        rmix-kit train ... --seeds 0-7 --set training.rollout=device      eight runs, games and updates on a GPU

    Ctrl-C ends it in order, with a checkpoint; the exit code is then 130 (143 for SIGTERM).
    """
    several = seeds or ()
    if several and loggers:
        raise click.UsageError("--track sends the rows of one run; give one --seed")
    if (seed is None) == (not several):
        raise click.UsageError("give --seed N, or --seeds A-B for several side by side")
    from rmix_kit.config.differences import differences_from_preset
    from rmix_kit.config.load import resolve

    resolved = resolve(
        algo=algo,
        env=env,
        seed=several[0] if seed is None else seed,
        steps=steps,
        preset=preset,
        config_file=config,
        overrides=overrides,
        num_envs=num_envs,
        checkpoint_every=checkpoint_every,
        device=device,
    )
    laid_over = differences_from_preset(resolved)
    if several:
        from rmix_kit.training.side_by_side import seed_folder, train_seeds

        runs = train_seeds(
            resolved, several, out, resume=resume, extend_inexactly=extend_inexactly, overrides=laid_over
        )
        places = [seed_folder(out, number) for number in several]
    else:
        from rmix_kit.training.trainer import train

        how: dict[str, Any] = {"resume": resume, "extend_inexactly": extend_inexactly, "loggers": loggers}
        runs = [train(resolved, out, overrides=laid_over, **how)]
        places = [out]
    _tell(algo, dict(zip(places, runs, strict=True)), as_json=as_json, is_list=bool(several))


def _tell(algo: str, runs: Mapping[Path, Run], *, as_json: bool, is_list: bool) -> None:
    """Evaluate finished runs, by their folders, and print what they do."""
    records = {place: run.evaluate().to_json() for place, run in runs.items()}
    if as_json:
        told = [{"run": str(place), "algo": algo, "env": runs[place].config.env, **records[place]} for place in runs]
        print_json(told if is_list else told[0])
        return
    for place, record in records.items():
        print_episodes(algo, runs[place].config.env, record)
    note(f"next: rmix-kit export {shlex.quote(str(next(iter(runs))))} --out agents")
