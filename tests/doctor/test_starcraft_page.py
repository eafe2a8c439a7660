"""The page about installing StarCraft shows what the command prints."""

from __future__ import annotations

import platform

import pytest

from rmix_kit.doctor.starcraft.game import INSTALL
from tests.fixtures.doctor_page import PAGE, page_with_examples


@pytest.mark.skipif(platform.system() != "Linux", reason="the fake game is a program of Linux")
def test_examples_are_what_the_command_prints() -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert page_with_examples(written) == written


def test_the_game_is_installed_by_the_same_line() -> None:
    assert f"\n{INSTALL}\n" in PAGE.read_text(encoding="utf-8")
