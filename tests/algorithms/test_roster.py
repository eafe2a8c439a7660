from __future__ import annotations

import contextlib

import pytest
import torch

from rmix_kit.algorithms import ALGORITHMS
from rmix_kit.testing import CHECKS
from rmix_kit.testing.device_watch import DeviceWatch
from tests.algorithms.cases import CASES, UNTRAINED, batch_for

META = torch.device("meta")
each_case = pytest.mark.parametrize("name", CASES)


def test_names_are_unique() -> None:
    names = [kind.name for kind in ALGORITHMS]
    assert len(names) == len(set(names))


@each_case
@pytest.mark.parametrize("check", CHECKS)
def test_an_algorithm_passes_the_public_bar(check: str, name: str) -> None:
    assert CHECKS[check](CASES[name], UNTRAINED.get(name, ())) == ""


def test_the_watch_sees_a_constant_on_the_host() -> None:
    with DeviceWatch("meta") as watch:
        torch.ones(3, device=META) * torch.tensor(2.0)
    assert any("mul" in complaint for complaint in watch.complaints)


def test_the_watch_sees_an_index_on_the_host() -> None:
    with DeviceWatch("meta") as watch:
        torch.ones(3, device=META)[torch.tensor([0, 2])]
    assert any("index" in complaint for complaint in watch.complaints)


def test_the_watch_sees_a_value_read_back() -> None:
    with DeviceWatch("meta") as watch, contextlib.suppress(RuntimeError, NotImplementedError):
        torch.ones((), device=META).item()
    assert any("reads the device" in complaint for complaint in watch.complaints)


def test_the_spec_of_these_tests_has_padding_to_look_at() -> None:
    assert not batch_for(CASES["rmix"]).mask.all()
