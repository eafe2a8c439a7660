"""The page by itself: whole, small, and safe whatever the names in it hold. What it does is tested in a browser."""

from __future__ import annotations

import base64
import importlib.resources
import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rmix_kit.films.film import Episode, Film
from rmix_kit.films.page_file import SCRIPTS, embedded, packed, page_of

FOLDER = importlib.resources.files("rmix_kit.films") / "page"
NASTY = "</script><script>alert(1)</script><!--@SCRIPT@ & <b>\u2028"


def data_of(page: str) -> Any:
    found = re.search(r'<script type="application/json" id="film">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def array_of(table: dict[str, Any]) -> np.ndarray:
    raw = np.frombuffer(base64.b64decode(table["data"]), dtype=table["dtype"]).reshape(table["shape"])
    return raw * table["step"] + table["low"] if "step" in table else raw


def test_every_script_of_the_folder_is_in_the_page() -> None:
    assert sorted(SCRIPTS) == sorted(entry.name for entry in FOLDER.iterdir() if entry.name.endswith(".js"))


@pytest.mark.parametrize("name", [*SCRIPTS, "page.html", "style.css"])
def test_nothing_in_the_page_reaches_out(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//[a-z]|\bsrc=|@import|url\(|fetch\(|XMLHttpRequest|import\(", text)


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_make_text_of_data_and_never_markup(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8").replace("// Elements without innerHTML", "")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", text)


@pytest.mark.parametrize("name", [*SCRIPTS, "style.css"])
def test_files_of_the_page_have_one_subject_each(name: str) -> None:
    assert len((FOLDER / name).read_text(encoding="utf-8").splitlines()) <= 300


def test_names_cannot_leave_the_data(cliff: Film) -> None:
    page = page_of(replace(cliff, source=NASTY, env=NASTY))
    assert page.count("</script>") == page_of(cliff).count("</script>")
    assert data_of(page)["env"] == NASTY
    assert "\u2028" not in embedded(NASTY)


def test_what_json_has_no_word_for_is_refused() -> None:
    with pytest.raises(ValueError):
        embedded({"value": float("nan")})


@pytest.mark.parametrize("name", ["rewards", "action_values", "tails"])
def test_numbers_reach_the_page_bit_for_bit(cliff: Film, name: str) -> None:
    episodes = data_of(page_of(cliff))["episodes"]
    for packed_episode, episode in zip(episodes, cliff.episodes, strict=True):
        np.testing.assert_array_equal(array_of(packed_episode[name]), getattr(episode, name))


def test_masks_and_actions_reach_the_page(battle: Film) -> None:
    found, episode = data_of(page_of(battle))["episodes"][0], battle.episodes[0]
    np.testing.assert_array_equal(array_of(found["avail_actions"]), episode.avail_actions)
    np.testing.assert_array_equal(array_of(found["actions"]), episode.actions)
    np.testing.assert_array_equal(array_of(found["is_out"]), episode.is_out)


def test_quantiles_are_rounded_to_a_fraction_of_their_range(cliff: Film) -> None:
    found, episode = packed(cliff, "0")["episodes"][0]["quantiles"], cliff.episodes[0]
    assert episode.quantiles is not None
    span = float(episode.quantiles.max() - episode.quantiles.min())
    np.testing.assert_allclose(array_of(found), episode.quantiles, atol=span / 2**16)


def test_equal_quantiles_do_not_divide_by_zero(cliff: Film) -> None:
    episode = cliff.episodes[0]
    assert episode.quantiles is not None
    flat = replace(cliff, episodes=(replace(episode, quantiles=np.full_like(episode.quantiles, -3.0)),))
    assert (array_of(packed(flat, "0")["episodes"][0]["quantiles"]) == -3.0).all()


def long_film(battle: Film, steps: int) -> Film:
    """As many steps as asked for, of ten agents with 100 quantiles, of numbers that nothing makes shorter."""
    rng = np.random.default_rng(0)
    n_agents, n_actions = len(battle.agent_ids), len(battle.action_meanings)
    scenes = tuple(battle.episodes[0].scenes[t % battle.episodes[0].length] for t in range(steps + 1))

    def draws(*shape: int) -> np.ndarray:
        return rng.normal(size=(steps, *shape)).astype(np.float32)

    episode = Episode(
        seed=2**62,
        scenes=scenes,
        rewards=draws(),
        avail_actions=rng.random((steps, n_agents, n_actions)) < 0.5,
        actions=rng.integers(n_actions, size=(steps, n_agents)),
        action_values=draws(n_agents, n_actions),
        risk_levels=draws(n_agents),
        is_out=rng.random((steps, n_agents)) < 0.5,
        quantiles=np.sort(draws(n_agents, 100)),
        tails=draws(n_agents, n_actions),
        team_return=1.0,
        success=True,
        fell=False,
    )
    return replace(battle, episodes=(episode,))


def test_four_hundred_steps_of_ten_agents_are_under_five_megabytes(battle: Film) -> None:
    assert len(page_of(long_film(battle, 400)).encode()) < 5e6
