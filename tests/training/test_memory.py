from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rmix_kit.replay import ReplayBuffer
from rmix_kit.training import memory
from rmix_kit.training.memory import available_bytes, in_words, replay_notes
from tests.fixtures.episodes import CPU, make_spec

HUGE = replace(make_spec(episode_limit=10**6), obs_shape=(10**4,))


def test_a_replay_that_may_outgrow_the_memory_is_warned_of_with_the_knob(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       24682000 kB\nMemFree:         1000000 kB\nMemAvailable:    2097152 kB\n")
    monkeypatch.setattr(memory, "MEMINFO", meminfo)
    size, warning = replay_notes(ReplayBuffer(HUGE, 5000, CPU))
    assert "up to 5,000 episodes of at most 1000000 steps" in size
    assert warning.startswith("warning: 2.00 GiB of memory is available")
    assert "training.buffer_episodes" in warning


def test_a_replay_that_fits_is_not_warned_of() -> None:
    assert len(replay_notes(ReplayBuffer(make_spec(), 100, CPU))) == 1


def test_a_replay_elsewhere_is_not_held_against_the_hosts_memory() -> None:
    assert len(replay_notes(ReplayBuffer(HUGE, 5000, torch.device("meta")))) == 1


def test_a_system_that_does_not_say_what_is_available_warns_of_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "MEMINFO", tmp_path / "absent")
    assert available_bytes() is None
    assert len(replay_notes(ReplayBuffer(HUGE, 5000, CPU))) == 1


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0.00 KiB"), (12_493, "12.2 KiB"), (63_963_136, "61.0 MiB"), (2**20 * 700, "700 MiB"), (10**10, "9.31 GiB")],
)
def test_sizes_are_said_with_three_figures(size: int, words: str) -> None:
    assert in_words(size) == words
