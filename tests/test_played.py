from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from rmix_kit.episodes import PlayedEpisodes, play_rounds
from rmix_kit.errors import EnvironmentContractError


def keeping(is_sound: Callable[[int], bool]) -> Callable[[Sequence[int]], PlayedEpisodes]:
    """Play episodes whose return is their number; of the second agent's level too."""

    def play(numbers: Sequence[int]) -> PlayedEpisodes:
        kept = np.array(list(filter(is_sound, numbers)), dtype=np.int64)
        return PlayedEpisodes(
            returns=kept.astype(np.float32),
            success=kept % 2 == 0,
            fell=kept % 3 == 0,
            lengths=kept + 1,
            risk_levels=np.stack([np.ones_like(kept), kept], axis=-1).astype(np.float32),
        )

    return play


def test_rounds_are_played_until_there_are_enough_and_no_more_is_given() -> None:
    played = play_rounds(keeping(lambda _: True), 7, 3)
    assert played.returns.tolist() == list(range(7))
    assert played.lengths.tolist() == list(range(1, 8))
    assert played.success.tolist() == [number % 2 == 0 for number in range(7)]
    assert played.fell.tolist() == [number % 3 == 0 for number in range(7)]
    assert played.risk_levels[:, 1].tolist() == list(range(7))


def test_later_episodes_stand_in_for_broken_ones() -> None:
    played = play_rounds(keeping(lambda number: number not in (1, 2, 5)), 6, 3)
    assert played.returns.tolist() == [0, 3, 4, 6, 7, 8]


def test_an_environment_that_always_breaks_is_given_up() -> None:
    with pytest.raises(EnvironmentContractError, match="only 0 of 24 episodes went well, and 6 are wanted"):
        play_rounds(keeping(lambda _: False), 6, 3)


def test_a_round_before_the_first_word_of_success_solved_nothing() -> None:
    sound = keeping(lambda _: True)

    def play(numbers: Sequence[int]) -> PlayedEpisodes:
        played = sound(numbers)
        return played if numbers[0] >= 3 else replace(played, success=None)

    played = play_rounds(play, 7, 3)
    assert played.success is not None
    assert played.success.tolist() == [False, False, False, False, True, False, True]


def test_without_a_word_of_success_there_is_no_rate() -> None:
    played = play_rounds(lambda numbers: replace(keeping(lambda _: True)(numbers), success=None), 4, 3)
    assert played.success is None
    assert played.episodes == 4
    assert played.summary(0, 0)["success_rate"] is None
