"""``rmix-kit config``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmix_kit.cli.kit import KitCommand, KitGroup
from rmix_kit.cli.output import print_json, print_rows
from rmix_kit.cli.trust import consent_options
from rmix_kit.cli.words import ALGORITHM, DEVICE, ENV_STEPS, ENVIRONMENT, PRESET, SEED, Word

if TYPE_CHECKING:
    from rmix_kit.envs.consent import Consent


@click.group("config", cls=KitGroup)
def command() -> None:
    """Show what a run would be trained with, or the schema of the files that say so.

        rmix-kit config show --algo rmix --env macn:4x12
        rmix-kit config schema sweep

    docs/configuration.md explains the files.
    """


@command.command("show", cls=KitCommand)
@click.option("--algo", type=ALGORITHM, help="Roster name; `rmix-kit algos` lists them.")
@click.option("--preset", type=PRESET, help="Hyper-parameters; by default the algorithm's own.")
@click.option("--env", type=ENVIRONMENT, help="Environment text; `rmix-kit envs` explains it.")
@click.option("--seed", type=SEED, help="Seed of every random stream.")
@click.option("--steps", type=ENV_STEPS, help="Environment steps; left out they are not shown.")
@click.option("--num-envs", type=click.IntRange(min=1), help="Copies of the environment stepped together.")
@click.option("--config", type=click.Path(path_type=Path), help="YAML file laid over the preset.")
@click.option("--set", "overrides", multiple=True, metavar="a.b=c", help="One value laid over everything; repeatable.")
@click.option("--checkpoint-every", type=ENV_STEPS, help="Environment steps between checkpoints.")
@click.option("--device", type=DEVICE, help="Where training happens; auto by default.")
@consent_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def show_command(
    algo: str | None,
    preset: str | None,
    env: str | None,
    seed: int | None,
    steps: int | None,
    num_envs: int | None,
    config: Path | None,
    overrides: tuple[str, ...],
    checkpoint_every: int | None,
    device: str | None,
    consent: Consent | None,
    as_json: bool,
) -> None:
    """Show every setting of a run with where its value came from; the options are those of `train`.

        rmix-kit config show --algo rmix --env macn:4x12 --set training.batch_size=64
        rmix-kit config show --config runs/rmix/config.yaml --json

    A value is a default, or was given by the preset, a frame (for its kind of environment), a file, or here.
    """
    from rmix_kit.config.config_file import read_config_files
    from rmix_kit.config.load import settled
    from rmix_kit.config.sources import sourced

    has_steps = steps is not None or any(
        file.values.get("steps") is not None for file in read_config_files((config,), algo=algo, preset=preset)
    )
    found = settled(
        algo=algo,
        env=env,
        seed=seed,
        steps=steps if has_steps else 1,
        preset=preset,
        config_file=config,
        overrides=overrides,
        num_envs=num_envs,
        checkpoint_every=checkpoint_every,
        device=device,
        consent=consent,
        report=lambda line: None,
    )
    values = [value for value in sourced(found) if has_steps or value.name != "steps"]
    if as_json:
        print_json([asdict(value) for value in values])
        return
    rows = [(value.name, value.value, value.place or value.source) for value in values]
    print_rows("", rows, header=("setting", "value", "from"))


@command.command("schema", cls=KitCommand)
@click.argument("what", metavar="WHAT", type=Word(("preset", "config", "sweep")))
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone, which it does anyway.")
def schema_command(what: str, as_json: bool) -> None:
    """Print the JSON schema of a file that people write: WHAT is preset, config (for `train --config`) or sweep.

        rmix-kit config schema sweep > sweep.schema.json

    Editors complete and check a YAML file that says so in its first line:

        # yaml-language-server: $schema=sweep.schema.json
    """
    del as_json
    if what == "sweep":
        from rmix_kit.sweeps.json_schema import sweep_schema

        print_json(sweep_schema())
        return
    from rmix_kit.config.json_schema import config_schema, preset_schema

    print_json(preset_schema() if what == "preset" else config_schema())
