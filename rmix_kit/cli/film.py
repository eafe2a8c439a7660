"""``rmix-kit film``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from rmix_kit.cli.kit import KitCommand
from rmix_kit.cli.output import note, print_episodes, print_json
from rmix_kit.cli.trust import consent_options
from rmix_kit.cli.words import CHECKPOINT, ENVIRONMENT, RISK_LEVEL, RISK_LEVELS, SEED

if TYPE_CHECKING:
    from collections.abc import Callable

    from rmix_kit.envs.consent import Consent
    from rmix_kit.films.film import Film


@click.command("film", cls=KitCommand)
@click.argument("source", metavar="RUN_OR_EXPORT", type=click.Path(path_type=Path))
@click.option("--env", type=ENVIRONMENT, help="Another environment; by default the one of the training.")
@consent_options
@click.option("--episodes", default=3, show_default=True, type=click.IntRange(min=1), help="Greedy episodes.")
@click.option("--seed", default=0, show_default=True, type=SEED, help="Seed of the episodes.")
@click.option(
    "--checkpoint", default="last", show_default=True, type=CHECKPOINT, help="last, best or a step, of a run."
)
@click.option("--risk-level", default="dynamic", show_default=True, type=RISK_LEVEL, help="In (0, 1], or dynamic.")
@click.option("--risk-levels", type=RISK_LEVELS, help="Several, one after the other, such as 0.1,1.0; .gif and .mp4.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="File to write: .html, .gif or .mp4.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON; remarks go to standard error.")
@click.pass_context
def command(
    context: click.Context,
    source: Path,
    env: str | None,
    consent: Consent | None,
    episodes: int,
    seed: int,
    checkpoint: str | int,
    risk_level: float | None,
    risk_levels: tuple[float | None, ...] | None,
    out: Path,
    as_json: bool,
) -> None:
    """Show what the agents of a run, or exported agents, do and think, step by step.

        rmix-kit film runs/rmix --out film.html
        rmix-kit film agents --episodes 5 --risk-level 0.1 --out careful.html
        rmix-kit film runs/rmix --checkpoint best --episodes 1 --out film.gif
        rmix-kit film agents --episodes 1 --risk-levels 0.1,0.5,1.0 --out dial.gif

    The page opens from disk, without a network: the scene, rewards, risk levels, action values and, of a run, return
    distributions. The episodes are those that `rmix-kit evaluate` and `rmix-kit run` count with the same options.
    """
    from rmix_kit.films.writing import check_target, write

    check_target(out)
    if risk_levels and (risk_level is not None or out.suffix.lower() == ".html"):
        raise click.UsageError("--risk-levels is for .gif and .mp4, in place of --risk-level; a page is of one level")
    play = _player(context, source, env, consent, checkpoint, episodes=episodes, seed=seed)
    films = [play(level) for level in risk_levels or (risk_level,)]
    film = films[0].with_episodes_of(films[1:])
    size = write(film, out)
    told = {"env": film.env, "out": str(out), "steps": film.steps, "bytes": size}
    if not as_json:
        for one in films:
            level = "" if risk_levels is None else f", risk level {one.risk_level or 'dynamic'}"
            print_episodes(f"{source}{level}", one.env, one.metrics)
    elif risk_levels is None:
        print_json({**film.metrics, **told})
    else:
        print_json({**told, "levels": [{"risk_level": one.risk_level, **one.metrics} for one in films]})
    note(f"film of {film.steps} steps: {out} ({size / 1e6:.2f} MB)")


def _player(
    context: click.Context,
    source: Path,
    env: str | None,
    consent: Consent | None,
    checkpoint: str | int,
    **asked: int,
) -> Callable[[float | None], Film]:
    """Return what plays and films a run's or an export's episodes at a risk level."""
    if (source / "config.yaml").is_file():
        import rmix_kit
        from rmix_kit.films.from_run import film_run

        run = rmix_kit.load(source, checkpoint=checkpoint, consent=consent)
        return lambda level: film_run(run, env, risk_level=level, **asked)
    if (source / "manifest.json").is_file():
        if context.get_parameter_source("checkpoint") is ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--checkpoint is of runs, and {source} is an export of one; leave it out", context)
        from rmix_kit.films.from_export import film_export

        return lambda level: film_export(source, env, consent=consent, risk_level=level, **asked)
    from rmix_kit.errors import RunFolderError

    raise RunFolderError(
        f"{source} is neither a run (with config.yaml) nor exported agents (with manifest.json); give the folder "
        "that rmix-kit train or rmix-kit export wrote"
    )
