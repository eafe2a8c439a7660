"""Exported folders, made once: exporting takes seconds, opening one takes milliseconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import exporters
from exporters.contract import PolicySpec
from tests.exporters.policies import plain_policy, risk_aware_policy

FACTS = {"env": "macn:4x12?slip=0.1", "env_steps": 1000, "seed": 3, "checkpoint_sha256": "ab" * 32}


@pytest.fixture(scope="session")
def sealed_team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    team = [risk_aware_policy(1), risk_aware_policy(0)]  # in the wrong order on purpose
    return exporters.freeze(team, tmp_path_factory.mktemp("exports") / "team", facts=FACTS)


@pytest.fixture(scope="session")
def sealed_plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return exporters.freeze(plain_policy(), tmp_path_factory.mktemp("exports") / "plain")


@pytest.fixture
def team_folder(sealed_team: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return shutil.copytree(sealed_team, tmp_path / "team")


@pytest.fixture(scope="session")
def specs() -> dict[str, PolicySpec]:
    return {"risk_aware": risk_aware_policy().spec, "plain": plain_policy().spec}
