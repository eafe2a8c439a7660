from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main
from rmix_kit.cli.words import SEEDS

TRAIN = ("train", "--algo", "vdn", "--env", "macn:4x7?max_steps=10", "--steps", "60")
SMALL = ("algorithm.hidden_size=4", "training.num_envs=2", "training.rollout=device", "training.rollout_steps=5")
SMALL = (*SMALL, "training.evaluation_episodes=1")


@pytest.mark.parametrize(("text", "seeds"), [("0-3", (0, 1, 2, 3)), ("7", (7,)), ("5, 0-1", (5, 0, 1)), ("2-2", (2,))])
def test_seeds_are_ranges_and_numbers(text: str, seeds: tuple[int, ...]) -> None:
    assert SEEDS.convert(text, None, None) == seeds


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3-1", "'3-1' is no range of 1 to 1000 seeds"),
        ("0-1000", "'0-1000' is no range"),
        ("0-3,2", "gives a seed twice"),
        ("a", "'a' is not a whole number"),
        ("0-", "'' is not a whole number"),
        ("-1", "'' is not a whole number"),
    ],
)
def test_seeds_that_are_none_are_refused(text: str, words: str) -> None:
    with pytest.raises(click.BadParameter) as caught:
        SEEDS.convert(text, None, None)
    assert words in caught.value.message


def test_train_takes_one_seed_or_several(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, [*TRAIN, "--seed", "0", "--seeds", "0-1", "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "give --seed N, or --seeds A-B" in result.output
    assert not (tmp_path / "out").exists()


def test_train_prints_a_list_of_the_seeds_runs(tmp_path: Path) -> None:
    settings = [part for value in SMALL for part in ("--set", value)]
    result = CliRunner().invoke(main, [*TRAIN, "--seeds", "4,2", "--out", str(tmp_path / "out"), *settings, "--json"])
    assert result.exit_code == 0, result.output
    assert [Path(entry["run"]).name for entry in json.loads(result.stdout)] == ["seed_4", "seed_2"]
