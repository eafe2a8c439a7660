from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rmix_kit.envs.interface import VectorEnv
from rmix_kit.envs.make import make_vector_env
from rmix_kit.errors import ConfigError
from rmix_kit.replay import ReplayBuffer
from rmix_kit.replay.episode import empty_block
from rmix_kit.replay.records import chunk_episodes, episode_bytes
from rmix_kit.testing.episodes import CPU, make_spec
from rmix_kit.training import memory
from rmix_kit.training.memory import available_bytes, check_memory, in_words, planned_memory, replay_notes
from rmix_kit.training.trainer import train
from tests.training.runs import Notes, tiny, with_training

META = torch.device("meta")

HUGE = replace(make_spec(episode_limit=10**6), obs_shape=(10**4,))


PONG = replace(make_spec(episode_limit=900), obs_shape=(280, 240, 3), state_size=4)


@pytest.fixture
def two_gibibytes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       24682000 kB\nMemFree:         1000000 kB\nMemAvailable:    2097152 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", meminfo)


def test_a_replay_says_how_large_it_can_become() -> None:
    (line,) = replay_notes(ReplayBuffer(HUGE, 5000, CPU))
    assert "up to 5,000 episodes of at most 1000000 steps" in line


@pytest.mark.usefixtures("two_gibibytes")
def test_a_run_that_cannot_fit_is_refused_with_the_numbers() -> None:
    with pytest.raises(ConfigError, match=r"replay .*, a round of copies .*, a batch .*2.00 GiB is available"):
        check_memory(tiny(), PONG, None, CPU)


@pytest.mark.usefixtures("two_gibibytes")
def test_a_run_that_goes_on_is_warned() -> None:
    notes = Notes()
    check_memory(tiny(), PONG, None, CPU, notes)
    assert notes.text.startswith("warning: ")
    assert "training.buffer_episodes" in notes.text


@pytest.mark.usefixtures("two_gibibytes")
def test_a_run_that_fits_is_neither() -> None:
    notes = Notes()
    check_memory(tiny(), make_spec(), None, CPU)
    check_memory(tiny(), make_spec(), None, CPU, notes)
    assert not notes.lines


def test_the_planned_steps_bound_the_replay() -> None:
    huge = with_training(tiny(steps=10**9), buffer_episodes=1000)
    short = with_training(tiny(steps=900), buffer_episodes=1000)
    assert planned_memory(huge, PONG, None).replay == pytest.approx(1000 * episode_bytes(PONG, None), rel=0.01)
    assert planned_memory(short, PONG, None).replay == pytest.approx(6 * episode_bytes(PONG, None), rel=0.01)


def test_a_replay_on_the_device_takes_all_at_once_whatever_the_planned_steps() -> None:
    config = with_training(tiny(), rollout="device")
    episode = episode_bytes(PONG, None)
    assert planned_memory(replace(config, steps=1), PONG, None).replay == pytest.approx(64 * episode, rel=0.01)


def test_a_batch_counts_float32_of_observations_and_states() -> None:
    spec = make_spec(episode_limit=9)
    step = 4 * (spec.n_agents * math.prod(spec.obs_shape) + spec.state_size) + spec.n_agents * (spec.n_actions + 9)
    assert planned_memory(tiny(), spec, None).batch == 4 * 10 * step


@pytest.mark.usefixtures("two_gibibytes")
def test_a_replay_elsewhere_is_not_held_against_the_hosts_memory() -> None:
    check_memory(with_training(tiny(), num_envs=1, evaluation_copies=1), replace(PONG, episode_limit=90), None, META)


def test_a_system_that_does_not_say_what_is_available_refuses_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "absent")
    assert available_bytes() is None
    check_memory(tiny(), PONG, None, CPU)


@pytest.mark.parametrize("steps", [10**9, 10**15, 10**30])
def test_an_episode_limit_whose_memory_cannot_be_had_leaves_no_folder(steps: int, tmp_path: Path) -> None:
    def endless(text: str, count: int) -> VectorEnv:
        envs = make_vector_env(text, count)
        envs.spec = replace(envs.spec, episode_limit=steps)
        return envs

    with pytest.raises(ConfigError, match="memory"):
        train(tiny(), tmp_path / "run", make_env=endless, reporter=Notes())
    assert not (tmp_path / "run").exists()


def test_a_block_whose_memory_cannot_be_had_is_refused_in_one_line() -> None:
    for limit in (10**13, 10**18):
        with pytest.raises(ConfigError, match="give a lower episode limit"):
            empty_block(make_spec(), 32, limit)


def test_a_chunk_is_no_larger_than_a_system_gives_at_once() -> None:
    assert chunk_episodes(5000, 10**9) == 1
    assert chunk_episodes(5000, 1000) == 40


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0.00 KiB"), (12_493, "12.2 KiB"), (63_963_136, "61.0 MiB"), (2**20 * 700, "700 MiB"), (10**10, "9.31 GiB")],
)
def test_sizes_are_said_with_three_figures(size: int, words: str) -> None:
    assert in_words(size) == words


@pytest.mark.parametrize(
    ("size", "message"), [(1_000_000, r"networks [\d,]+ GiB\), and"), (10**12, "too large to be made")]
)
def test_networks_that_cannot_fit_leave_no_folder(size: int, message: str, tmp_path: Path) -> None:
    algorithm = replace(tiny().algorithm, hidden_size=size)
    with pytest.raises(ConfigError, match=message):
        train(tiny(algorithm=algorithm), tmp_path / "run", reporter=Notes())
    assert not (tmp_path / "run").exists()
