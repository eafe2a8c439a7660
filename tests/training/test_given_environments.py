"""Environments that are given as objects: what a run records, that it trains as one named by a text, and what fails."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from click.testing import CliRunner
from gymnasium.spaces import Box, Discrete, Tuple

import macn
import rmix_kit
from rmix_kit.cli.main import main
from rmix_kit.envs.given import given_environment
from rmix_kit.errors import ConfigError, EnvironmentContractError, EnvironmentTextError, UntrustedCodeError
from rmix_kit.testing import check_environment

VALUES = {"training.num_envs": 3, "log_interval": 50, "evaluation_interval": 100}


def cliff() -> Any:
    """A PettingZoo environment by a name that can be imported."""
    return macn.parallel_env(layout="4x7", slip=0.1, max_steps=20)


class Pair(gymnasium.Env[Any, Any]):
    """Two agents that are paid for acting alike, as a Gymnasium team."""

    action_space = Tuple([Discrete(2), Discrete(2)])
    observation_space = Tuple([Box(0.0, 1.0, (1,)), Box(0.0, 1.0, (1,))])
    max_steps = 5

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self._steps = 0
        return self._obs(), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self._steps += 1
        return self._obs(), float(action[0] == action[1]), self._steps >= self.max_steps, False, {}

    def _obs(self) -> Any:
        return tuple(np.array([self._steps / 5], dtype=np.float32) for _ in range(2))


def train(env: object, out: Path, **given: Any) -> Any:
    return rmix_kit.train("vdn", env, steps=150, out=out, overrides=VALUES, **given)


def test_a_function_with_a_name_is_recorded_as_its_text(tmp_path: Path) -> None:
    run = train(cliff, tmp_path / "run")
    assert run.config.env == f"pettingzoo:{__name__}.cliff"
    assert run.evaluate(episodes=2).returns.shape == (2,)
    with pytest.raises(UntrustedCodeError):
        rmix_kit.load(run.path).evaluate(episodes=2)
    again = rmix_kit.load(run.path, env=cliff)
    np.testing.assert_array_equal(again.evaluate(episodes=3).returns, run.evaluate(episodes=3).returns)


def test_objects_and_functions_without_a_name_train_as_the_text_does(tmp_path: Path) -> None:
    named = train(cliff, tmp_path / "named")

    def inside() -> Any:
        return cliff()

    expected = (named.path / "metrics.jsonl").read_bytes()
    for number, env in enumerate((inside, lambda: cliff(), cliff())):
        run = train(env, tmp_path / str(number))
        assert run.config.env.startswith("object:")
        assert (run.path / "metrics.jsonl").read_bytes() == expected
        loaded = rmix_kit.load(run.path, env=env)
        np.testing.assert_array_equal(loaded.evaluate(episodes=3).returns, named.evaluate(episodes=3).returns)


def test_a_class_that_its_package_hides_is_an_object(tmp_path: Path) -> None:
    run = train(macn.parallel_env, tmp_path / "run")  # macn.parallel_env is a module, and the class of that name
    assert run.config.env == "object:MACNParallelEnv"


def test_a_function_that_gives_one_environment_again_and_again_is_refused(tmp_path: Path) -> None:
    one = cliff()
    with pytest.raises(ConfigError, match="gave the same environment twice"):
        train(lambda: one, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_run_on_an_object_goes_on_with_it_and_is_read_without(tmp_path: Path) -> None:
    env = cliff()
    run = train(env, tmp_path / "run")
    assert run.config.env == "object:MACNParallelEnv"
    assert train(env, run.path, resume=True).checkpoint_step == run.checkpoint_step
    loaded = rmix_kit.load(run.path)
    with pytest.raises(EnvironmentTextError, match=r"was a Python object, .* rmix_kit.load\(run, env=...\)"):
        loaded.evaluate(episodes=2)
    assert loaded.evaluate("macn:4x7?slip=0.1&max_steps=20", episodes=2).returns.shape == (2,)
    for words in (["report", str(run.path), "--out", str(tmp_path / "report")], ["inspect", str(run.path), "--json"]):
        result = CliRunner().invoke(main, words)
        assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["env"] == "object:MACNParallelEnv"
    refused = CliRunner().invoke(main, ["evaluate", str(run.path)])
    assert refused.exit_code != 0
    assert refused.stderr.count("\n") == 1
    exported = CliRunner().invoke(main, ["export", str(run.path), "--out", str(tmp_path / "agents")])
    assert exported.exit_code == 0, exported.stderr


def test_another_object_is_refused(tmp_path: Path) -> None:
    run = train(cliff(), tmp_path / "run")
    with pytest.raises(ConfigError, match="trained on object:MACNParallelEnv; give that"):
        rmix_kit.load(run.path, env=Pair())


@pytest.mark.parametrize("env", [Pair, Pair(), lambda: Pair()], ids=["class", "object", "function"])
def test_a_gymnasium_team_is_taken_too(env: Any, tmp_path: Path) -> None:
    run = train(env, tmp_path / "run")
    assert run.env_spec.n_agents == 2
    assert 0 <= run.evaluate(episodes=2).return_mean <= 5


class Locked:
    """An environment that cannot be copied."""

    def __init__(self) -> None:
        self.lock = threading.Lock()

    def reset(self, seed: int | None = None) -> Any:
        raise NotImplementedError

    def step(self, actions: Any) -> Any:
        raise NotImplementedError


def failing() -> Any:
    raise ValueError("of mine")


class Endless(Pair):
    max_steps = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("env", "error", "said"),
    [
        (3, ConfigError, "env is 3; expected a text such as 'macn:4x12', a PettingZoo environment"),
        (Locked(), ConfigError, "cannot be copied .*; give a function that makes one"),
        (lambda: 3, EnvironmentContractError, "int lacks possible_agents"),
        (lambda: failing(), EnvironmentTextError, "ValueError: of mine"),
        (failing, EnvironmentTextError, "of mine"),
        (Endless(), EnvironmentContractError, "how long an episode may be; give it one of the attributes"),
    ],
)
def test_what_is_no_environment_is_told_in_one_line(
    env: Any, error: type[Exception], said: str, tmp_path: Path
) -> None:
    with pytest.raises(error, match=said) as refusal:
        train(env, tmp_path / "run")
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "run").exists()


def test_a_text_stays_a_text() -> None:
    assert given_environment("macn:4x12") == ("macn:4x12", None)


@pytest.mark.parametrize("env", [cliff, lambda: cliff(), cliff(), Pair, "macn:4x7"])
def test_an_environment_of_any_form_is_checked(env: Any) -> None:
    findings = {finding.name: finding for finding in check_environment(env, episodes=3)}
    assert findings["environment"].found.startswith("2 agents")
    assert "the same seed gives the same episode" in findings["reproducibility"].found


class Lonely(Pair):
    action_space = Discrete(2)  # type: ignore[assignment]


def test_what_cannot_be_trained_on_fails_the_check() -> None:
    with pytest.raises(EnvironmentContractError, match="object:Lonely: .*the action space is"):
        check_environment(Lonely())
    with pytest.raises(ConfigError, match="env is None"):
        check_environment(None)
