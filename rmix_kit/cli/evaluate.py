"""``rmix-kit evaluate``."""

from __future__ import annotations

from pathlib import Path

import click

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import print_episodes, print_json
from rmix_kit.cli.words import CHECKPOINT, ENVIRONMENT, RISK_LEVEL


@click.command("evaluate", cls=KitCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--env", type=ENVIRONMENT, help="Another environment; by default the one of the training.")
@click.option("--episodes", default=32, show_default=True, type=click.IntRange(min=1), help="Greedy episodes.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(min=0), help="Seed of the episodes.")
@click.option("--checkpoint", default="last", show_default=True, type=CHECKPOINT, help="last, best or a step.")
@click.option("--risk-level", default="dynamic", show_default=True, type=RISK_LEVEL, help="In (0, 1], or dynamic.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
def command(
    run: Path,
    env: str | None,
    episodes: int,
    seed: int,
    checkpoint: str | int,
    risk_level: float | None,
    as_json: bool,
) -> None:
    """Play greedy episodes with a checkpoint of RUN.

        rmix-kit evaluate runs/rmix
        rmix-kit evaluate runs/rmix --checkpoint best --episodes 320 --json
        rmix-kit evaluate runs/averse --risk-level 0.1

    The same seed plays the same episodes; `rmix-kit run` on the exported agents gives the same numbers.
    """
    import rmix_kit

    loaded = rmix_kit.load(run, checkpoint=checkpoint)
    record = loaded.evaluate(env_text=env, episodes=episodes, seed=seed, risk_level=risk_level).to_json()
    if as_json:
        print_json(record)
    else:
        print_episodes(f"{run} on {env or loaded.config.env}", record)
