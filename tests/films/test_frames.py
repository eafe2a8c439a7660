"""Environments that draw themselves, where no stage of ours does."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest

import rmix_kit
from rmix_kit.envs.interface import pictured
from rmix_kit.envs.make import make_drawn, make_vector_env
from rmix_kit.films.film import Film
from rmix_kit.films.from_run import film_run
from rmix_kit.films.page_file import packed
from rmix_kit.films.writing import write
from rmix_kit.plotting.png import SIGNATURE
from tests.fixtures.trained import Trained

OPTIONS = "layout=4x7&slip=0.1&include_position=true&max_steps=20"
DRAWS_ITSELF = f"pettingzoo:macn.parallel_env?{OPTIONS}"


@pytest.fixture(scope="module")
def drawn(trained: Trained) -> Film:
    return film_run(rmix_kit.load(trained.run), DRAWS_ITSELF, episodes=2)


def test_an_environment_with_a_render_mode_is_made_to_draw_and_plays_the_same() -> None:
    envs, plain = make_drawn(DRAWS_ITSELF, 2), make_vector_env(DRAWS_ITSELF, 2)
    for team in (envs, plain):
        team.reset([3, 4])
    drawing, silent = pictured(envs), pictured(plain)
    assert drawing is not None
    assert silent is not None
    frame = drawing.frame(1)
    assert frame is not None
    assert (frame.dtype, frame.shape[2]) == (np.uint8, 3)
    assert silent.could_draw
    assert silent.frame(0) is None
    actions = np.full((2, envs.spec.n_agents), 3)
    assert envs.step(actions).obs.tolist() == plain.step(actions).obs.tolist()


@pytest.mark.parametrize("text", ["didactic:two-step", "macn:4x7", f"{DRAWS_ITSELF}&render_mode=ansi"])
def test_one_that_has_no_pictures_or_was_given_another_mode_is_left_as_it_is(text: str) -> None:
    envs = make_drawn(text, 1)
    envs.reset([0])
    found = pictured(envs)
    assert found is None or found.frame(0) is None


def test_a_film_holds_a_picture_for_every_scene(drawn: Film) -> None:
    assert drawn.env == DRAWS_ITSELF
    assert drawn.stage["kind"] == "frames"
    for episode in drawn.episodes:
        assert len(episode.scenes) == episode.length + 1
        assert all(base64.b64decode(scene["frame"]).startswith(SIGNATURE) for scene in episode.scenes)


def test_what_is_drawn_changes_no_number(drawn: Film, trained: Trained) -> None:
    assert dict(drawn.metrics) == rmix_kit.load(trained.run).evaluate(DRAWS_ITSELF, 2).to_json()


def test_a_gif_shows_the_pictures(drawn: Film, tmp_path: Path) -> None:
    assert write(drawn, tmp_path / "film.gif") > 0


def test_the_page_has_no_fall_rate_where_nobody_falls_and_tells_the_reward_scale(values: Film, cliff: Film) -> None:
    assert "fall_rate" in packed(cliff, "1")["metrics"]
    assert "fall_rate" in cliff.metrics
    assert "fall_rate" not in packed(values, "1")["metrics"]
    assert packed(cliff, "1")["value_scale"] == cliff.reward_scale > 0
    json.dumps(packed(values, "1"), allow_nan=False)
