"""A copy that is restarted plays the episode of its seed, whatever the others do meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import NamedTuple

import numpy as np
import pytest

from macn.layout import CliffLayout
from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.make import make_vector_env
from rmix_kit.envs.smac import builtin
from rmix_kit.episodes import PlayedEpisodes
from rmix_kit.errors import EnvironmentContractError
from rmix_kit.films.watching import Decision, WatchedEnvs
from rmix_kit.reports.frontier.visits import VisitCounter
from rmix_kit.smac.engine import ArrayEngine
from rmix_kit.types import IntArray, TimeStep
from tests.fixtures.compact_env import CompactEnv

COPIES, STEPS = 3, 45
TEXTS = (
    "macn:4x12?slip=0.3&include_position=true",
    "macn:4x7?n_agents=3&show_agents=true&max_steps=6",
    "matrix:[[8,-12],[-12,0]]",
    "didactic:two-step",
    "didactic:climbing?noise=partial",
    "didactic:predator-prey",
    "didactic:car-following?crash=1",
    "smac:3m?backend=builtin",
    "smac:MMM2?backend=builtin",
    "pettingzoo:macn.parallel_env?layout=4x7&slip=0.2&max_steps=9",
    "pettingzoo:tests.fixtures.signal_env.make?scale=5000.0&bounds=none",
    "gymnasium:tests.envs.corpus.gymnasium_teams:CorpusListed-v0",
)
Make = Callable[[int], VectorEnv]


class Played(NamedTuple):
    """An episode of one copy, up to its end or to where it was broken off."""

    seed: int
    steps: list[TimeStep]
    actions: list[IntArray]


def of_text(text: str) -> Make:
    return lambda copies: make_vector_env(text, copies)


def watched(copies: int) -> WatchedEnvs:
    envs = WatchedEnvs(make_vector_env("macn:4x12", copies))
    zeros = np.zeros((copies, envs.spec.n_agents, envs.spec.n_actions), dtype=np.float32)
    envs.decided(Decision(action_values=zeros, risk_level=zeros[..., 0]))
    return envs


def counted(copies: int) -> VisitCounter:
    return VisitCounter(make_vector_env("macn:4x12", copies), CliffLayout.parse("4x12"), 5)


MAKES: dict[str, Make] = {
    **{text: of_text(text) for text in TEXTS},
    "a codec": CompactEnv,
    "watched": watched,
    "counted": counted,
}


def allowed(step: TimeStep, rng: np.random.Generator) -> IntArray:
    mask = step.avail_actions | ~step.avail_actions.any(-1, keepdims=True)
    return np.where(mask, rng.random(mask.shape), -1.0).argmax(-1)


def row(step: TimeStep, copy: int) -> dict[str, bytes]:
    """All that one copy shows."""
    named = {entry.name: getattr(step, entry.name) for entry in fields(step) if entry.name != "compact"}
    arrays = {name: array for name, array in named.items() if array is not None} | dict(step.compact or {})
    return {name: array[copy].tobytes() for name, array in arrays.items()}


def play(envs: VectorEnv, seed: int) -> list[tuple[int, Played]]:
    """Plays at random; copies start anew at their end, some in their midst, some later. Gives copies and episodes."""
    rng, step = np.random.default_rng(seed), envs.reset(list(range(COPIES)))
    going = [Played(copy, [step], []) for copy in range(COPIES)]
    over: list[tuple[int, Played]] = []
    for time in range(STEPS):
        starts = np.where(step.has_ended, rng.random(COPIES) < 0.7, rng.random(COPIES) < 0.05)
        if starts.any():
            seeds = [100 * (time + 1) + int(copy) for copy in np.flatnonzero(starts)]
            before, step = step, envs.restart(starts, seeds)
            assert not step.reward.any()
            for copy in np.flatnonzero(~starts):
                assert {**row(before, copy), "reward": b""} == {**row(step, copy), "reward": b""}
            for copy, its_seed in zip(np.flatnonzero(starts).tolist(), seeds, strict=True):
                over.append((copy, going[copy]))
                going[copy] = Played(its_seed, [step], [])
        actions = allowed(step, rng)
        step = envs.step(actions)
        for copy, episode in enumerate(going):
            episode.actions.append(actions[copy])
            episode.steps.append(step)
    return [*over, *enumerate(going)]


def check(make: Make) -> None:
    """Compares every episode with that of a copy alone that is reset with the same seed."""
    envs, alone = make(COPIES), make(1)
    for copy, episode in play(envs, 0):
        step = alone.reset([episode.seed])
        for time, shown in enumerate(episode.steps):
            if time:
                step = alone.step(episode.actions[time - 1][None])
            assert row(shown, copy) == row(step, 0), f"seed {episode.seed}, step {time}"
    envs.close()
    alone.close()


@pytest.mark.parametrize("name", MAKES)
def test_a_restarted_copy_plays_the_episode_of_its_seed(name: str) -> None:
    check(MAKES[name])


def test_so_it_does_where_battles_are_not_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builtin, "engine_of", ArrayEngine)
    check(of_text("smac:3m?backend=builtin"))


@pytest.mark.parametrize("name", MAKES)
def test_copies_and_seeds_must_fit(name: str) -> None:
    envs = MAKES[name](COPIES)
    envs.reset(list(range(COPIES)))
    with pytest.raises(EnvironmentContractError, match="2 seeds for 1 copies"):
        envs.restart(np.array([False, True, False]), [1, 2])
    with pytest.raises(EnvironmentContractError, match=r"bool \(2,\); expected bool \(3,\)"):
        envs.restart(np.array([False, True]), [1])
    envs.close()


RIGHT = np.full((2, 2), 3)  # into the cliff, from where an episode begins


def played_thrice(envs: VectorEnv) -> None:
    """Two copies play three episodes of one step each; seeds 0 to 5."""
    envs.reset([0, 1])
    for seed in (2, 4):
        step = envs.step(RIGHT)
        assert step.has_ended.all()
        envs.restart(step.has_ended, [seed, seed + 1])
    envs.step(RIGHT)


def test_visits_are_counted_of_restarted_copies_too() -> None:
    envs = counted(2)  # of five episodes
    played_thrice(envs)
    visits = envs.visits()
    assert np.unique(visits.share).tolist() == [0.0, 1.0]  # the start and the cliff, once an episode
    assert visits.steps.sum() == 2 * 2  # agents; the sixth episode does not count


def test_a_film_holds_the_episodes_of_restarted_copies() -> None:
    envs = watched(2)
    played_thrice(envs)
    zeros = np.zeros(6, dtype=np.float32)
    played = PlayedEpisodes(
        returns=zeros, success=None, fell=zeros > 0, lengths=zeros.astype(np.int64), risk_levels=zeros[:, None]
    )
    film = envs.episodes(played)
    assert [episode.seed for episode in film] == [0, 1, 2, 3, 4, 5]
    assert [len(episode.rewards) for episode in film] == [1] * 6
