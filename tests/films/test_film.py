"""A film is what `rmix-kit evaluate` and `rmix-kit run` count, step by step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import rmix_kit
from rmix_kit.envs.make import make_vector_env
from rmix_kit.films.film import Film
from rmix_kit.films.from_export import film_export
from rmix_kit.films.from_run import film_run
from rmix_kit.playing.episodes import play
from rmix_kit.playing.team import LocalTeam, load_team
from rmix_kit.seeding import episode_seed
from rmix_kit.training.run import Run
from tests.fixtures.trained import ENVIRONMENT, Trained


def assert_counts(film: Film, run: Run, *, seed: int = 0, risk_level: float | None = None) -> None:
    """The film's episodes and metrics are those of an evaluation nobody watched."""
    count = len(film.episodes)
    expected = run.evaluate(film.env, count, seed, risk_level)
    assert film.metrics == expected.to_json()
    assert [episode.team_return for episode in film.episodes] == expected.returns.tolist()
    assert [episode.length for episode in film.episodes] == expected.lengths.tolist()
    assert [episode.success for episode in film.episodes] == expected.success.tolist()
    assert [episode.fell for episode in film.episodes] == expected.fell.tolist()
    levels = [episode.risk_levels.mean(0, dtype=np.float64) for episode in film.episodes]  # [episode][agent]
    np.testing.assert_allclose(levels, expected.risk_levels, rtol=1e-6)  # the evaluation keeps its means in float32


@pytest.mark.parametrize("risk_level", [None, 0.4])
def test_a_recorded_run_counts_what_evaluate_counts(trained: Trained, risk_level: float | None) -> None:
    run = rmix_kit.load(trained.run)
    film = film_run(run, episodes=5, seed=2, risk_level=risk_level)
    assert_counts(film, run, seed=2, risk_level=risk_level)


def test_a_recorded_battle_counts_what_evaluate_counts(battle: Film, battle_run: Path) -> None:
    assert_counts(battle, rmix_kit.load(battle_run))


def test_more_episodes_than_copies_keep_their_order(trained: Trained) -> None:
    run = rmix_kit.load(trained.run)
    film = film_run(run, "macn:4x7?include_position=true&max_steps=3", episodes=35, seed=7)
    assert [episode.seed for episode in film.episodes] == [episode_seed(7, "test", i) for i in range(35)]
    assert_counts(film, run, seed=7)


@pytest.mark.parametrize("risk_level", [None, 0.4])
def test_recorded_exports_count_what_run_counts(trained: Trained, risk_level: float | None) -> None:
    film = film_export(trained.agents, episodes=4, seed=1, risk_level=risk_level)
    team = LocalTeam(load_team(trained.agents, "onnx"))
    played = play(team, make_vector_env(ENVIRONMENT, 4), episodes=4, seed=1, risk_level=risk_level)
    assert [episode.team_return for episode in film.episodes] == played.returns.tolist()
    assert film.metrics["risk_level_mean"] == pytest.approx(float(played.risk_levels.mean()), rel=1e-6)


def test_an_export_thinks_what_its_run_thinks(cliff: Film, exported_cliff: Film) -> None:
    for run, export in zip(cliff.episodes, exported_cliff.episodes, strict=True):
        np.testing.assert_allclose(export.action_values, run.action_values, atol=1e-4)  # the parity rule
        np.testing.assert_array_equal(export.actions, run.actions)


def test_an_export_has_no_distribution(exported_cliff: Film) -> None:
    assert not exported_cliff.has_distributions
    assert exported_cliff.risky_margin is None
    assert exported_cliff.episodes[0].quantiles is None


def test_rewards_add_up_to_the_return(battle: Film) -> None:
    for episode in battle.episodes:
        assert episode.rewards.sum(dtype=np.float64) == pytest.approx(episode.team_return, rel=1e-6)


def test_the_chosen_action_is_the_best_that_is_available(battle: Film) -> None:
    for episode in battle.episodes:
        open_values = np.where(episode.avail_actions, episode.action_values, -np.inf)
        np.testing.assert_array_equal(episode.actions, open_values.argmax(-1))


def test_the_value_of_the_chosen_action_is_the_cvar_of_its_distribution(trained: Trained) -> None:
    episode = film_run(rmix_kit.load(trained.run), episodes=1, risk_level=0.25).episodes[0]
    assert episode.quantiles is not None
    n_quantiles = episode.quantiles.shape[-1]
    assert n_quantiles % 4 == 0  # so that a quarter is whole quantiles, and the CVaR their plain mean
    worst = episode.quantiles[..., : n_quantiles // 4].mean(-1)
    chosen = np.take_along_axis(episode.action_values, episode.actions[..., None], -1)[..., 0]
    np.testing.assert_allclose(worst, chosen, atol=1e-5)  # float32 sums in another order


def test_tails_are_no_better_than_the_neutral_values(trained: Trained) -> None:
    episode = film_run(rmix_kit.load(trained.run), episodes=1, risk_level=1.0).episodes[0]
    assert episode.tails is not None
    assert (episode.tails <= episode.action_values + 1e-5).all()
    assert (episode.tails < episode.action_values - 1e-5).any()


def test_quantiles_ascend_and_share_all_probability(cliff: Film) -> None:
    assert cliff.edges is not None
    assert (cliff.edges[0], cliff.edges[-1]) == (0.0, 1.0)
    for episode in cliff.episodes:
        assert episode.quantiles is not None
        assert episode.quantiles.shape[-1] == len(cliff.edges) - 1
        assert (np.diff(episode.quantiles, axis=-1) >= 0).all()


def test_dead_agents_stand_at_level_zero(battle: Film) -> None:
    episode = battle.episodes[0]
    assert episode.is_out.any()
    assert (episode.shown_levels[episode.is_out] == 0).all()
    assert (episode.shown_levels[~episode.is_out] > 0).all()
    assert (episode.risk_levels > 0).all()  # what evaluate's mean counts


def test_the_dead_can_do_nothing(battle: Film) -> None:
    for episode in battle.episodes:
        assert (episode.avail_actions[episode.is_out].sum(-1) == 1).all()


def test_values_without_a_distribution_are_recorded(values: Film) -> None:
    assert (values.value_kind, values.is_risk_aware, values.has_distributions) == ("q", False, False)
    assert values.stage == {"kind": "table", "elements": len(values.episodes[0].scenes[0]["obs"][0])}
    assert [len(episode.scenes) for episode in values.episodes] == [episode.length + 1 for episode in values.episodes]
