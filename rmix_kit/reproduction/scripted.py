"""What scripts win on SMAC's maps in the simulator: the lines that learners are drawn beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from rmix_kit.envs.smac import scripts
from rmix_kit.envs.smac.builtin import BuiltinVector
from rmix_kit.episodes import PlayedEpisodes, play_rounds
from rmix_kit.reports.scripted import COLUMNS
from rmix_kit.reports.table import Row, Table, make_table
from rmix_kit.seeding import episode_seed, generator
from rmix_kit.smac.facts import Units
from rmix_kit.smac.maps import SCENARIOS

EPISODES, COPIES, SEED = 1000, 250, 0


def play(map_name: str, script: str, *, episodes: int = EPISODES, copies: int = COPIES) -> PlayedEpisodes:
    """Play battles of a map by a script: those that every evaluation of seed 0 plays, difficulty 7.

    Args:
        map_name: A key of `SCENARIOS`.
        script: One of `scripts.NAMES`.
        episodes: How many, at least 1.
        copies: Played side by side.
    """
    envs = BuiltinVector(map_name, copies)
    rng = generator(SEED, "scripts")

    def round_of(numbers: Sequence[int]) -> PlayedEpisodes:
        step = envs.reset([episode_seed(SEED, "test", number) for number in numbers])
        returns, lengths = np.zeros(copies, dtype=np.float32), np.zeros(copies, dtype=np.int64)
        while not (ended := step.terminated | step.truncated).all():
            assert step.compact is not None
            sight = scripts.Sight(Units(**step.compact), step.avail_actions, envs.rules.facts, SCENARIOS[map_name])
            step = envs.step(scripts.act(script, sight, rng, map_name))
            returns += step.reward
            lengths += ~ended
        return PlayedEpisodes(
            returns=returns,
            success=step.success,
            fell=np.zeros(copies, dtype=np.bool_),
            lengths=lengths,
            risk_levels=np.ones((copies, 1), dtype=np.float32),
        )

    return play_rounds(round_of, episodes, copies)


def scripted_table(maps: Iterable[str]) -> Table:
    """Play every script on maps, and return what `rmix_kit.reports.scripted` keeps of it.

    Args:
        maps: Names of maps.
    """
    return make_table("scripts", COLUMNS, (row for name in maps for row in _rows(name)))


def _rows(map_name: str) -> Iterator[Row]:
    for script in scripts.NAMES:
        played = play(map_name, script)
        assert played.success is not None
        yield {
            "environment": f"smac:{map_name}?backend=builtin",
            "script": script,
            "episodes": played.episodes,
            "won": int(played.success.sum()),
            "return": round(float(played.returns.mean(dtype=np.float64)), 4),
        }
