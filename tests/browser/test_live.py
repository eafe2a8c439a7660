"""Live agents as a visitor meets them: served under a path, clicked through, and compared with Python."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rmix_kit.envs.make import make_vector_env
from rmix_kit.episodes import PlayedEpisodes
from rmix_kit.live import ort_web
from rmix_kit.live.describing import scene_of
from rmix_kit.playing.episodes import play
from rmix_kit.playing.team import LocalTeam, load_team
from rmix_kit.reports.frontier.exact import exact_answer
from rmix_kit.seeding import episode_seed
from tests.fixtures.browser_page import Page
from tests.fixtures.live_pages import BRIDGE, served, written_page
from tests.fixtures.trained import Trained

DESKTOP, PHONE = (1280, 800), (390, 844)
READY = "return document.documentElement.dataset.ready === 'true'"
COUNTED = "return document.querySelector('#rows tr.now').dataset.episodes === '1000'"
FEWEST_STEPS = 20_000
BEGINS = "return document.getElementById('scene-text').textContent.startsWith(arguments[0])"
TRACE = """
const [levels, seeds, done] = [arguments[0], arguments[1], arguments[arguments.length - 1]];
(async () => {
  const [{ Play, playRound }, { loadTeam }] = [await import("./episodes.mjs"), await import("./team.mjs")];
  const facts = await (await fetch("page.json")).json();
  const agents = facts.agents.map(({ id }) => id);
  const given = Object.fromEntries(agents.map((id, agent) => [id, levels[agent]]));
  const trace = seeds.map(() => []);
  const play = new Play(facts.game, await loadTeam(seeds.length), agents, seeds.length);
  const note = (step, actions, active) => active.forEach((is, copy) => is && trace[copy].push(actions[copy]));
  await playRound(play, seeds, given, note);
  return trace;
})().then(done, (error) => done(String(error.stack)));
"""
Visit = Callable[[Path], Page]


@pytest.fixture(scope="session")
def runtime() -> Mapping[str, bytes]:
    """onnxruntime-web; from the folder that ORT_WEB names, or through npm."""
    folder = os.environ.get("ORT_WEB")
    return ort_web.files_of(Path(folder) if folder else None)


@pytest.fixture(scope="session")
def bridge(runtime: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written_page(BRIDGE, tmp_path_factory.mktemp("bridge"), runtime, (0.1, 1.0))


@pytest.fixture(scope="session")
def dynamic(runtime: Mapping[str, bytes], trained: Trained, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written_page(trained.agents, tmp_path_factory.mktemp("dynamic"), runtime)


@pytest.fixture(scope="session")
def dialless(runtime: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Agents that were trained without a dial, and without their positions."""
    import rmix_kit
    from rmix_kit.training.exporting import export

    folder = tmp_path_factory.mktemp("dialless")
    run = rmix_kit.train("qmix", "macn:4x7", steps=200, out=folder / "run", seed=0)
    export(run, folder / "agents", ("onnx",))
    return written_page(folder / "agents", folder / "page", runtime)


@pytest.fixture
def visit(browser: Any) -> Iterator[Visit]:
    """Open a page; in the end nothing may have been complained of, and no other host been asked for anything."""
    page, hosts = Page(browser), []
    browser.get("about:blank")
    browser.set_script_timeout(300)
    page.collect()
    page.errors.clear()
    page.requests.clear()
    with ExitStack() as hosting:

        def opened(root: Path) -> Page:
            address = hosting.enter_context(served(root))
            hosts.append(address)
            page.resize(DESKTOP)
            page.use_scheme("light")
            browser.get(address)
            page.wait_until(READY, seconds=60)
            page.click("#play")  # nothing moves but by the test's hand
            return page

        yield opened
        page.collect()
        browser.get("about:blank")
    assert page.errors == []
    assert [url for url in page.requests if not url.startswith((*hosts, "about:"))] == []


def turn(page: Page, selector: str, value: float) -> None:
    """Set a slider as a hand does."""
    source = (
        "const bar = document.querySelector(arguments[0]); bar.value = arguments[1];"
        "for (const name of ['input', 'change']) bar.dispatchEvent(new Event(name, { bubbles: true }));"
    )
    page.script(source, selector, str(value))


def count(page: Page) -> dict[str, float]:
    """Let 1,000 episodes be played at the dial's level; gives the row of the table."""
    page.click("#count")
    page.wait_until(COUNTED, seconds=120)
    cells = page.find("#rows tr.now .measured")
    return {str(cell.get_attribute("data-quantity")): float(cell.get_attribute("data-value")) for cell in cells}


def seeds(number: int) -> list[int]:
    return [episode_seed(0, "test", episode) for episode in range(number)]


def actions_of(agents: Path, levels: list[float], number: int) -> list[list[list[int]]]:
    """What Python's team does in the test episodes, `[episode][step][agent]`."""
    envs = make_vector_env(scene_of(agents).text, number)
    team = LocalTeam(load_team(agents, "onnx"))
    step, trace = envs.reset(seeds(number)), [[] for _ in range(number)]
    active = np.ones(number, dtype=np.bool_)
    team.reset()
    while active.any():
        actions = team.act(step.obs, step.avail_actions, levels[0]).actions
        for copy in np.flatnonzero(active):
            trace[copy].append(actions[copy].tolist())
        step = envs.step(actions)
        active = active & ~step.has_ended
    envs.close()
    return trace


def test_actions_are_pythons_over_twenty_thousand_steps(visit: Visit, bridge: Path, browser: Any) -> None:
    visit(bridge)
    steps = 0
    for level in (0.1, 0.5, 0.8, 1.0):
        expected = actions_of(BRIDGE, [level, level], 1000)
        assert browser.execute_async_script(TRACE, [level, level], seeds(1000)) == expected
        steps += sum(map(len, expected))
    assert steps >= FEWEST_STEPS


def test_agents_that_predict_their_levels_do_as_in_python(
    visit: Visit, dynamic: Path, trained: Trained, browser: Any
) -> None:
    visit(dynamic)
    for level in (0.0, 0.3):
        found = browser.execute_async_script(TRACE, [level, level], seeds(40))
        assert found == actions_of(trained.agents, [level, level], 40)


def test_the_dial_gives_the_two_ways(visit: Visit, bridge: Path) -> None:
    page = visit(bridge)
    settings = scene_of(BRIDGE).settings
    for level, is_long in ((0.1, True), (1.0, False)):
        turn(page, "#dial-0", level)
        measured, exact = count(page), exact_answer(settings, level)
        envs = make_vector_env(scene_of(BRIDGE).text, 250)
        played: PlayedEpisodes = play(
            LocalTeam(load_team(BRIDGE, "onnx")), envs, episodes=1000, seed=0, risk_level=level
        )
        summary = played.summary(0, 0)
        for name in ("return_mean", "fall_rate", "episode_length_mean"):
            assert measured[name] == pytest.approx(summary[name], rel=1e-6)
        assert abs(measured["episode_length_mean"] - exact.episode_length_mean) < 1.0
        assert abs(measured["return_mean"] - exact.return_mean) < 1.5
        assert (measured["episode_length_mean"] > 8) == is_long
        shown = [float(one.get_attribute("data-exact")) for one in page.find("#rows tr.now small")]
        assert shown == [exact.return_mean, exact.fall_probability, exact.episode_length_mean]
    assert len(page.find("#rows tr")) == 2  # both ways stand one above the other


def test_each_agent_has_a_level_of_its_own_where_that_is_wanted(visit: Visit, bridge: Path) -> None:
    page = visit(bridge)
    page.click('input[value="each"]')
    turn(page, "#dial-1", 0.1)
    page.click("#step")
    page.wait_until("return document.querySelectorAll('#minds .card[data-agent]').length === 2")
    notes = [one.text for one in page.find("#minds .card .note")]
    assert "risk level 1," in notes[0]
    assert "risk level 0.1," in notes[1]
    assert count(page)["return_mean"] < 0
    assert page.text("#rows tr.now th") == "1.0 | 0.1"
    assert page.find("#rows tr.now small") == []  # the oracle knows one level for all


def test_letting_go_of_the_dial_begins_the_episode_anew(visit: Visit, bridge: Path) -> None:
    page = visit(bridge)
    page.click("#step")
    page.wait_until("return !document.getElementById('scene-text').textContent.startsWith('step 0 ')")
    turn(page, "#dial-0", 0.1)
    assert page.text("#scene-text").startswith("step 0 ")
    page.choose("#speed", "15")
    page.click("#play")
    page.wait_until("return document.getElementById('scene-text').dataset.end !== ''", seconds=60)
    assert int(page.text("#scene-text").split()[1]) >= 10  # the long way


def test_an_episode_begun_during_a_step_remembers_nothing_of_it(visit: Visit, bridge: Path) -> None:
    page = visit(bridge)
    shown = "return [...document.querySelectorAll('#minds .value')].map(one => one.textContent).join()"
    moved = "return !document.getElementById('scene-text').textContent.startsWith('step 0 ')"
    values = []
    for words in (["again"], ["again", "step", "again"]):
        page.script("for (const id of arguments[0]) document.getElementById(id).click()", words)
        page.script("return new Promise((resolve) => setTimeout(resolve, 500))")
        page.click("#step")
        page.wait_until(moved)
        values.append(page.script(shown))
    assert values[0] == values[1] != ""


def test_an_episode_is_played_by_keys(visit: Visit, bridge: Path) -> None:
    page = visit(bridge)
    page.script("document.activeElement.blur()")
    page.press("HOME")
    assert page.text("#scene-text").startswith("step 0 ")
    for step in range(1, 4):
        page.press("ARROW_RIGHT")
        page.wait_until(BEGINS, f"step {step} ")
    page.press("n")
    assert page.script("return document.getElementById('seed').value") == "1"
    page.press("SPACE")
    page.wait_until("return document.getElementById('scene-text').dataset.end !== ''", seconds=60)
    assert "goal" in page.text("#scene-text") or "fell" in page.text("#scene-text")


def test_every_control_is_reached_by_tab_and_has_a_name(visit: Visit, dialless: Path) -> None:
    page = visit(dialless)
    page.click('input[name="brush"][value="#"]')
    nameless = page.script(
        "return [...document.querySelectorAll('button, input, select, svg[tabindex]')].filter(one =>"
        "!(one.labels?.length || one.textContent.trim() || one.getAttribute('aria-label'))).map(one => one.outerHTML)"
    )
    assert nameless == []
    page.script("document.activeElement.blur()")
    reached = set()
    for _ in range(30):
        page.press("TAB")
        reached.add(page.script("return document.activeElement.id || document.activeElement.tagName"))
    assert {"play", "step", "again", "next", "seed", "speed", "count", "visits", "slip", "svg"} <= reached


def test_walls_and_cliffs_are_drawn_and_a_way_is_always_left(visit: Visit, dialless: Path) -> None:
    page = visit(dialless)
    assert "without a dial" in page.text("#dial-note")
    assert "probability" not in page.text("#facts")  # nobody slips here
    assert page.find("#dials input") == []
    page.click('input[name="brush"][value="#"]')
    page.script("document.querySelector('#scene svg').focus()")
    page.press("ENTER", "ARROW_DOWN", "ENTER")
    assert rows_of(page) == ["#......", "#......", ".......", "SCCCCCG"]
    page.press("ARROW_DOWN", "ENTER")  # the start's only way out
    assert rows_of(page)[2] == "......."
    assert "safe way" in page.text("#editor-note")
    assert "not those of the page" in page.text("#exact-note")
    assert count(page)["return_mean"] < 0
    page.click("#undo")
    assert rows_of(page)[0] == "......."
    page.click('input[name="brush"][value="C"]')
    drag(page, [(0.5, 1.5), (1.5, 1.5), (2.5, 1.5)])
    assert rows_of(page)[1] == "CCC...."


def drag(page: Page, way: list[tuple[float, float]]) -> None:
    """Move the pointer, held down, over places of the map, given in columns and rows."""
    source = (
        "const map = document.querySelector('#scene svg'), to = map.getScreenCTM();"
        "return arguments[0].map(([x, y]) => { const p = new DOMPoint(48 * x, 48 * y).matrixTransform(to);"
        "return [Math.round(p.x), Math.round(p.y)]; })"
    )
    page.script("document.getElementById('scene').scrollIntoView()")
    page.drag(page.script(source, way))


def rows_of(page: Page) -> list[str]:
    """The map as it is drawn: what the picture's cells are called."""
    return list(page.script("return document.getElementById('scene').dataset.rows.split(' ')"))


def test_agents_with_positions_keep_to_their_map(visit: Visit, bridge: Path) -> None:
    page = visit(bridge)
    assert page.find('input[name="brush"]') == []
    assert "one map alone" in page.text("#editor-note")
    turn(page, "#slip", 0.3)
    assert "not those of the page" in page.text("#exact-note")
    page.click("#undo")
    assert "exact" in page.text("#exact-note")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_nothing_sticks_out(visit: Visit, bridge: Path, size: tuple[int, int], scheme: str, shots: Path) -> None:
    page = visit(bridge)
    page.resize(size)
    page.use_scheme(scheme)
    assert count(page)["fall_rate"] < 1
    page.click('input[value="each"]')
    assert page.overflow() <= 0
    page.screenshot(shots / f"{size[0]}-{scheme}.png")


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where pictures go: the folder that LIVE_SHOTS names, to be looked at, or nowhere."""
    return Path(os.environ.get("LIVE_SHOTS", tmp_path))
