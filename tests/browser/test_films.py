"""Films as a reader uses them: opened from disk, clicked through, compared with what was recorded and evaluated."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import rmix_kit
from rmix_kit.films.film import Film
from rmix_kit.films.from_export import film_export
from rmix_kit.films.from_run import film_run
from tests.fixtures.browser_page import DESKTOP, PHONE, Page
from tests.fixtures.film_pages import Opener, battle, cliff, opened
from tests.fixtures.films import battle_run, cliff_run, value_run
from tests.fixtures.trained import Trained

__all__ = ["battle", "battle_run", "cliff", "cliff_run", "opened", "value_run"]

STEP = "return document.getElementById('step-now').dataset.value === String(arguments[0])"
NASTY = "</script><img src=x onerror=alert(1)> & <b>bold</b>"


@pytest.fixture(params=["cliff", "battle"])
def film(request: pytest.FixtureRequest) -> Film:
    found: Film = request.getfixturevalue(request.param)
    return found


def scrub(page: Page, step: int) -> None:
    """Drag the scrubber."""
    page.script(
        "const bar = document.getElementById('scrubber'); bar.value = arguments[0];"
        "bar.dispatchEvent(new Event('input', { bubbles: true }));",
        str(step),
    )


def test_the_metrics_on_screen_are_those_of_evaluate(
    page: Page, opened: Opener, cliff: Film, battle: Film, cliff_run: Path, battle_run: Path
) -> None:
    for film, run in ((cliff, cliff_run), (battle, battle_run)):
        opened(film, "")
        expected = rmix_kit.load(run).evaluate(film.env, len(film.episodes)).to_json()
        if film is battle:  # where nobody can fall
            assert expected.pop("fall_rate") == 0
            assert page.find("#metric-fall_rate") == []
        shown = {name: page.number(f"#metric-{name.replace('.', chr(92) + '.')}") for name in expected}
        assert shown == expected


def test_scrubbed_to_the_end_the_return_is_the_episodes(page: Page, opened: Opener, film: Film) -> None:
    opened(film, "")
    for number, episode in enumerate(film.episodes):
        page.choose("#episodes", str(number))
        scrub(page, episode.length)
        assert page.number("#step-now") == page.number("#step-count") == episode.length
        assert page.number("#return-now") == pytest.approx(episode.team_return, rel=1e-6)  # returns are float32
        assert page.number("#reward-now") == episode.rewards[-1]
        assert ("✓ solved" in page.text("#outcome")) == episode.success


def test_every_step_shows_its_numbers(page: Page, opened: Opener, film: Film) -> None:
    opened(film, "")
    episode = film.episodes[0]
    for step in range(0, episode.length, 7):
        scrub(page, step)
        assert page.number("#return-now") == pytest.approx(episode.rewards[:step].sum(dtype=np.float64), abs=1e-9)
        shown = [page.number(f"#level-now-{agent}") for agent in range(len(film.agent_ids))]
        assert shown == episode.shown_levels[step].tolist()


def test_action_values_and_masks_are_those_of_the_film(page: Page, opened: Opener, film: Film) -> None:
    step = 3
    opened(film, f"#episode=1&step={step}")
    episode = film.episodes[0]
    card = '.card[data-agent="0"]'
    for action in range(len(film.action_meanings)):
        (row,) = page.find(f'{card} .row[data-action="{action}"]')
        standing = row.get_attribute("data-standing")
        assert (standing == "closed") == (not episode.avail_actions[step, 0, action])
        if standing != "closed":
            value = page.number(f'{card} .row[data-action="{action}"] .value')
            assert value == pytest.approx(episode.action_values[step, 0, action] / film.reward_scale)
    (taken,) = page.find(f"{card} .row.taken")
    assert int(taken.get_attribute("data-action")) == episode.actions[step, 0]


def test_risky_actions_are_those_with_much_worse_tails(page: Page, opened: Opener, cliff: Film) -> None:
    opened(cliff, "")
    episode, margin = cliff.episodes[0], cliff.risky_margin
    assert episode.tails is not None
    assert margin is not None
    step = int(np.ptp(episode.tails[:, 0], axis=-1).argmax())  # agent 0's actions differ most here
    scrub(page, step)
    tails = episode.tails[step, 0]
    expected = ["risky" if tail < tails.max() - margin else "safe" for tail in tails]
    rows = page.find('.card[data-agent="0"] .row')
    assert [row.get_attribute("data-standing") for row in rows] == expected
    marks = [row.text.split()[0] for row in rows]
    assert marks == [{"risky": "▲", "safe": "✓"}[word] for word in expected]
    assert "risky" in expected


def test_the_tail_that_is_filled_has_the_levels_share(page: Page, opened: Opener, cliff: Film) -> None:
    opened(cliff, "#episode=1&step=2")
    bars = {part: page.find(f'.card[data-agent="0"] .{part}') for part in ("tail", "rest")}
    tail, rest = (sum(float(bar.get_attribute("height")) for bar in found) for found in bars.values())
    assert tail / (tail + rest) == pytest.approx(float(cliff.episodes[0].risk_levels[2, 0]), abs=1e-6)


def test_without_a_level_a_distribution_has_no_tail(page: Page, opened: Opener, cliff: Film) -> None:
    opened(replace(cliff, is_risk_aware=False), "#episode=1&step=2")
    assert {bar.get_attribute("height") for bar in page.find(".card .tail")} == {"0"}
    assert "CVaR" not in page.text('.card[data-agent="0"] > svg')


def test_keys_move_through_steps_and_episodes(page: Page, opened: Opener, film: Film) -> None:
    opened(film, "")
    length = film.episodes[0].length
    page.press("ARROW_RIGHT", "ARROW_RIGHT", "ARROW_LEFT")
    assert page.number("#step-now") == 1
    page.press("END")
    assert page.number("#step-now") == length
    page.press("ARROW_RIGHT")
    assert page.number("#step-now") == length
    page.press("HOME", "]")
    assert page.number("#step-count") == film.episodes[1].length
    page.press("[")
    assert page.number("#step-count") == length


def test_the_focused_scrubber_moves_one_step_a_key(page: Page, opened: Opener, cliff: Film) -> None:
    opened(cliff, "#episode=1&step=4")
    page.script("document.getElementById('scrubber').focus()")
    page.press("ARROW_RIGHT")
    assert page.number("#step-now") == 5


def test_play_runs_to_the_end_and_stops(page: Page, opened: Opener, cliff: Film) -> None:
    opened(cliff, "")
    page.choose("#speed", "32")
    last = cliff.episodes[0].length
    page.press("HOME")
    page.script("document.activeElement.blur()")
    page.press("SPACE")
    assert page.text("#play") == "Pause"
    page.wait_until(STEP, last, seconds=20)
    page.wait_until("return document.getElementById('play').textContent === 'Play'")


def test_space_pauses(page: Page, opened: Opener, cliff: Film) -> None:
    opened(cliff, "")
    page.press("SPACE", "SPACE")
    assert page.text("#play") == "Play"
    assert page.number("#step-now") < cliff.episodes[0].length


def test_buttons_move(page: Page, opened: Opener, cliff: Film) -> None:
    opened(cliff, "")
    for button, step in (("forth", 1), ("last", cliff.episodes[0].length), ("first", 0), ("forth", 1), ("back", 0)):
        page.click(f"#{button}")
        assert page.number("#step-now") == step


def test_a_step_link_opens_its_step(page: Page, opened: Opener, film: Film) -> None:
    opened(film, "#episode=2&step=5")
    assert page.number("#step-now") == 5
    assert page.number("#step-count") == film.episodes[1].length
    assert page.script("return document.getElementById('episodes').value") == "1"


@pytest.mark.parametrize("fragment", ["#episode=99&step=-4", "#episode=x&step=1e9", "#step", "#%00"])
def test_a_link_to_nowhere_opens_the_nearest_step(page: Page, opened: Opener, cliff: Film, fragment: str) -> None:
    opened(cliff, fragment)
    assert 0 <= page.number("#step-now") <= page.number("#step-count")


def test_the_address_follows_and_leads_back(page: Page, opened: Opener, cliff: Film) -> None:
    opened(cliff, "")
    scrub(page, 6)
    page.wait_until("return location.hash === '#episode=1&step=6'")
    page.script("location.hash = '#episode=2&step=3'")
    page.wait_until(STEP, 3)
    assert page.script("return document.getElementById('episodes').value") == "1"


def test_a_click_on_a_curve_goes_to_its_step(page: Page, opened: Opener, cliff: Film) -> None:
    opened(cliff, "")
    page.click("#return-chart svg")  # selenium clicks the middle; the drawing's left margin is wider than its right one
    assert 0.3 < page.number("#step-now") / cliff.episodes[0].length < 0.6


def test_dead_agents_are_marked_and_stand_at_zero(page: Page, opened: Opener, battle: Film) -> None:
    episode = battle.episodes[0]
    agent = int(episode.is_out[-1].argmax())
    step = int(episode.is_out[:, agent].argmax())
    opened(battle, f"#episode=1&step={step}")
    page.script("document.querySelectorAll('#chips button')[arguments[0]].click()", agent)
    assert page.number(f"#level-now-{agent}") == 0
    assert "risk level 0" in page.text(".dead-agent")
    assert len(page.find("#levels .gone")) == int(episode.is_out.any(0).sum())


def test_a_battle_draws_its_units_and_shots(page: Page, opened: Opener, battle: Film) -> None:
    scenes = battle.episodes[0].scenes
    step = max(range(len(scenes)), key=lambda t: len(scenes[t]["shots"]))
    opened(battle, f"#episode=1&step={step}")
    alive = sum(health > 0 for health in scenes[step]["health"])
    assert len(page.find("#scene .unit")) == alive
    assert len(page.find("#scene .dead")) == len(scenes[step]["health"]) - alive
    assert len(page.find("#scene .shot")) == len(scenes[step]["shots"]) > 0


def test_ranges_are_drawn_on_demand(page: Page, opened: Opener, battle: Film) -> None:
    opened(battle, "")
    assert page.find("#scene .range") == []
    page.click("#ranges")
    assert len(page.find("#scene .range")) == 2


def test_an_export_says_that_it_carries_no_distribution(page: Page, opened: Opener, trained: Trained) -> None:
    film = film_export(trained.agents, episodes=1)
    opened(film, "")
    assert "carries no return distribution" in page.text("#values-note")
    assert page.find(".card .tail") == []
    assert {row.get_attribute("data-standing") for row in page.find(".card .row")} == {"open"}


def test_an_algorithm_without_levels_is_shown_as_a_table(page: Page, opened: Opener, value_run: Path) -> None:
    opened(film_run(rmix_kit.load(value_run), episodes=1), "")
    assert "has no risk level" in page.text("#levels-note")
    assert len(page.find("#scene tbody tr")) == 2


def crowd(film: Film, times: int) -> Film:
    """The same episode with every agent several times."""
    episode = film.episodes[0]
    names = ("avail_actions", "actions", "action_values", "risk_levels", "is_out", "quantiles", "tails")
    many = {name: np.repeat(getattr(episode, name), times, axis=1) for name in names}
    scenes = tuple(
        {name: list(np.repeat(of, times).tolist()) for name, of in scene.items()} for scene in episode.scenes
    )
    agents = tuple(f"agent_{place}" for place in range(times * len(film.agent_ids)))
    return replace(film, agent_ids=agents, episodes=(replace(episode, **many, scenes=scenes),))


def test_ten_agents_in_one_cell_are_all_to_be_seen(page: Page, opened: Opener, cliff: Film) -> None:
    opened(crowd(cliff, 5), "")
    discs = page.script(
        "return [...document.querySelectorAll('#scene .unit circle')]"
        ".map(c => ['cx', 'cy', 'r'].map(n => +c.getAttribute(n)))"
    )
    apart = [
        np.hypot(x - other_x, y - other_y) - r - other_r
        for (x, y, r), (other_x, other_y, other_r) in itertools.combinations(discs, 2)
    ]
    assert len(discs) == 10
    assert min(apart) >= 0


def test_arrows_against_the_border_are_shown_whole(page: Page, opened: Opener, cliff: Film) -> None:
    (episode, *_) = cliff.episodes
    cells = [0] * len(cliff.agent_ids)
    scenes = tuple({**scene, "cells": cells} for scene in episode.scenes)
    for action in range(2):  # up, then left
        corner = np.full_like(episode.actions, 2 * action)
        opened(replace(cliff, episodes=(replace(episode, scenes=scenes, actions=corner),)), "")
        inside = page.script(
            "const map = document.querySelector('#scene svg').getBoundingClientRect();"
            "return [...document.querySelectorAll('#scene .unit path')].map(a => a.getBoundingClientRect())"
            ".map(a => a.left >= map.left && a.top >= map.top)"
        )
        assert inside == [True, True]


def test_names_are_shown_as_text(page: Page, opened: Opener, cliff: Film) -> None:
    opened(replace(cliff, env=NASTY, source=NASTY, agent_ids=(NASTY, "agent_1")), "")
    assert NASTY in page.text("#title")
    assert NASTY in page.text('.card[data-agent="0"] h3')
    assert page.find("img") == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_window(page: Page, opened: Opener, film: Film, size: tuple[int, int], scheme: str) -> None:
    page.resize(size)
    page.use_scheme(scheme)
    opened(film, "#episode=1&step=5")
    assert page.overflow() <= 0


def test_the_curves_fit_after_the_window_changed(page: Page, opened: Opener, cliff: Film) -> None:
    opened(cliff, "#episode=1&step=5")
    page.resize(PHONE)
    page.wait_until("return document.querySelector('#return-chart svg').viewBox.baseVal.width < 360")
    assert page.overflow() <= 0
    assert page.number("#step-now") == 5
