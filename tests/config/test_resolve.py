from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.algorithms.rmix import RMIX
from rmix_kit.config.document import preset_names, read_preset
from rmix_kit.config.load import resolve
from rmix_kit.config.schema import RunConfig, TrainingSettings
from rmix_kit.errors import ConfigError

Resolve = Callable[..., RunConfig]


@pytest.fixture
def settle() -> Resolve:
    """`resolve` with four arguments filled in."""

    def call(**changes: Any) -> RunConfig:
        base = {"algo": "rmix", "env": "macn:4x12", "seed": 0, "steps": 1000}
        return resolve(**(base | changes))

    return call


@pytest.mark.parametrize("algo", [cls.name for cls in ALGORITHMS])
@pytest.mark.parametrize("read", [json.loads, yaml.safe_load])
def test_configuration_reads_back_equal(settle: Resolve, algo: str, read: Callable[[str], Any]) -> None:
    config = settle(algo=algo, overrides=["learning_rate=5e-5", "gamma=1"])
    write = json.dumps if read is json.loads else yaml.safe_dump
    values = read(write(config.to_dict()))
    assert list(config.to_dict()) == ["algo", "preset", "env", "seed", "steps", "device", "algorithm", "training"]
    assert RunConfig.from_dict(values) == config


def test_without_anything_given_the_defaults_hold(settle: Resolve) -> None:
    assert settle(env="didactic:climbing") == RunConfig(
        algorithm=RMIX(), preset="rmix", env="didactic:climbing", steps=1000
    )


def test_later_sources_win(settle: Resolve, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("training:\n  num_envs: 3\n  batch_size: 7\nalgorithm:\n  td_lambda: 0.5\n")
    config = settle(preset="rmix-paper", config_file=file, overrides=["batch_size=9"], num_envs=5, checkpoint_every=11)
    assert config.algorithm.td_lambda == 0.5  # type: ignore[attr-defined]
    assert (config.training.num_envs, config.training.batch_size) == (5, 9)
    assert (config.training.checkpoint_interval, config.training.reward_scale) == (11, 1.0)


def test_number_that_yaml_reads_as_text_becomes_a_number(settle: Resolve, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("algorithm:\n  learning_rate: 5e-4\n")
    assert isinstance(yaml.safe_load(file.read_text())["algorithm"]["learning_rate"], str)
    assert settle(config_file=file).algorithm.learning_rate == 5e-4  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("bach_size=3", "did you mean 'batch_size'"),
        ("training.bach_size=3", "did you mean 'training.batch_size'"),
        ("batch_size=0", "training.batch_size is 0; it must be greater than 0"),
        ("batch_size=3.5", "training.batch_size is 3.5; it must be a valid integer"),
        ("batch_size=many", "training.batch_size is 'many'; it must be a valid integer"),
        ("epsilon_end=1.5", "less than or equal to 1"),
        ("gamma=.nan", "it must be a finite number"),
        ("learning_rate=true", "is true; it must be a number"),
        ("has_bounded_targets=maybe", "it must be a valid boolean"),
        ("risk_gradient=hard", "it must be 'straight_through', 'soft' or 'none'"),
        ("risk_level=0", "algorithm.risk_level is 0; it must be 'dynamic' or"),
        ("target.rate=-1", "training.target.rate is -1; it must be greater than or equal to 0"),
        ("training.target=3", "there is no training.target"),
        ("batch_size", "must have the form NAME=VALUE"),
        ("batch_size=[", "is not a value"),
    ],
)
def test_wrong_override_is_refused_with_what_is_right(settle: Resolve, override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=f"--set {override.split('=')[0]}") as caught:
        settle(overrides=[override])
    assert message in str(caught.value)


def test_bare_and_full_names_mean_the_same(settle: Resolve) -> None:
    assert settle(overrides=["rate=0.5"]) == settle(overrides=["training.target.rate=0.5"])


def test_fixed_risk_level_is_a_number(settle: Resolve) -> None:
    assert settle(overrides=["risk_level=0.3"]).algorithm.risk_level == 0.3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "algorithm:\n  td_lambda: 0.5\ntraining:\n  bach_size: 3\n",
            ":4: there is no training.bach_size; did you mean",
        ),
        ("trainin:\n  batch_size: 3\n", ":1: there is no 'trainin'; did you mean 'training'"),
        ("training:\n  batch_size: 3\n  batch_size: 4\n", ":3: training.batch_size is already given in line 2"),
        ("training:\n  batch_size: -3\n", ":2: training.batch_size is -3"),
        ("training: 3\n", "it has keys of its own"),
        ("training:\n  target: 3\n", "training.target is 3; it has keys of its own"),
        ("training:\n  batch_size:\n    more: 3\n", "training.batch_size is {'more': 3}"),
        ("algo: rdn\n", "algo is 'rdn' in the file and 'rmix' here"),
        ("env: 5\n", ":1: env is 5; it must be a text"),
        ("preset: 1\n", ":1: preset is 1; it must be a name"),
        ("preset: {a: 1}\n", "preset is {'a': 1}; it must be a name"),
        ("algo: [rmix]\n", "algo is ['rmix']; it must be a name"),
        ("training: &a\n  batch_size: *a\n", "it lies within itself"),
        ("training:\n  batch_size: !!bool x\n", "a value is not what its tag says"),
        ("a: [\n", "this is not YAML"),
        ("- 1\n", "expected keys with values"),
    ],
)
def test_wrong_file_is_refused_with_its_line(settle: Resolve, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=r"mine\.yaml") as caught:
        settle(config_file=file)
    assert message in str(caught.value)


@pytest.mark.parametrize("value", ["0x" + "f" * 4_000, "a" * 10_000, "[" + "[1, 2], " * 10_000 + "]"])
def test_a_long_value_is_refused_in_one_short_line(settle: Resolve, value: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"training:\n  batch_size: {value}\n")
    with pytest.raises(ConfigError) as caught:
        settle(config_file=file)
    assert len(str(caught.value)) < 500 + len(str(file))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"algo": "rmx"}, "did you mean 'rmix'"),
        ({"preset": "rmix-papr"}, "did you mean 'rmix-paper'"),
        ({"algo": "rdn", "preset": "rmix-paper"}, "preset rmix-paper is for rmix, not for rdn"),
        ({"seed": -1}, "seed is -1"),
        ({"steps": 0}, "steps is 0"),
        ({"steps": 10**400}, "steps has 401 digits; it must be at most 9,223,372,036,854,775,807"),
        ({"overrides": [f"buffer_episodes={10**400}"]}, "less than or equal to 9223372036854775807"),
        ({"device": "gpu"}, "it must be 'auto', 'cpu' or 'cuda'"),
        ({"overrides": ["buffer_episodes=31"]}, "buffer_episodes is 31 and training.num_envs 32"),
        ({"num_envs": 0}, "--num-envs: training.num_envs is 0"),
        ({"num_envs": 3, "overrides": ["num_envs=4"]}, "contradict each other"),
        ({"overrides": ["num_envs=4", "training.num_envs=4"]}, "given twice"),
    ],
)
def test_wrong_argument_is_refused(settle: Resolve, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        settle(**changes)
    assert message in str(caught.value)


def test_run_s_own_configuration_file_gives_the_same_run(settle: Resolve, tmp_path: Path) -> None:
    config = settle(preset="rmix-paper", overrides=["risk_level=0.5", "batch_size=3"], device="cpu")
    file = tmp_path / "config.yaml"
    file.write_text(yaml.safe_dump(config.to_dict()))
    assert settle(config_file=file, device="cpu") == config


@pytest.mark.parametrize("name", preset_names())
def test_preset_resolves_for_its_algorithm(settle: Resolve, name: str) -> None:
    document = read_preset(name)
    config = settle(algo=document.values["algo"], preset=name)
    for section, value in (("algorithm", config.algorithm), ("training", config.training)):
        assert set(document.values.get(section) or {}) <= set(vars(value))


def test_every_algorithm_of_the_roster_has_a_preset() -> None:
    assert {cls.name for cls in ALGORITHMS} <= set(preset_names())


@pytest.mark.parametrize(
    ("env", "count"), [("macn:4x12", 100), ("smac:corridor", 55), ("smac:MMM2?backend=builtin", 65), ("smac:3m", 100)]
)
def test_values_for_a_map_apply_only_there_and_are_told(settle: Resolve, env: str, count: int) -> None:
    told: list[str] = []
    config = settle(env=env, preset="rmix-paper", report=told.append)
    assert config.algorithm.n_quantiles == count  # type: ignore[attr-defined]
    assert bool(told) == (count != 100)
    assert all(f"n_quantiles={count}" in line for line in told)


def test_paper_preset_has_the_paper_s_values(settle: Resolve) -> None:
    config = settle(preset="rmix-paper")
    assert config.algorithm == RMIX(
        n_quantiles=100,
        n_risk_levels=10,
        td_lambda=0.0,
        has_bounded_targets=False,
        has_shared_atom_init=False,
        learning_rate=5e-4,
        mixer_embed_size=32,
        distribution_target="dummy",
        quantile_learning_rate=5e-4,
        quantile_eps=1e-8,
        quantile_interval=50,
        quantile_every_updates=0,
    )
    expected = TrainingSettings(
        num_envs=1,
        batch_size=32,
        buffer_episodes=5000,
        updates_per_episode=1.0,
        reward_scale=1.0,
        epsilon_steps=50_000,
        epsilon_end=0.05,
        learning_rate_decay_from=1.0,
        learning_rate_end=1.0,
    )
    assert config.training == expected


def test_record_with_a_missing_or_unknown_key_is_refused(settle: Resolve) -> None:
    values = settle().to_dict()
    with pytest.raises(ConfigError, match="lacks"):
        RunConfig.from_dict({key: value for key, value in values.items() if key != "seed"})
    values["training"]["surprise"] = 1
    with pytest.raises(ConfigError, match="surprise"):
        RunConfig.from_dict(values)


@pytest.mark.parametrize("env", ["macn:4x12", "smac:corridor", "smac:MMM2"])
def test_rdn_s_paper_preset_has_rmix_s_values(settle: Resolve, env: str) -> None:
    rdn, rmix = (settle(algo=algo, preset=f"{algo}-paper", env=env) for algo in ("rdn", "rmix"))
    assert vars(rdn.algorithm) == vars(rmix.algorithm)
    assert rdn.training == rmix.training


def test_a_preset_speaks_for_a_whole_kind_and_then_for_a_single_map(settle: Resolve) -> None:
    config = settle(algo="rmix", env="smac:corridor?backend=builtin")
    assert (config.training.reward_scale, config.training.num_envs) == (1.0, 32)
    assert vars(config.algorithm)["n_quantiles"] == 55
    assert vars(settle(algo="rmix", env="smac:3m").algorithm)["n_quantiles"] == 32
    assert settle(algo="rmix", env="SMAC:3m?backend=builtin").training.reward_scale == 1.0
    assert settle(algo="rmix", env="macn:4x7").training.num_envs == 32


ON_POLICY = ("coma", "dop")


@pytest.mark.parametrize("algo", [cls.name for cls in ALGORITHMS])
def test_every_algorithm_has_a_frame_for_starcraft(settle: Resolve, algo: str) -> None:
    training = settle(algo=algo, env="smac:5m_vs_6m").training
    assert (training.reward_scale, training.num_envs) == (1.0, 8)
    assert (training.evaluation_interval, training.evaluation_episodes) == (10_000, 32)
    assert training.learning_rate_decay_from == 1.0
    assert training.epsilon_share == 0.0
    assert training.updates_per_step == (0.0 if algo in ON_POLICY else 0.02)


def test_the_simulator_has_more_copies_than_the_game(settle: Resolve) -> None:
    for env, copies in (("smac:3m?backend=builtin", 32), ("SMAC:3m?difficulty=9&backend=builtin", 32), ("smac:3m", 8)):
        assert settle(algo="qmix", env=env).training.num_envs == copies
    assert settle(algo="qmix", env="smac:3m?backend=sc2").training.num_envs == 8
    assert settle(algo="coma", env="smac:3m?backend=builtin").training.num_envs == 8  # a round teaches once
    assert settle(algo="qmix", preset="qmix-paper", env="smac:3m?backend=builtin").training.num_envs == 1


@pytest.mark.parametrize("algo", ["rmix", "rdn", "vdn", "qmix"])
def test_starcraft_has_a_trace_that_is_not_cut_and_macn_keeps_its_own(settle: Resolve, algo: str) -> None:
    battle, cliff = (vars(settle(algo=algo, env=env).algorithm) for env in ("smac:3m?backend=builtin", "macn:4x12"))
    assert (battle["trace"], battle["td_lambda"], battle["learning_rate"]) == ("peng", 0.6, 1e-3)
    assert (cliff["trace"], cliff["td_lambda"], cliff["learning_rate"]) == ("watkins", 0.8, 5e-4)


def test_distributions_are_trained_on_starcraft_whether_or_not_battles_are_won(settle: Resolve) -> None:
    for algo in ("rmix", "rdn"):
        assert vars(settle(algo=algo, env="smac:MMM2?backend=builtin").algorithm)["quantile_start_steps"] == 25_000
        assert (
            vars(settle(algo=algo, preset=f"{algo}-paper", env="smac:MMM2").algorithm)["quantile_start_steps"] == 10**9
        )
