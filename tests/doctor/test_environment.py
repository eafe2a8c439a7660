"""The checker finds each trait of a small environment that has it, and nothing where nothing is."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from rmix_kit.doctor.environment import Finding, check
from rmix_kit.doctor.environment.check import memory_finding
from rmix_kit.doctor.environment.episodes import Episode, difference
from rmix_kit.envs.make import make_vector_env
from tests.envs.corpus.team import HERE

PLACE = f"pettingzoo:{HERE}"
NAMES = ["environment", "actions", "masks", "observations", "state", "episodes", "agents", "rewards", "success",
         "reproducibility", "memory"]  # fmt: skip


def found(text: str, name: str) -> Finding:
    (finding,) = (finding for finding in check(text, 4) if finding.name == name)
    return finding


def test_everything_is_looked_at() -> None:
    findings = check(f"{PLACE}.actions.Actions?n=3", 2)
    assert [finding.name for finding in findings] == NAMES
    assert {finding.status for finding in findings} == {"ok"}


@pytest.mark.parametrize(
    ("text", "name", "status", "words"),
    [
        ("episodes.Endless", "environment", "problem", "episode_limit=100"),
        ("observations.Sees?what=not_a_number", "environment", "problem", "not finite"),
        ("faults.BreaksInStep", "environment", "problem", "step 2.*IndexError"),
        ("rewards.PaysUnequally", "environment", "ok", "2 agents.*mean of the agents' rewards"),
        ("actions.Actions?n=300", "actions", "ok", "300 .*int16"),
        ("actions.InInfo?what=action_mask", "masks", "warning", "1 of 3 actions were never allowed"),
        ("actions.Unequal", "masks", "ok", "2 to 3 at once"),
        ("observations.Sees?what=a_million_wide", "observations", "warning", "2 by running mean.*nothing ever changed"),
        ("observations.Unequal", "state", "warning", "6 numbers.*divided by 3"),
        ("episodes.State", "state", "ok", "3 by running mean"),
        ("episodes.VastState", "state", "warning", "30,000 numbers"),
        ("episodes.VastState?state=observations", "state", "ok", "4 numbers"),
        ("episodes.Ends?max_steps=40", "episodes", "ok", "limit 40.*last 40 steps, 4 of 4 cut off"),
        ("episodes.Reports", "success", "ok", "not reported"),
        ("episodes.Reports?a=true&b=true", "success", "ok", "reported, in 4 of 4"),
        ("leaving.Dies", "agents", "ok", "b left.*in 4 of 4 episodes, after step 2"),
        ("leaving.Crowd", "agents", "ok", "all stay"),
        ("rewards.Pays?what=whole", "rewards", "warning", "always the same"),
        ("leaving.Dies", "rewards", "ok", "0.5 to 1 .*3 an episode"),
        ("episodes.Unseeded", "reproducibility", "warning", "the observations at step 0"),
        ("episodes.RandomRewards", "reproducibility", "warning", "the reward at step 1"),
        ("episodes.Remembers", "reproducibility", "warning", "first episode of a copy is another"),
        ("faults.NumberedCopies", "reproducibility", "warning", "made anew"),
        ("faults.Once", "reproducibility", "warning", "cannot be made"),
        ("episodes.SeedsTheWorld", "reproducibility", "ok", "same episode"),
        ("leaving.Dies", "memory", "ok", "episodes in the replay"),
    ],
)
def test_a_trait_is_found(text: str, name: str, status: str, words: str) -> None:
    finding = found(f"{PLACE}.{text}", name)
    assert finding.status == status, finding
    assert re.search(words, finding.found), finding
    assert finding.fix or finding.status != "warning"


def test_bounds_that_are_far_from_what_is_seen_are_told() -> None:
    finding = found("pettingzoo:tests.fixtures.signal_env.make?scale=1.0&bounds=byte", "observations")
    assert finding.status == "warning"
    assert "4 elements fill less than 2 %" in finding.found


def test_payments_that_chance_never_meets_are_told() -> None:
    finding = found(f"{PLACE}.actions.Actions?n=1", "rewards")
    assert finding.status == "warning"
    assert "random play was never paid" in finding.found


@pytest.mark.parametrize("text", ["macn:4x7", "didactic:climbing", "matrix:[[1,0],[0,1]]", "smac:3m?backend=builtin"])
def test_our_own_environments_have_no_problem(text: str) -> None:
    assert "problem" not in {finding.status for finding in check(text, 2)}


def test_memory_that_is_not_there_is_a_problem_with_a_number_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[memory_finding.__module__]
    monkeypatch.setattr(module, "available_bytes", lambda: 500_000)
    text = f"{PLACE}.leaving.Dies"
    finding = memory_finding(text, make_vector_env(text, 1))
    assert finding.status == "problem"
    assert "488 KiB is available" in finding.found
    assert "buffer_episodes=" in finding.fix
    monkeypatch.setattr(module, "available_bytes", lambda: 1000)
    assert "smaller observations" in memory_finding(text, make_vector_env(text, 1)).fix


def test_pictures_are_called_so() -> None:
    text = f"{PLACE}.observations.Sees?what=an_image"
    assert "a picture of 3 channels" in found(text, "observations").found
    assert "thumbnails" in found(text, "state").found


def _episode(rewards: list[float], masks: list[list[bool]]) -> Episode:
    return Episode(
        obs=np.zeros((len(masks), 1, 1), np.float32),
        avail_actions=np.array(masks)[:, None],
        state=np.zeros((len(masks), 1), np.float32),
        reward=np.array(rewards, np.float32),
        is_terminated=True,
        is_solved=False,
        fell=np.array([False]),
        is_damaged=False,
    )


def test_an_agent_is_gone_from_the_step_after_which_it_may_do_nothing() -> None:
    both, first = [True, True], [True, False]
    assert _episode([0, 0, 0], [both, both, first, first]).left.tolist() == [2]
    assert _episode([0, 0, 0], [first, both, first, both]).left.tolist() == [2]
    assert _episode([0, 0, 0], [first, both, both, first]).left.tolist() == [3]


def test_episodes_part_at_the_first_difference() -> None:
    both = [True, True]
    one, other = _episode([0, 1, 0], [both] * 4), _episode([0, 2, 0], [both] * 4)
    assert difference(one, other) == "the reward at step 2"
    assert difference(one, one) == ""
    assert difference(one, _episode([0, 1], [both] * 3)) == "the end (after 3 and 2 steps)"
