"""What a film's cards, charts and scenes say, and in which words and units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import rmix_kit
from rmix_kit.films.film import Film
from rmix_kit.films.from_run import film_run
from tests.fixtures.browser_page import Page
from tests.fixtures.film_pages import Opener, battle, cliff, opened
from tests.fixtures.films import battle_run, cliff_run
from tests.fixtures.trained import Trained

__all__ = ["battle", "battle_run", "cliff", "cliff_run", "opened"]

DRAWS_ITSELF = "pettingzoo:macn.parallel_env?layout=4x7&slip=0.1&include_position=true&max_steps=20"


@pytest.mark.parametrize(
    ("scale", "note", "unit"),
    [
        (20.0, "divided by its reward scale of 20", "reward units"),
        (1.0, "They are in reward units.", "reward units"),
        (None, "do not tell", "scaled rewards"),
    ],
)
def test_cards_say_what_their_numbers_are_in(
    page: Page, opened: Opener, cliff: Film, scale: float | None, note: str, unit: str
) -> None:
    opened(replace(cliff, reward_scale=scale), "#episode=1&step=2")
    assert note in page.text("#values-note")
    assert page.text('.card[data-agent="0"] .unit-note') == f"action values, in {unit}"


def test_one_large_bar_hides_no_other(page: Page, opened: Opener, cliff: Film) -> None:
    (episode, *_) = cliff.episodes
    values, rewards = np.full_like(episode.action_values, -2.0), np.full_like(episode.rewards, -1.0)
    values[..., 0], rewards[1] = -200.0, -100.0
    film = replace(cliff, reward_scale=1.0, episodes=(replace(episode, action_values=values, rewards=rewards),))
    opened(film, "#episode=1&step=2")
    shares = page.script(
        "return [...document.querySelectorAll('.card[data-agent=\"0\"] .row')]"
        ".map(row => row.querySelector('.fill').offsetWidth / row.querySelector('.track').offsetWidth)"
    )
    assert shares[0] == pytest.approx(1.0, abs=0.02)
    assert min(shares[1:]) > 0.5
    assert len(page.find('.card[data-agent="0"] .fill.cut')) == 1
    assert page.text("#reward-chart .cut-value") == "▼ -100"


def test_units_are_named_in_words(page: Page, opened: Opener, battle: Film) -> None:
    opened(battle, "#episode=1&step=2")
    assert "(marauder)" in page.text("#cards")
    assert "marine" in page.text("#legend")


def test_an_environment_that_draws_itself_is_shown_as_it_does(page: Page, opened: Opener, trained: Trained) -> None:
    opened(film_run(rmix_kit.load(trained.run), DRAWS_ITSELF, episodes=1), "")
    sizes = page.script("return [...document.querySelectorAll('#scene img')].map(i => i.complete && i.naturalWidth)")
    assert sizes
    assert sizes[0] > 0
    first = page.script("return document.querySelector('#scene img').src")
    page.press("END")
    assert page.script("return document.querySelector('#scene img').src") != first
