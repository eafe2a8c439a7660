"""How many copies of an environment a run makes, and what happens where there can be only one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import ConfigError, EnvironmentTextError
from rmix_kit.training.exporting import export, facts_of
from rmix_kit.training.loading import load
from rmix_kit.training.trainer import train
from tests.training.runs import Notes, tiny, with_training

Make = Callable[[str, int], VectorEnv]


class Port:
    """At most one copy lives at a time, as of an environment that listens on a port."""

    def __init__(self, most: int = 1) -> None:
        self.alive, self.most, self.made = 0, most, list[int]()

    def __call__(self, text: str, count: int) -> VectorEnv:
        if self.alive + count > self.most:
            raise EnvironmentTextError(f"environment {text!r} failed with OSError: address already in use")
        envs, self.alive = make_vector_env(text, count), self.alive + count
        self.made.append(count)
        close = envs.close

        def closing() -> None:
            self.alive -= count
            close()

        envs.close = closing  # type: ignore[method-assign]
        return envs


def test_an_environment_that_can_exist_once_trains_and_is_evaluated(tmp_path: Path) -> None:
    config, port = with_training(tiny(steps=100), num_envs=1, evaluation_copies=0), Port()
    run = train(config, tmp_path / "run", make_env=port, reporter=Notes())
    assert run.evaluate(episodes=3, make_env=port).episodes == 3
    assert port.made == [1, 1]
    assert port.alive == 0


def test_one_copy_that_is_trained_in_is_evaluated_in_where_no_other_can_be_made(tmp_path: Path) -> None:
    port, notes = Port(), Notes()
    run = train(with_training(tiny(steps=100), num_envs=1), tmp_path / "run", make_env=port, reporter=notes)
    assert run.evaluate(episodes=3, make_env=port).episodes == 3
    assert (port.made, port.alive) == ([1, 1], 0)
    assert any("no other could be made" in line and "address already in use" in line for line in notes.lines)


def test_copies_to_evaluate_in_that_cannot_be_made_name_the_setting(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="address already in use.* --set training.evaluation_copies=0"):
        train(with_training(tiny(), num_envs=2), tmp_path / "run", make_env=Port(2), reporter=Notes())
    assert not (tmp_path / "run").exists()


def test_copies_to_train_in_that_cannot_be_made_name_both_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="training.num_envs=1 and --set training.evaluation_copies=0"):
        train(tiny(), tmp_path / "run", make_env=Port(), reporter=Notes())


def test_an_environment_that_cannot_be_made_at_all_says_why(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentTextError, match="address already in use"):
        train(tiny(), tmp_path / "run", make_env=Port(0), reporter=Notes())


@pytest.mark.parametrize(("copies", "made"), [(None, [4, 3]), (2, [4, 2]), (50, [4, 3]), (0, [4])])
def test_the_setting_says_how_many_are_evaluated_in(copies: int | None, made: list[int], tmp_path: Path) -> None:
    port = Port(100)
    train(with_training(tiny(steps=100), evaluation_copies=copies), tmp_path / "run", make_env=port, reporter=Notes())
    assert port.made == made


def test_evaluations_do_not_depend_on_it(tmp_path: Path) -> None:
    def rows(copies: int | None) -> bytes:
        folder = tmp_path / f"{copies}"
        train(with_training(tiny(steps=800), evaluation_copies=copies), folder, reporter=Notes())
        return (folder / "metrics.jsonl").read_bytes()

    assert rows(0) == rows(None) == rows(2)


def test_exported_agents_remember_it(tmp_path: Path) -> None:
    config = with_training(tiny(steps=100), num_envs=1, evaluation_copies=0)
    train(config, tmp_path / "run", reporter=Notes())
    from exporters.bundle import read_manifest
    from rmix_kit.playing.manifest import most_copies

    manifest = read_manifest(export(load(tmp_path / "run"), tmp_path / "agents", ("torchscript",)))
    assert facts_of(load(tmp_path / "run"))["environment"] == manifest.facts["environment"]
    assert manifest.facts["environment"]["obs_meanings"][:2] == ["code of the up-left cell", "code of the up cell"]
    assert most_copies(manifest, config.env) == 1
    assert most_copies(manifest, "macn:4x12") is None
