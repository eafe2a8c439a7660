from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from rmix_kit.envs.macn import settings_of
from rmix_kit.envs.make import MakeEnv, make_vector_env
from rmix_kit.envs.text import parse
from rmix_kit.episodes import PlayedEpisodes
from rmix_kit.errors import EnvironmentTextError
from rmix_kit.reports.frontier import exact
from rmix_kit.reports.frontier.measuring import NO_SUCCESS, Frontier, estimate, measure
from rmix_kit.reports.frontier.table import markdown
from rmix_kit.reports.frontier.visits import VisitCounter, cells_of

HALF_FALL = PlayedEpisodes(
    returns=np.float32([-4, -4, -101, -101]),
    success=np.array([True, True, False, False]),
    fell=np.array([False, False, True, True]),
    lengths=np.array([5, 5, 2, 2]),
    risk_levels=np.full((4, 2), 0.5, dtype=np.float32),
)


def measured(env_text: str, *levels: float | None) -> Frontier:
    """Episodes that were never played: what stands beside them is what is tested."""

    def play(level: float | None, make_env: MakeEnv) -> PlayedEpisodes:
        make_env(env_text, 1).reset([0])
        return HALF_FALL

    return measure(play, levels, env_text=env_text, episodes=4, seed=0, who="nobody", checkpoint_step=7)


def test_quantities_of_four_hand_worked_episodes() -> None:
    found = estimate(HALF_FALL, 0.75, None, 0)
    assert {name: one.measured for name, one in found.items()} == {
        "return_mean": -52.5,
        "cvar_0.1": -101.0,
        "cvar_0.25": -101.0,
        "cvar_0.75": pytest.approx(-206 / 3),
        "fall_rate": 0.5,
        "success_rate": 0.5,
        "episode_length_mean": 3.5,
        "risk_level_mean": 0.5,
    }


def test_an_interval_holds_what_was_measured() -> None:
    assert all(one.low <= one.measured <= one.high for one in estimate(HALF_FALL, 0.5, None, 0).values())


def test_intervals_are_the_same_for_the_same_seed() -> None:
    assert estimate(HALF_FALL, 0.5, None, 3) == estimate(HALF_FALL, 0.5, None, 3)


def test_exact_values_stand_beside_each_level_on_macn() -> None:
    frontier = measured("macn:bridge?slip=0.1", 0.1, 1.0)
    averse, neutral = frontier.levels
    assert averse.estimates["fall_rate"].exact == pytest.approx(0.0, abs=1e-4)
    assert neutral.estimates["fall_rate"].exact == pytest.approx(0.052, abs=5e-4)
    assert neutral.estimates["return_mean"].difference == pytest.approx(-52.5 + 8.66, abs=0.005)


def test_exact_values_come_with_what_the_oracle_knows() -> None:
    assert "full information" in measured("macn:4x7", 1.0).remarks[0]


def test_dynamic_has_no_exact_values_and_says_why() -> None:
    frontier = measured("macn:4x7", None)
    assert {one.exact for one in frontier.levels[0].estimates.values()} == {None}
    assert "no exact values at dynamic" in frontier.remarks[-1]


def test_a_game_too_large_for_the_oracle_is_measured_and_says_why() -> None:
    frontier = measured("macn:4x12?n_agents=4", 0.5, 1.0)
    assert frontier.levels[0].estimates["return_mean"].difference is None
    (remark,) = frontier.remarks
    assert "no exact values: 4 agents on 38 cells make 533,794,816 joint state-actions" in remark


def test_a_game_that_would_keep_the_oracle_busy_is_refused_with_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "MOST_NUMBERS", 1000)
    assert "at most 1,000 are computed beside a measurement" in measured("macn:4x7", 1.0).remarks[-1]


def test_other_environments_have_neither_exact_values_nor_visits() -> None:
    frontier = measured("didactic:climbing", 1.0)
    assert frontier.remarks == ()
    assert frontier.levels[0].visits is None


def test_rows_have_one_entry_per_level_and_quantity() -> None:
    rows = measured("didactic:climbing", 0.5, None).rows()
    assert [(row["risk_level"], row["quantity"]) for row in rows][:4] == [
        (0.5, "return_mean"),
        (0.5, "cvar_0.1"),
        (0.5, "cvar_0.25"),
        (0.5, "cvar_0.5"),
    ]
    assert {row["risk_level"] for row in rows} == {0.5, "dynamic"}


def test_settings_of_a_text_are_those_of_its_copies() -> None:
    settings = settings_of(parse("macn:bridge?slip=0.1&n_agents=3&max_cycles=20"))
    assert (settings.layout.name, settings.slip, settings.n_agents, settings.max_steps) == ("bridge", 0.1, 3, 20)
    with pytest.raises(EnvironmentTextError, match="slip is 2"):
        settings_of(parse("macn:bridge?slip=2"))


@pytest.mark.parametrize("text", ["macn:4x7?n_agents=3", "macn:SG", "macn:corridors"])
def test_cells_are_read_from_the_state(text: str) -> None:
    settings = settings_of(parse(text))
    envs = make_vector_env(text, 3)
    step = envs.reset([0, 1, 2])
    cells = np.tile(settings.layout.start_cells(settings.n_agents), (3, 1))
    rng = np.random.default_rng(0)
    for _ in range(20):
        np.testing.assert_array_equal(cells_of(step.state, settings.layout), cells)
        actions = rng.integers(0, 4, cells.shape)
        moves = np.array([[-1, 0], [1, 0], [0, -1], [0, 1]])[actions]  # [env, agent, row and column]
        rows, columns = cells // settings.layout.width + moves[..., 0], cells % settings.layout.width + moves[..., 1]
        is_inside = (rows >= 0) & (rows < settings.layout.height) & (columns >= 0) & (columns < settings.layout.width)
        there = np.where(is_inside, rows * settings.layout.width + columns, cells)
        marks = np.array(list(settings.layout.cells))
        is_held = (marks[there] == "#") | (marks[cells] == "G") | step.has_ended[:, None]
        cells = np.where(is_held, cells, there)
        step = envs.step(actions)


def test_a_round_beyond_the_wanted_episodes_is_not_counted() -> None:
    counter = VisitCounter(make_vector_env("macn:SG", 2), settings_of(parse("macn:SG")).layout, 3)
    for right_or_left in (3, 2):
        counter.reset([0, 1])
        counter.step(np.full((2, 2), right_or_left))
    visits = counter.visits()
    np.testing.assert_allclose(visits.share, [[1.0, 2 / 3]] * 2)
    np.testing.assert_allclose(visits.steps, [[4 / 3, 2 / 3]] * 2)


def silent_at(*levels: float) -> Frontier:
    """Episodes of which nothing is said of success at these levels."""

    def play(level: float | None, make_env: MakeEnv) -> PlayedEpisodes:
        return replace(HALF_FALL, success=None) if level in levels else HALF_FALL

    return measure(play, (0.1, 1.0), env_text="didactic:climbing", episodes=4, seed=0)


def test_where_success_is_not_reported_there_is_no_number_of_it() -> None:
    found = silent_at(0.1, 1.0)
    rows = [row for row in found.rows() if row["quantity"] == "success_rate"]
    assert [row["risk_level"] for row in rows] == [0.1, 1.0]
    assert {row[name] for row in rows for name in ("measured", "low", "high", "exact", "difference")} == {None}
    assert "success" not in markdown(found)
    assert NO_SUCCESS in found.remarks


def test_what_one_level_says_of_success_holds_for_all() -> None:
    found = silent_at(0.1)
    assert [level.estimates["success_rate"].measured for level in found.levels] == [0.0, 0.5]
    assert NO_SUCCESS not in found.remarks
