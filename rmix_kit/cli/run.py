"""``rmix-kit run``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rmix_kit.cli.frontier import asked_levels, frontier_options, show_frontier
from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import print_episodes, print_json
from rmix_kit.cli.trust import consent_options
from rmix_kit.cli.words import ENVIRONMENT, FORMAT, RISK_LEVEL, SEED

if TYPE_CHECKING:
    from rmix_kit.envs.consent import Consent
    from rmix_kit.envs.make import MakeEnv
    from rmix_kit.episodes import PlayedEpisodes


@click.command("run", cls=KitCommand)
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--env", type=ENVIRONMENT, help="Another environment; by default the one in the folder's manifest.")
@consent_options
@click.option("--episodes", default=32, show_default=True, type=click.IntRange(min=1), help="Episodes to play.")
@click.option("--seed", default=0, show_default=True, type=SEED, help="Seed of the episodes.")
@click.option("--risk-level", default="dynamic", show_default=True, type=RISK_LEVEL, help="In (0, 1], or dynamic.")
@frontier_options
@click.option("--format", "format_name", type=FORMAT, help="Which files to run; by default the onnx ones, if any.")
@click.option(
    "--isolated", is_flag=True, help="Give each agent a process of its own, which sees nothing of the others."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON alone.")
@click.pass_context
def command(
    context: click.Context,
    directory: Path,
    env: str | None,
    consent: Consent | None,
    episodes: int,
    seed: int,
    risk_level: float | None,
    risk_levels: tuple[float | None, ...] | None,
    frontier: Path | None,
    format_name: str | None,
    isolated: bool,
    as_json: bool,
) -> None:
    """Let the exported agents in DIR act in an environment, without torch (onnx).

        rmix-kit run agents
        rmix-kit run agents --isolated --episodes 320 --json
        rmix-kit run agents --risk-level 0.1
        rmix-kit run agents --risk-levels 0.1,1.0 --episodes 1000 --frontier dial

    With the same checkpoint and seed it prints what `rmix-kit evaluate` prints.
    """
    from rmix_kit.envs.make import make_vector_env, resolved_text
    from rmix_kit.playing.manifest import (
        checkpoint_step,
        environment_text,
        first_format,
        most_copies,
        read_export,
        value_kinds,
    )

    levels = asked_levels(context, risk_levels, frontier)
    manifest = read_export(directory)
    text = resolved_text(env or environment_text(manifest, directory, consent))
    most = most_copies(manifest, text)
    chosen = format_name or first_format(manifest)
    who = f"{directory} ({chosen}{', isolated' if isolated else ''})"

    def play(level: float | None, make_env: MakeEnv) -> PlayedEpisodes:
        return _play(
            directory, text, chosen, isolated, make_env, episodes=episodes, seed=seed, risk_level=level, most=most
        )

    if levels:
        show_frontier(
            play,
            levels,
            frontier,
            who=who,
            env_text=text,
            episodes=episodes,
            seed=seed,
            checkpoint_step=checkpoint_step(manifest),
            value_kind=value_kinds(manifest),
            as_json=as_json,
        )
        return
    played = play(risk_level, make_vector_env)
    record = played.summary(checkpoint_step(manifest), seed)
    if as_json:
        print_json(record)
    else:
        print_episodes(who, text, record)


def _play(
    directory: Path,
    text: str,
    format_name: str,
    isolated: bool,
    make_env: MakeEnv,
    *,
    episodes: int,
    seed: int,
    risk_level: float | None,
    most: int | None,
) -> PlayedEpisodes:
    from rmix_kit.envs.make import copies_to_play
    from rmix_kit.episodes import copies_for
    from rmix_kit.playing.episodes import play
    from rmix_kit.playing.isolation import IsolatedTeam
    from rmix_kit.playing.team import LocalTeam, load_team

    envs = copies_to_play(make_env, text, copies_for(episodes, most))
    try:
        if not isolated:
            team = LocalTeam(load_team(directory, format_name))
            return play(team, envs, episodes=episodes, seed=seed, risk_level=risk_level)
        with IsolatedTeam(directory, format_name) as processes:
            return play(processes, envs, episodes=episodes, seed=seed, risk_level=risk_level)
    finally:
        envs.close()
