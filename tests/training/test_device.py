from __future__ import annotations

import resource
import sys

import pytest
import torch

from rmix_kit.training.device import keep_freed_memory


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
