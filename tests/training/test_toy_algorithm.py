"""A new algorithm is one file and one roster line: it trains, evaluates, exports and runs without other changes."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import rmix_kit
from rmix_kit import algorithms
from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.cli.main import main
from rmix_kit.config import load
from rmix_kit.training import run_config

FILE = '''
"""Toy: independent learners whose values are shrunk towards zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rmix_kit.algorithms.algorithm import Networks
from rmix_kit.algorithms.value_decomposition import ValueDecomposition
from rmix_kit.losses import masked_mean
from rmix_kit.types import EpisodeBatch, Losses, NonNegativeFloat, Progress


@dataclass(frozen=True, kw_only=True)
class Toy(ValueDecomposition):
    """IQL with an extra term.

    Attributes:
        shrinkage: Weight of the squared values.
    """

    name: ClassVar[str] = "toy"
    shrinkage: NonNegativeFloat = 0.01

    def losses(self, online: Networks, target: Networks, batch: EpisodeBatch, progress: Progress) -> Losses:
        """The squared TD error and the extra term."""
        groups, metrics = super().losses(online, target, batch, progress)
        values = online.agent.unroll(batch).outputs[:, :-1]
        return Losses({"td": groups["td"] + self.shrinkage * masked_mean(values.square(), batch.mask)}, metrics)
'''
ENVIRONMENT = "macn:4x7"


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file on a path of its own, and the line in the roster as every module reads it."""
    path = tmp_path / "toy_algorithm.py"
    path.write_text(FILE)
    spec = importlib.util.spec_from_file_location("toy_algorithm", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "toy_algorithm", module)  # dataclasses look their module up
    spec.loader.exec_module(module)
    roster = (*ALGORITHMS, module.Toy)
    for reader in (algorithms, load, run_config):
        monkeypatch.setattr(reader, "ALGORITHMS", roster)
    return str(module.Toy.name)


def output(*arguments: object) -> str:
    result = CliRunner().invoke(main, [*map(str, arguments)])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_one_file_and_one_roster_line_are_enough(toy: str, tmp_path: Path) -> None:
    config = load.resolve(
        algo=toy, env=ENVIRONMENT, seed=0, steps=400, num_envs=4, device="cpu", overrides=["shrinkage=0.1"]
    )
    run = rmix_kit.train(config, out=tmp_path / "run")
    assert run.checkpoint_step >= 400
    assert run.config.algorithm == config.algorithm
    output("export", run.path, "--out", tmp_path / "agents", "--format", "torchscript")
    evaluated = output("evaluate", run.path, "--episodes", 3, "--json")
    assert output("run", tmp_path / "agents", "--format", "torchscript", "--episodes", 3, "--json") == evaluated


def test_the_command_line_knows_it(toy: str, tmp_path: Path) -> None:
    options = ["--env", ENVIRONMENT, "--seed", 0, "--steps", 50, "--num-envs", 4, "--out", tmp_path / "run"]
    assert json.loads(output("train", "--algo", toy, *options, "--json"))["algo"] == toy
