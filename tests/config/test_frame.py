"""What a team starts with that no preset was tuned on."""

from __future__ import annotations

import pytest

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.config.load import resolve
from rmix_kit.errors import ConfigError
from rmix_kit.training.run_config import RunConfig

NAMES = [cls.name for cls in ALGORITHMS]
DIALS = ("rmix-averse", "riskq")
ON_POLICY = ("coma", "dop")


def of(algo: str, env: str, **given: object) -> tuple[RunConfig, list[str]]:
    said: list[str] = []
    return resolve(algo=algo, env=env, seed=0, steps=1000, report=said.append, **given), said  # type: ignore[arg-type]


@pytest.mark.parametrize("algo", NAMES)
@pytest.mark.parametrize("env", ["pettingzoo:mine", "gymnasium:mine:Id-v0", "matrix:[[1,2],[3,4]]", "PettingZoo:mine"])
def test_others_environments_have_a_frame_that_is_said(algo: str, env: str) -> None:
    config, said = of(algo, env)
    assert config.training.reward_scale == "auto"
    assert config.training.target.interval_episodes == 0
    assert config.training.target.interval_steps > 0
    assert len(said) == 1
    assert "training.reward_scale=auto" in said[0]


@pytest.mark.parametrize("algo", NAMES)
def test_our_own_environments_keep_theirs(algo: str) -> None:
    for env in ("macn:4x12", "didactic:climbing"):
        assert of(algo, env)[0].training.reward_scale in (0.05, 0.02)  # the settings' own, or the preset's
    assert of(algo, "didactic:climbing")[1] == []


@pytest.mark.parametrize("algo", NAMES)
def test_on_macn_all_learn_by_steps_and_copy_targets_alike(algo: str) -> None:
    """Counted by episodes, a team that stands still learned a quarter as often, from targets hardly ever copied."""
    config, said = of(algo, "macn:4x15?slip=0.1")
    training = config.training
    assert said == []  # presets are at home there
    updates = dict.fromkeys(NAMES, 0.02) | dict.fromkeys(ON_POLICY, 0) | {"riskq": 0.04}
    assert training.updates_per_step == updates[algo]
    copies = dict.fromkeys(NAMES, 20) | dict.fromkeys(DIALS, 50) | dict.fromkeys(ON_POLICY, 80)
    assert (training.target.interval_episodes, training.target.interval_steps) == (0, copies[algo])


@pytest.mark.parametrize("env", ["didactic:car-following", "didactic:car-following?agents=3"])
@pytest.mark.parametrize("algo", NAMES)
def test_car_following_has_a_frame_of_its_own(algo: str, env: str) -> None:
    config, said = of(algo, env)
    assert len(said) == 1
    assert config.training.reward_scale == "auto"
    assert config.training.updates_per_step == (0 if algo in ON_POLICY else 0.1)
    assert of(algo, "didactic:climbing")[0].training.updates_per_step == 0


def test_presets_that_are_not_an_algorithms_own_keep_their_pace_on_macn() -> None:
    assert of("rmix", "macn:4x12", preset="rmix-quick")[0].training.updates_per_step == 0.05
    assert of("rmix", "macn:4x12", preset="rmix-paper")[0].training.updates_per_step == 0


def test_a_value_that_another_setting_rules_out_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"updates_per_episode=0.5 has no effect while .*frame-macn.yaml:\d+.*=0 too"):
        of("qmix", "macn:4x12", overrides=["updates_per_episode=0.5"])
    with pytest.raises(ConfigError, match=r"epsilon_steps=9 has no effect while training.epsilon_share is 0.25"):
        of("qmix", "pettingzoo:mine", overrides=["epsilon_steps=9"])
    both = ["updates_per_episode=0.5", "updates_per_step=0"]
    assert of("qmix", "macn:4x12", overrides=both)[0].training.updates_per_episode == 0.5


@pytest.mark.parametrize("algo", ["qmix", "coma", "dop", "rdn"])
def test_presets_with_the_papers_values_keep_them(algo: str) -> None:
    config, _ = of(algo, "pettingzoo:mine", preset=f"{algo}-paper")
    assert config.training.reward_scale != "auto"


def test_what_is_given_goes_before_the_frame() -> None:
    config, _ = of("vdn", "pettingzoo:mine", overrides=("training.reward_scale=2", "training.num_envs=3"))
    assert (config.training.reward_scale, config.training.num_envs) == (2.0, 3)


@pytest.mark.parametrize("algo", ["coma", "dop"])
def test_algorithms_that_learn_from_rounds_make_one_update_each(algo: str) -> None:
    assert of(algo, "pettingzoo:mine")[0].training.updates_per_step == 0


@pytest.mark.parametrize("algo", ["rmix", "rdn"])
def test_distributions_are_learned_without_a_success_to_wait_for(algo: str) -> None:
    assert of(algo, "pettingzoo:mine")[0].algorithm.quantile_start_share < 1  # type: ignore[attr-defined]
    assert of(algo, "macn:4x12")[0].algorithm.quantile_start_share == 1  # type: ignore[attr-defined]
