"""PettingZoo's test suites on every team that this project brings, with the release that is installed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pettingzoo
import pytest
from pettingzoo.utils.conversions import aec_to_parallel, parallel_to_aec

import macn
from rmix_kit.envs import didactic, smac

pytestmark = [pytest.mark.foreign, pytest.mark.filterwarnings("default")]

TEAMS: dict[str, Callable[[], Any]] = {
    "macn": macn.parallel_env,
    "macn bridge": lambda: macn.parallel_env("bridge", slip=0.2, n_agents=3, include_position=True),
    "climbing": lambda: didactic.parallel_env("climbing"),
    "mmdp": lambda: didactic.parallel_env("mmdp"),
    "car-following": lambda: didactic.parallel_env("car-following"),
    "smac": lambda: smac.parallel_env("3m", backend="builtin"),
}
UNMASKED = [name for name in TEAMS if name != "smac"]  # these suites act without looking at masks


@pytest.mark.parametrize("team", TEAMS)
def test_the_parallel_suite_passes(team: str) -> None:
    from pettingzoo.test import parallel_api_test

    parallel_api_test(TEAMS[team](), num_cycles=300)


@pytest.mark.parametrize("team", TEAMS)
def test_the_suite_of_turns_passes_after_pettingzoos_conversion(team: str) -> None:
    from pettingzoo.test import api_test

    api_test(parallel_to_aec(TEAMS[team]()), num_cycles=300)


@pytest.mark.parametrize("team", UNMASKED)
def test_the_seed_suites_pass(team: str) -> None:
    from pettingzoo.test import parallel_seed_test, seed_test

    parallel_seed_test(TEAMS[team], num_cycles=200)
    seed_test(lambda: parallel_to_aec(TEAMS[team]()), num_cycles=200)


def test_the_suites_pass_on_macns_own_turns_and_their_conversion() -> None:
    from pettingzoo.test import api_test, parallel_api_test, seed_test
    from pettingzoo.test.state_test import state_test

    api_test(macn.env(slip=0.1), num_cycles=300)
    seed_test(lambda: macn.env(slip=0.1), num_cycles=200)
    parallel_api_test(aec_to_parallel(macn.env(slip=0.1)), num_cycles=300)
    state_test(macn.env(slip=0.1), macn.parallel_env(slip=0.1))


@pytest.mark.parametrize("kind", ["parallel", "aec"])
def test_pettingzoo_makes_macn_by_name(kind: str) -> None:
    env = pettingzoo.make(kind, "macn:MACN-v0", max_cycles=25)  # type: ignore[call-overload, unused-ignore]
    assert env.unwrapped.settings.max_steps == 25
