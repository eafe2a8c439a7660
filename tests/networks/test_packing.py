from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rmix_kit.networks.packing import pack, shift, unpack
from rmix_kit.replay.buffer import make_packing
from rmix_kit.testing.episodes import CPU
from rmix_kit.types import IntArray, Packing

LENGTHS = st.lists(st.integers(1, 9), min_size=1, max_size=6)


def packing_of(lengths: list[int], n_agents: int) -> tuple[IntArray, Packing]:
    length = np.sort(np.array(lengths, dtype=np.int64))[::-1].copy()
    return length, make_packing(length, n_agents, CPU)


@given(LENGTHS, st.integers(1, 3))
def test_unpacking_restores_real_rows_and_zeroes_padding(lengths: list[int], n_agents: int) -> None:
    length, packing = packing_of(lengths, n_agents)
    shape = (len(length), int(length[0]) + 1, n_agents)
    values = torch.arange(1, 1 + 2 * shape[0] * shape[1] * shape[2]).view(*shape, 2).float()
    real = torch.from_numpy(np.arange(shape[1]) <= length[:, None])[..., None, None]
    assert torch.equal(unpack(pack(values, packing), packing, shape), values * real)


@given(LENGTHS, st.integers(1, 3))
def test_rows_per_step_never_rise(lengths: list[int], n_agents: int) -> None:
    rows = packing_of(lengths, n_agents)[1].rows_per_step
    assert list(rows) == sorted(rows, reverse=True)


@given(LENGTHS, st.integers(1, 3))
def test_shifting_gives_each_row_the_step_before(lengths: list[int], n_agents: int) -> None:
    length, packing = packing_of(lengths, n_agents)
    shape = (len(length), int(length[0]) + 1, n_agents)
    values = torch.arange(1, 1 + shape[0] * shape[1] * shape[2]).view(*shape, 1).float()
    delayed = torch.cat([torch.zeros_like(values[:, :1]), values[:, :-1]], 1)
    assert torch.equal(shift(pack(values, packing), packing), pack(delayed, packing))


@pytest.mark.parametrize("n_agents", [1, 2])
def test_rows_are_ordered_step_by_step(n_agents: int) -> None:
    _, packing = packing_of([2, 1], n_agents)
    assert packing.rows_per_step == (2 * n_agents, 2 * n_agents, n_agents)
