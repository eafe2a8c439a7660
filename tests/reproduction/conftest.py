from __future__ import annotations

from types import MappingProxyType

import pytest

from rmix_kit.envs import make
from rmix_kit.envs.make import Kind


@pytest.fixture(autouse=True)
def gymnasium_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    if "gymnasium" not in make.KINDS:
        stub = Kind(adapter="rmix_kit.envs.pettingzoo", summary="stub", example="gymnasium:module.attribute")
        monkeypatch.setattr(make, "KINDS", MappingProxyType({**make.KINDS, "gymnasium": stub}))
