"""From a text to copies of an environment."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest

from rmix_kit.envs import make
from rmix_kit.envs.make import KINDS, Kind, make_vector_env
from rmix_kit.errors import ConfigError, EnvironmentTextError, MissingExtraError


def test_macn_takes_the_options_of_its_text() -> None:
    envs = make_vector_env("macn:4x7?n_agents=3&include_position=true&max_steps=9", 2)
    assert envs.num_envs == 2
    assert (envs.spec.n_agents, envs.spec.obs_shape, envs.spec.episode_limit) == (3, (11,), 9)
    step = envs.reset([1, 2])
    assert step.obs.shape == (2, 3, 11)
    assert step.avail_actions.dtype == np.bool_


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("mcan:4x7", "did you mean 'macn'"),
        ("macn:4x77", "did you mean '4x7'"),
        ("macn:4x7?n_agent=3", "did you mean 'n_agents'"),
        ("macn:4x7?slip=2", "probability"),
        ("macn:4x7?max_steps=5&max_cycles=5", "give one"),
    ],
)
def test_what_does_not_exist_is_refused_by_name(text: str, words: str) -> None:
    with pytest.raises(EnvironmentTextError, match=words):
        make_vector_env(text, 1)


def test_no_copies_are_refused() -> None:
    with pytest.raises(ConfigError, match="num_envs is 0"):
        make_vector_env("macn:4x7", 0)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Kind(adapter="no_such_module_of_an_extra", summary="", example="", names_code=False, extra="smac")
    kinds: Mapping[str, Kind] = MappingProxyType({**KINDS, "smac": kind})
    monkeypatch.setattr(make, "KINDS", kinds)
    with pytest.raises(MissingExtraError, match=r"rmix-kit\[smac\]"):
        make_vector_env("smac:3m", 1)


@pytest.mark.parametrize("kind", [name for name in KINDS if name not in ("pettingzoo", "gymnasium")])
def test_the_example_of_a_kind_works(kind: str) -> None:
    make_vector_env(KINDS[kind].example, 1).reset([0])
