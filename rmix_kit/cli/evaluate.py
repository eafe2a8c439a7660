"""``rmix-kit evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from rmix_kit.cli.calibration import show_calibration
from rmix_kit.cli.frontier import OPTIONS, asked_levels, frontier_options, show_frontier
from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import print_episodes, print_joint_table, print_json
from rmix_kit.cli.trust import consent_options
from rmix_kit.cli.words import CHECKPOINT, ENVIRONMENT, RISK_LEVEL, SEED

if TYPE_CHECKING:
    from rmix_kit.envs.consent import Consent

FOLDER = click.Path(path_type=Path)
OF_EPISODES = ("episodes", "seed", "risk_level", *OPTIONS)


@click.command("evaluate", cls=KitCommand)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--env", type=ENVIRONMENT, help="Another environment; by default the one of the training.")
@consent_options
@click.option("--episodes", default=32, show_default=True, type=click.IntRange(min=1), help="Greedy episodes.")
@click.option("--seed", default=0, show_default=True, type=SEED, help="Seed of the episodes.")
@click.option("--checkpoint", default="last", show_default=True, type=CHECKPOINT, help="last, best or a step.")
@click.option("--risk-level", default="dynamic", show_default=True, type=RISK_LEVEL, help="In (0, 1], or dynamic.")
@frontier_options
@click.option("--table", "as_table", is_flag=True, help="The learned value of every joint action, for one-step games.")
@click.option("--calibration", metavar="OUT", type=FOLDER, help="Compare predicted return distributions with returns.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
@click.pass_context
def command(
    context: click.Context,
    run: Path,
    env: str | None,
    consent: Consent | None,
    episodes: int,
    seed: int,
    checkpoint: str | int,
    risk_level: float | None,
    risk_levels: tuple[float | None, ...] | None,
    frontier: Path | None,
    as_table: bool,
    calibration: Path | None,
    as_json: bool,
) -> None:
    """Play greedy episodes with a checkpoint of RUN.

        rmix-kit evaluate runs/rmix
        rmix-kit evaluate runs/rmix --checkpoint best --episodes 320 --json
        rmix-kit evaluate runs/averse --risk-level 0.1
        rmix-kit evaluate runs/averse --risk-levels 0.1,1.0 --episodes 1000 --frontier dial
        rmix-kit evaluate runs/climbing --table
        rmix-kit evaluate runs/averse --episodes 1000 --risk-level 0.1 --calibration forecasts

    The same seed plays the same episodes; `rmix-kit run` on the exported agents gives the same numbers.
    """
    import rmix_kit
    from rmix_kit.envs.make import resolved_text

    if as_table:
        refuse_options_of_episodes(context)
    levels = asked_levels(context, risk_levels, frontier)
    if calibration and (levels or as_table):
        raise click.UsageError("--calibration compares at one level; leave --table, --risk-levels and --frontier out")
    loaded = rmix_kit.load(run, checkpoint=checkpoint, consent=consent)
    text = resolved_text(env or loaded.own_environment())
    if levels:
        show_frontier(
            lambda level, make_env: loaded.evaluate(text, episodes, seed, level, make_env=make_env),
            levels,
            frontier,
            who=str(run),
            env_text=text,
            episodes=episodes,
            seed=seed,
            checkpoint_step=loaded.checkpoint_step,
            value_kind=loaded.networks.agent.value_kind,
            as_json=as_json,
        )
        return
    if calibration:
        show_calibration(loaded, text, episodes, seed, risk_level, out=calibration, as_json=as_json)
        return
    if as_table:
        check_has_one_step(text)
        record = loaded.joint_table(text).to_json()
    else:
        record = dict(loaded.evaluate(env_text=text, episodes=episodes, seed=seed, risk_level=risk_level).to_json())
    if as_json:
        print_json(record)
    elif as_table:
        print_joint_table(f"{run} on {text}: the value of every joint action", record)
    else:
        print_episodes(str(run), text, record)


def refuse_options_of_episodes(context: click.Context) -> None:
    """Refuse options that say which episodes are played; a table has none.

    Raises:
        UsageError: One of them was given.
    """
    for name in OF_EPISODES:
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            option = f"--{name.replace('_', '-')}"
            raise click.UsageError(
                f"{option} is about episodes, and --table plays none; leave one of them out", context
            )


def check_has_one_step(text: str) -> None:
    """Refuse games of several steps, whose joint values depend on more than one joint action.

    Raises:
        ConfigError: With the number of steps.
    """
    from rmix_kit.errors import ConfigError
    from rmix_kit.training.joint_table import spec_of

    if (steps := spec_of(text).episode_limit) > 1:
        raise ConfigError(
            f"{text} has episodes of up to {steps} steps; --table takes games of one step, such as didactic:climbing "
            "or matrix:[[8,-12],[-12,0]] (in Python, Run.joint_table() takes longer ones)"
        )
