"""The best mean return on an environment, where it is known exactly."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from macn import MACNError, oracle
from macn.joint import return_grid
from macn.settings import make_settings
from rmix_kit.envs.didactic import make_game
from rmix_kit.envs.didactic.games import one_step
from rmix_kit.envs.matrix import read_payoffs
from rmix_kit.envs.text import EnvironmentText, parse
from rmix_kit.errors import ConfigError, EnvironmentTextError
from rmix_kit.reports.table import Table, make_table

_SEEN_BY_AGENTS_ALONE = ("show_agents", "include_position")  # options of MACN that do not change its game


def ends_of(env: EnvironmentText) -> tuple[float, float] | None:
    """Return the lowest return that an episode of MACN can have and the best mean return, solved exactly.

    Args:
        env: None comes back where it is no map of MACN, or one that cannot be solved.
    """
    if env.kind != "macn":
        return None
    options: dict[str, Any] = {key: value for key, value in env.options if key not in _SEEN_BY_AGENTS_ALONE}
    try:
        settings = make_settings(env.name, **options)
        solution = oracle.solve(
            settings.layout, n_agents=settings.n_agents, slip=settings.slip, max_steps=settings.max_steps
        )
    except (MACNError, TypeError):
        return None
    return float(return_grid(settings.max_steps)[0]), solution.optimal_return


@cache
def optimum_of(env: str) -> float | None:
    """Return the best mean return on an environment: of MACN's maps, the small games and payoff matrices; else None.

    Args:
        env: Environment text.
    """
    parsed = parse(env)
    if (ends := ends_of(parsed)) is not None:
        return ends[1]
    try:
        if parsed.kind == "matrix":
            return one_step("matrix", read_payoffs(parsed.name)[None]).best_return
        if parsed.kind == "didactic":
            best: float | None = getattr(make_game(parsed.name, dict(parsed.options)), "best_return", None)
            return best
    except (ConfigError, EnvironmentTextError):
        return None  # the game is another one here than where it was trained
    return None


def optimum_table(envs: Iterable[str]) -> Table:
    """Return the best mean returns that are known.

    Args:
        envs: Environment texts; the others have no row.
    """
    known = ((env, optimum_of(env)) for env in envs)
    rows = ({"environment": env, "optimum": best} for env, best in known if best is not None)
    return make_table("optima", ("environment", "optimum"), rows)
