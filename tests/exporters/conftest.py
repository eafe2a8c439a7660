"""Exported folders, made once: exporting takes seconds, opening one takes milliseconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import exporters
from exporters.contract import PolicySpec
from tests.exporters.policies import plain_policy, risk_aware_policy
from tests.fixtures.shared import shared_folder

FACTS = {"env": "macn:4x12?slip=0.1", "env_steps": 1000, "seed": 3, "checkpoint_sha256": "ab" * 32}


@pytest.fixture(scope="session")
def sealed_team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    team = [risk_aware_policy(1), risk_aware_policy(0)]  # in the wrong order on purpose

    def make(folder: Path) -> None:
        exporters.freeze(team, folder / "team", facts=FACTS)

    return shared_folder("sealed-team", make, tmp_path_factory) / "team"


@pytest.fixture(scope="session")
def sealed_plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        exporters.freeze(plain_policy(), folder / "plain")

    return shared_folder("sealed-plain", make, tmp_path_factory) / "plain"


@pytest.fixture
def team_folder(sealed_team: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return shutil.copytree(sealed_team, tmp_path / "team")


@pytest.fixture(scope="session")
def specs() -> dict[str, PolicySpec]:
    return {"risk_aware": risk_aware_policy().spec, "plain": plain_policy().spec}
