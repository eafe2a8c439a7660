from __future__ import annotations

import resource
import sys

import pytest
import torch

from rmix_kit.training.device import keep_freed_memory, why_slow

CPU = torch.device("cpu")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="concerns glibc")
def test_freed_memory_is_used_again_without_new_pages() -> None:
    keep_freed_memory()
    for _ in range(8):  # room of 16 MiB may first have to be found between what other tests left
        torch.ones(4 * 2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(8):
        torch.ones(4 * 2**20)
    assert (
        resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before < 16_384
    )  # eight times fresh pages would be 32,768


def test_who_has_no_numba_is_told_that_updates_could_be_quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    assert why_slow(CPU) == []
    monkeypatch.setattr(
        "rmix_kit.training.device.compiled_module", lambda name: "numba is not installed (pip install X)"
    )
    assert why_slow(CPU) == ["updates take longer than they could: numba is not installed (pip install X)"]
    assert why_slow(torch.device("cuda")) == []


def test_who_has_no_place_for_what_updates_call_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rmix_kit.training.device.is_kept", lambda function: False)
    (line,) = why_slow(CPU)
    assert "NUMBA_CACHE_DIR" in line
