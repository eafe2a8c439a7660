"""Seeds of every size: they work, or are refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from rmix_kit.cli.main import main
from rmix_kit.errors import ConfigError
from rmix_kit.seeding import LARGEST_SEED, check_seed, episode_seed, generator, torch_seed
from rmix_kit.sweeps.sweep_file import _seeds
from rmix_kit.training.run_config import RunConfig
from rmix_kit.training.trainer import train
from tests.training.runs import Notes, tiny

SIZES = (0, 1, 31, 32, 33, 63, 64, 65, 100, 126)
AROUND = sorted({max(0, 2**size + offset) for size in SIZES for offset in (-1, 0, 1)} | {LARGEST_SEED})
TOO_LARGE = (2**127, 2**128, 2**1000, 10**5000)
OF_EPISODES = (["evaluate", "run"], ["run", "agents"], ["film", "run", "--out", "page.html"])


@pytest.mark.parametrize("seed", AROUND)
def test_a_seed_of_any_size_seeds_every_stream(seed: int) -> None:
    assert check_seed(seed) == seed
    assert 0 <= torch_seed(seed) < 2**64
    assert 0 <= episode_seed(seed, "train", 3) < 2**31
    assert generator(seed, "replay").random() == generator(seed, "replay").random()


def test_seeds_that_torch_takes_are_given_to_it_as_they_are() -> None:
    assert [torch_seed(seed) for seed in (0, 7, 2**64 - 1)] == [0, 7, 2**64 - 1]


def test_larger_seeds_give_other_weights() -> None:
    assert len({torch_seed(seed) for seed in (*range(3), *range(2**64, 2**64 + 3), LARGEST_SEED)}) == 7


@pytest.mark.parametrize("seed", [2**64, LARGEST_SEED])
def test_a_run_of_a_large_seed_trains_and_reads_back(seed: int, tmp_path: Path) -> None:
    run = train(tiny(seed=seed, steps=100), tmp_path / "run", reporter=Notes())
    assert run.config.seed == seed
    assert run.evaluate(episodes=2, seed=seed).seed == seed


@pytest.mark.parametrize("seed", [-1, *TOO_LARGE], ids=lambda seed: f"{seed.bit_length()} bits")
def test_a_seed_out_of_range_is_refused_in_one_line(seed: int) -> None:
    for refuse in (check_seed, lambda seed: tiny(seed=seed), lambda seed: _seeds([seed], "file:1")):
        with pytest.raises(ConfigError) as caught:
            refuse(seed)
        assert len(str(caught.value)) < 200
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["-1", str(2**127), "9" * 5000, "x" * 5000, "1.5"], ids=lambda text: text[:8])
@pytest.mark.parametrize("command", OF_EPISODES, ids=lambda words: words[0])
def test_commands_refuse_a_seed_that_is_none(command: list[str], text: str) -> None:
    result = CliRunner().invoke(main, [*command, f"--seed={text}"])
    assert result.exit_code == 2
    assert "--seed" in result.stderr
    assert len(result.stderr) < 600


def test_train_refuses_a_seed_that_is_none(tmp_path: Path) -> None:
    words = ["train", "--algo", "rmix", "--env", "macn:4x7", "--steps", "1", "--out", str(tmp_path / "run")]
    result = CliRunner().invoke(main, [*words, "--seed", str(2**127)])
    assert result.exit_code == 2
    assert not (tmp_path / "run").exists()


def test_a_sweep_reads_seeds_of_any_size() -> None:
    assert _seeds([2**64, f"{2**80}-{2**80 + 1}"], "file:1") == (2**64, 2**80, 2**80 + 1)


def test_a_sweep_refuses_a_range_beyond_the_largest_seed() -> None:
    with pytest.raises(ConfigError, match="file:1"):
        _seeds([f"{'9' * 5000}-{'9' * 5000}"], "file:1")


def test_a_configuration_with_a_large_seed_reads_back_equal() -> None:
    assert RunConfig.from_dict(tiny(seed=LARGEST_SEED).to_dict()).seed == LARGEST_SEED


def test_a_file_with_a_seed_of_thousands_of_digits_is_refused_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "sweep.yaml"
    file.write_text(f"seeds: {'9' * 5000}\n")
    result = CliRunner().invoke(main, ["sweep", str(file), "--out", str(tmp_path / "out")])
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
