"""Recordings of the shared runs."""

from __future__ import annotations

import pytest

import rmix_kit
from rmix_kit.replays.from_export import record_export
from rmix_kit.replays.from_run import record_run
from rmix_kit.replays.recording import Recording
from tests.fixtures.replays import battle_run, value_run
from tests.fixtures.trained import Trained

__all__ = ["battle_run", "value_run"]


@pytest.fixture(scope="session")
def cliff(trained: Trained) -> Recording:
    return record_run(rmix_kit.load(trained.run), episodes=3)


@pytest.fixture(scope="session")
def exported_cliff(trained: Trained) -> Recording:
    return record_export(trained.agents, episodes=3)


@pytest.fixture(scope="session")
def battle(battle_run: object) -> Recording:
    return record_run(rmix_kit.load(str(battle_run)), episodes=2)


@pytest.fixture(scope="session")
def values(value_run: object) -> Recording:
    return record_run(rmix_kit.load(str(value_run)), episodes=2)
