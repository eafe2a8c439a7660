from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pytest

from rmix_kit.envs.rounds import play_rounds
from rmix_kit.errors import EnvironmentContractError


@dataclass(frozen=True)
class Numbers:
    kept: tuple[int, ...]

    @property
    def episodes(self) -> int:
        return len(self.kept)


def keeping(is_sound: Callable[[int], bool]) -> Callable[[Sequence[int]], Numbers]:
    return lambda numbers: Numbers(tuple(filter(is_sound, numbers)))


def test_rounds_are_played_until_there_are_enough() -> None:
    rounds = play_rounds(keeping(lambda _: True), 7, 3)
    assert [played.kept for played in rounds] == [(0, 1, 2), (3, 4, 5), (6, 7, 8)]


def test_later_episodes_stand_in_for_broken_ones() -> None:
    rounds = play_rounds(keeping(lambda number: number not in (1, 2, 5)), 6, 3)
    assert [played.kept for played in rounds] == [(0,), (3, 4), (6, 7, 8)]


def test_an_environment_that_always_breaks_is_given_up() -> None:
    with pytest.raises(EnvironmentContractError, match="only 0 of 24 episodes went well, and 6 are wanted"):
        play_rounds(keeping(lambda _: False), 6, 3)
