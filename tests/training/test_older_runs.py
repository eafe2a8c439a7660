"""Runs from before a setting existed: their record does not name it, and they go on as they were begun."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from rmix_kit.config.differences import differences_from_preset
from rmix_kit.config.load import resolve
from rmix_kit.errors import Interrupted, RunFolderError
from rmix_kit.files.yaml_text import read_yaml
from rmix_kit.training.checkpoint import verify_checkpoint
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.run_folder import RunFolder
from rmix_kit.training.settings import BEFORE
from rmix_kit.training.trainer import train
from tests.training.runs import At, Notes, content, send, tiny, with_training

LOCKSTEP = with_training(tiny(steps=900), episodes_per_copy=1, fresh_evaluations=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose copies wait for each other: byte for byte what they all were."""
    folder = tmp_path_factory.mktemp("older") / "run"
    train(LOCKSTEP, folder, reporter=Notes())
    return folder


def test_a_record_says_nothing_of_what_runs_always_did(whole: Path) -> None:
    folder = RunFolder(whole)
    manifest = verify_checkpoint(folder.checkpoint(folder.steps()[-1]))
    for record in (read_yaml(folder.config.read_text()), manifest.config):
        for section, settings in BEFORE.items():
            assert not settings.keys() & record[section].keys()
    assert folder.read_config() == LOCKSTEP


def test_a_record_without_the_settings_is_of_a_run_whose_copies_wait_and_whose_evaluations_repeat() -> None:
    values = tiny().to_dict()
    assert values["training"].pop("episodes_per_copy") == 8
    assert values["training"].pop("fresh_evaluations")
    found = RunConfig.from_dict(values)
    assert found.training.episodes_per_copy == 1
    assert not found.training.fresh_evaluations


@pytest.mark.parametrize("algo", ["rmix", "vdn", "coma"])
def test_a_record_without_a_trace_is_of_a_run_that_cut_it(algo: str) -> None:
    values = resolve(algo=algo, env="macn:4x12", seed=0, steps=900).to_dict()
    assert "trace" not in values["algorithm"]
    assert getattr(RunConfig.from_dict(values).algorithm, "trace", "none") == ("none" if algo == "coma" else "watkins")


def test_a_run_from_before_the_setting_goes_on_as_it_was_begun(whole: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(LOCKSTEP, tmp_path / "run", reporter=At(300, send(signal.SIGTERM)))
    train(LOCKSTEP, tmp_path / "run", resume=True, reporter=Notes())
    assert content(tmp_path / "run") == content(whole)


def test_a_finished_run_from_before_the_setting_is_extended_as_it_was_begun(tmp_path: Path) -> None:
    steady = with_training(replace(LOCKSTEP, steps=400), learning_rate_decay_from=1.0)
    train(steady, tmp_path / "run", reporter=Notes())
    train(replace(steady, steps=900), tmp_path / "run", resume=True, reporter=Notes())
    train(replace(steady, steps=900), tmp_path / "whole", reporter=Notes())
    assert content(tmp_path / "run") == content(tmp_path / "whole")


@pytest.mark.parametrize("other", [1, 3])
def test_a_run_of_another_number_is_refused_by_name(other: int, tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        train(tiny(), tmp_path / "run", reporter=At(50, send(signal.SIGTERM)))
    with pytest.raises(RunFolderError, match=f"training.episodes_per_copy is 8 there and {other} here"):
        train(with_training(tiny(), episodes_per_copy=other), tmp_path / "run", resume=True, reporter=Notes())


def test_its_configuration_repeats_it(whole: Path, tmp_path: Path) -> None:
    record, by_hand = RunFolder(whole).config, tmp_path / "mine.yaml"
    by_hand.write_text("training:\n  num_envs: 4\n")
    found = [
        resolve(algo="rmix", env=LOCKSTEP.env, seed=0, steps=900, config_file=file, report=lambda _: None)
        for file in (record, by_hand)
    ]
    assert [config.training.fresh_evaluations for config in found] == [False, True]
    assert found[0] == LOCKSTEP


def test_it_is_a_difference_from_the_preset() -> None:
    plain = resolve(algo="rmix", env="macn:4x12", seed=0, steps=900)
    assert differences_from_preset(plain) == {}
    assert differences_from_preset(with_training(plain, episodes_per_copy=8)) == {"training.episodes_per_copy": 8}
