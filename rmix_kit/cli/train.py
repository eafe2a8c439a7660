"""``rmix-kit train``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import note_next, print_episodes, print_json
from rmix_kit.cli.trust import consent_options
from rmix_kit.cli.words import ALGORITHM, DEVICE, ENV_STEPS, ENVIRONMENT, PRESET, SEED, SEEDS
from rmix_kit.roster import names_code

if TYPE_CHECKING:
    from rmix_kit.envs.consent import Consent
    from rmix_kit.training.run import Run
    from rmix_kit.training.run_config import RunConfig


EXPORT_NEEDS = ("onnx", "onnxscript", "onnxruntime")


@click.command("train", cls=KitCommand)
@click.option("--algo", type=ALGORITHM, help="Roster name; `rmix-kit algos` lists them.")
@click.option("--preset", type=PRESET, help="Hyper-parameters; by default the algorithm's own.")
@click.option("--env", type=ENVIRONMENT, help="Environment text; `rmix-kit envs` explains it.")
@click.option("--seed", type=SEED, help="Seed of every random stream; 0 by default.")
@click.option("--seeds", type=SEEDS, help="Several, such as 0-7, side by side on one device, each in OUT/seed_N.")
@click.option("--steps", type=ENV_STEPS, help="Environment steps to train for, such as 400000 or 4e5.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="Folder of the run, a new one; runs/ALGO-seed-SEED by default."
)
@click.option("--num-envs", type=click.IntRange(min=1), help="Copies of the environment stepped together.")
@click.option(
    "--config", type=click.Path(path_type=Path), help="YAML file laid over the preset; a run's config.yaml says all."
)
@click.option("--set", "overrides", multiple=True, metavar="a.b=c", help="One value laid over everything; repeatable.")
@click.option("--checkpoint-every", type=ENV_STEPS, help="Environment steps between checkpoints.")
@click.option(
    "--init-from",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="Begin with the weights of another run, or of one checkpoint in it.",
)
@click.option("--resume", is_flag=True, help="Go on with the run in the folder, which says all that is not given.")
@click.option(
    "--extend-inexactly",
    is_flag=True,
    help="Resume with other --steps even where schedules of that plan differ so far.",
)
@click.option("--track", "loggers", multiple=True, metavar="NAME", help="wandb or mlflow; repeatable.")
@consent_options
@click.option("--device", type=DEVICE, help="Where training happens; auto by default.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
def command(
    algo: str | None,
    preset: str | None,
    env: str | None,
    seed: int | None,
    seeds: tuple[int, ...] | None,
    steps: int | None,
    out: Path | None,
    num_envs: int | None,
    config: Path | None,
    overrides: tuple[str, ...],
    checkpoint_every: int | None,
    init_from: Path | None,
    resume: bool,
    extend_inexactly: bool,
    loggers: tuple[str, ...],
    consent: Consent | None,
    device: str | None,
    as_json: bool,
) -> None:
    """Train a team and keep checkpoints and metrics in a folder.

        rmix-kit train --algo rmix --env macn:4x12 --seed 0 --steps 400000 --out runs/rmix
        rmix-kit train ... --set training.batch_size=64               # change one value
        rmix-kit train --resume --out runs/rmix                       # go on after an interruption, exactly
        rmix-kit train --resume --out runs/rmix --steps 6e5           # go on beyond what was planned
        rmix-kit train --config runs/rmix/config.yaml --out again     # the same run once more
        rmix-kit train ... --init-from runs/rmix                      # begin with the weights of another run
        rmix-kit train ... --seeds 0-7 --set training.rollout=device  # eight runs, games and updates on a GPU

    Ctrl-C ends it in order, with a checkpoint; the exit code is then 130 (143 for SIGTERM).
    """
    if seed is not None and seeds:
        raise click.UsageError("give --seed N, or --seeds A-B for several side by side")
    from rmix_kit.config.asked import named_folder
    from rmix_kit.config.differences import differences_from_preset
    from rmix_kit.config.load import resolve

    several = seeds or (seeds_to_resume(out) if resume and seed is None else ())
    kept = folder_to_resume(out, algo, seed, several) if resume else None
    for file in (config, kept):
        refuse_strangers_environment(file, algo=algo, env=env, consent=consent)
    refuse_missing({"--algo": algo, "--env": env, "--steps": steps}, config or kept)
    resolved = resolve(
        algo=algo,
        env=env,
        seed=several[0] if several else seed,
        steps=steps,
        preset=preset,
        config_file=config,
        kept=kept,
        overrides=overrides,
        num_envs=num_envs,
        checkpoint_every=checkpoint_every,
        device=device,
        consent=consent,
    )
    out = out or named_folder(resolved.algorithm.name, None if several else resolved.seed)
    told: Any = {"resume": resume, "extend_inexactly": extend_inexactly, "init_from": init_from}
    told["overrides"] = differences_from_preset(resolved)
    runs = _trained(resolved, several, out, loggers, told)
    _tell(resolved.algorithm.name, runs, as_json=as_json, is_list=bool(several))


def _trained(
    config: RunConfig, seeds: Sequence[int], out: Path, loggers: Sequence[str], told: Mapping[str, Any]
) -> dict[Path, Run]:
    """Train the run, or its seeds side by side; give what came of it by folder."""
    if seeds and loggers:
        raise click.UsageError("--track sends the rows of one run; give one --seed")
    if seeds:
        from rmix_kit.training.side_by_side import seed_folder, train_seeds

        places = [seed_folder(out, number) for number in seeds]
        return dict(zip(places, train_seeds(config, seeds, out, **told), strict=True))
    from rmix_kit.training.trainer import train

    return {out: train(config, out, loggers=loggers, **told)}


def seeds_to_resume(out: Path | None) -> tuple[int, ...]:
    """Return the seeds that were trained side by side in a folder; none where it is one run's."""
    from rmix_kit.training.side_by_side import seeds_in

    return () if out is None else seeds_in(out)


def folder_to_resume(out: Path | None, algo: str | None, seed: int | None, seeds: Sequence[int]) -> Path | None:
    """Return the configuration of the run that is to go on; None where none has begun.

    Args:
        out: Its folder, or that of its seeds' folders; None for the one that has a name without.
        algo: As given.
        seed: As given.
        seeds: As given, or found.
    """
    from rmix_kit.config.asked import named_folder
    from rmix_kit.training.run_folder import RunFolder
    from rmix_kit.training.side_by_side import seed_folder

    if out is None and algo is None:
        return None
    place = out or named_folder(str(algo), None if seeds else seed or 0)
    folder = RunFolder(seed_folder(place, seeds[0]) if seeds else place)
    if not folder.config.exists():
        return None
    folder.check_members()
    return folder.config


def refuse_strangers_environment(
    file: Path | None, *, algo: str | None, env: str | None, consent: Consent | None
) -> None:
    """Refuse an environment that a file alone names, where it is code and nobody has consented.

    Args:
        file: A configuration; None for none.
        algo: As typed.
        env: As typed; then the file's is not asked for.
        consent: What the person said.

    Raises:
        UntrustedCodeError: With what to do.
    """
    if file is None:
        return
    from rmix_kit.config.config_file import read_config_file
    from rmix_kit.envs.consent import allowed

    values = read_config_file(file, algo=algo, preset=None).values
    if env is None and isinstance(there := values.get("env"), str):
        allowed(there, file, consent)


def refuse_missing(given: Mapping[str, object], file: Path | None) -> None:
    """Refuse a command line that neither says what a run needs nor names a file that may.

    Raises:
        UsageError: With what is missing.
    """
    missing = [name for name, value in given.items() if value is None]
    if missing and file is None:
        raise click.UsageError(
            f"{', '.join(missing)} missing; give that, or --config RUN/config.yaml, or "
            "--resume with the --out of a run that has begun"
        )


def _tell(algo: str, runs: Mapping[Path, Run], *, as_json: bool, is_list: bool) -> None:
    """Evaluate finished runs, by their folders, and print what they do."""
    records = {place: run.evaluate().to_json() for place, run in runs.items()}
    if as_json:
        told = [{"run": str(place), "algo": algo, "env": runs[place].config.env, **records[place]} for place in runs]
        print_json(told if is_list else told[0])
        return
    for place, record in records.items():
        print_episodes(algo, runs[place].config.env, record)
    place, run = next(iter(runs.items()))
    trust = ["--trust"] if names_code(run.config.to_dict()["algo"]) else []
    note_next("", ["rmix-kit", "export", str(place), *trust], out="agents", needs=EXPORT_NEEDS)
