"""Films of the shared runs."""

from __future__ import annotations

import pytest

import rmix_kit
from rmix_kit.films.film import Film
from rmix_kit.films.from_export import film_export
from rmix_kit.films.from_run import film_run
from tests.fixtures.films import battle_run, value_run
from tests.fixtures.trained import Trained

__all__ = ["battle_run", "value_run"]


@pytest.fixture(scope="session")
def cliff(trained: Trained) -> Film:
    return film_run(rmix_kit.load(trained.run), episodes=3)


@pytest.fixture(scope="session")
def exported_cliff(trained: Trained) -> Film:
    return film_export(trained.agents, episodes=3)


@pytest.fixture(scope="session")
def battle(battle_run: object) -> Film:
    return film_run(rmix_kit.load(str(battle_run)), episodes=2)


@pytest.fixture(scope="session")
def values(value_run: object) -> Film:
    return film_run(rmix_kit.load(str(value_run)), episodes=2)
