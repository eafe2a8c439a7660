from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import gymnasium
import pettingzoo
import pytest
from gymnasium.utils.env_checker import check_env

import macn

with warnings.catch_warnings():
    # PettingZoo's own tests load its example games by the way that PettingZoo itself has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pettingzoo.test import api_test, max_cycles_test, parallel_api_test, render_test, seed_test
    from pettingzoo.test.state_test import state_test

VARIANTS: list[dict[str, Any]] = [
    {},
    {"slip": 0.2, "show_agents": True},
    {"layout": "bridge", "n_agents": 3, "include_position": True},
]
MEADOW = "......\n......\n......\nS....G"  # no cliff: acting blindly ends nothing


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_parallel_face_passes_pettingzoo(variant: dict[str, Any]) -> None:
    parallel_api_test(macn.parallel_env(**variant), num_cycles=300)


# An agent with nothing but safe cells around it does see nine zeros.
@pytest.mark.filterwarnings("ignore:Observation numpy array is all zeros:UserWarning")
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_aec_face_passes_pettingzoo(variant: dict[str, Any]) -> None:
    api_test(macn.env(**variant), num_cycles=300)


def test_seeds_repeat_in_pettingzoo_terms() -> None:
    seed_test(lambda: macn.env(slip=0.3), num_cycles=300)


def test_every_render_mode_passes_pettingzoo(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    render_test(macn.env)


def test_the_state_passes_pettingzoo() -> None:
    state_test(macn.env(slip=0.1), macn.parallel_env(slip=0.1))


def test_max_cycles_passes_pettingzoo_where_nothing_ends_early() -> None:
    # The test acts blindly for four steps, so it needs a map without a cliff and with a far goal.
    def with_meadow(face: Any) -> Any:
        return lambda max_cycles: face(MEADOW, max_cycles=max_cycles)

    max_cycles_test(SimpleNamespace(parallel_env=with_meadow(macn.parallel_env), env=with_meadow(macn.env)))


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_gymnasium_face_passes_check_env(variant: dict[str, Any]) -> None:
    check_env(gymnasium.make("macn:MACN-v0", render_mode="rgb_array", **variant).unwrapped)


@pytest.mark.skipif(not hasattr(pettingzoo, "make"), reason="PettingZoo has a registry since 1.27")
def test_pettingzoo_makes_both_faces_by_name() -> None:
    parallel = pettingzoo.make("parallel", "MACN-v0", layout="bridge", max_cycles=9)
    assert isinstance(parallel, macn.MACNParallelEnv)
    assert parallel.settings.max_steps == 9
    turns = pettingzoo.make("aec", "MACN-v0")
    turns.reset(seed=0)
    assert turns.agent_selection == "agent_0"


def test_registering_twice_changes_nothing() -> None:
    before = gymnasium.spec("MACN-v0")
    macn.register()
    assert gymnasium.spec("MACN-v0") is before
