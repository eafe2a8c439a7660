from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from rmix_kit.collect import Collector
from rmix_kit.envs.interface import codec_of
from rmix_kit.errors import EnvironmentContractError
from rmix_kit.networks import QuantileAgent
from rmix_kit.policy import TeamPolicy
from rmix_kit.replay import EpisodeBlock, ReplayBuffer, worst_case_bytes
from rmix_kit.replay.episode import observed_of
from rmix_kit.testing.device_watch import DeviceWatch
from rmix_kit.testing.episodes import CPU
from rmix_kit.types import EpisodeBatch
from tests.fixtures.blocks import differing
from tests.fixtures.compact_env import LIMIT, SPEC, CompactEnv, UnitCodec, codec_mismatches

COPIES, CAPACITY = 6, 10


def rounds(envs: CompactEnv, count: int = 3) -> list[EpisodeBlock]:
    """Played with one policy and one stream, so that only the form in which steps are kept can differ."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = QuantileAgent(SPEC, hidden_size=8, n_quantiles=4, level_source="predicted", n_levels=5)
    collector, rng = Collector(envs, TeamPolicy(agent, SPEC, CPU)), np.random.default_rng(0)
    seeds = [[COPIES * index + copy for copy in range(COPIES)] for index in range(count)]
    return [collector.collect(part, epsilon=0.6, rng=rng).block for part in seeds]


def filled(*, has_codec: bool, device: torch.device = CPU) -> ReplayBuffer:
    envs = CompactEnv(COPIES, has_codec=has_codec)
    buffer = ReplayBuffer(SPEC, CAPACITY, device, codec=codec_of(envs))
    for block in rounds(envs):
        buffer.add(block)
    return buffer


def drawn(buffer: ReplayBuffer) -> EpisodeBatch:
    return buffer.sample(7, np.random.default_rng(5), reward_scale=0.1, newest=2, level_draws=4, tau_draws=3)


def test_the_codec_of_these_tests_rebuilds_what_its_game_gives() -> None:
    assert codec_mismatches(CompactEnv(20), UnitCodec(), steps=LIMIT) == []


def test_a_codec_that_loses_a_bit_is_seen() -> None:
    class Lossy(UnitCodec):
        def rebuild(self, fields: Any) -> Any:
            obs, state, avail_actions = super().rebuild(fields)
            return obs, state * (1 + 2**-23), avail_actions

    found = codec_mismatches(CompactEnv(20), Lossy(), steps=LIMIT)
    assert found == ["numpy, step by step: state", "numpy: state", "torch: state"]


def test_a_block_keeps_the_compact_fields_alone() -> None:
    block = rounds(CompactEnv(COPIES), 1)[0]
    assert {name: str(array.dtype) for name, array in block.observed.items()} == {
        "last_action": "uint8",
        "position": "float32",
        "health": "float32",
    }


def test_a_sample_is_the_same_bit_for_bit_whichever_form_is_kept() -> None:
    compact, received = drawn(filled(has_codec=True)), drawn(filled(has_codec=False))
    names = [name for name, value in vars(received).items() if isinstance(value, Tensor)]
    assert len(names) == 13
    for name in names:
        ours, theirs = getattr(compact, name), getattr(received, name)
        assert ours.dtype == theirs.dtype, name
        assert torch.equal(ours, theirs), name
    assert not received.mask.all()  # there is padding to compare


def test_the_newest_episodes_come_back_in_their_compact_form() -> None:
    buffer = filled(has_codec=True)
    assert differing(buffer.last(COPIES), rounds(CompactEnv(COPIES))[-1]) == []


def test_the_compact_form_counts_in_the_worst_case() -> None:
    # position and health 2 * 2 * 4, reward 4, last actions 2, actions and their origin 4: 26, and 2 for alignment
    assert worst_case_bytes(SPEC, UnitCodec(), CAPACITY) == CAPACITY * (LIMIT + 1) * 28


def test_a_step_without_its_compact_form_is_refused() -> None:
    step = CompactEnv(2, has_codec=False).reset([0, 1])
    with pytest.raises(EnvironmentContractError, match="compact form"):
        observed_of(step, UnitCodec())


def test_a_compact_form_of_another_dtype_is_refused() -> None:
    step = CompactEnv(2).reset([0, 1])
    assert step.compact is not None
    wide = {name: array.astype(np.float64) for name, array in step.compact.items()}
    with pytest.raises(EnvironmentContractError, match="float64"):
        observed_of(replace(step, compact=wide), UnitCodec())


def test_rebuilding_stays_on_the_device_and_reads_nothing_back() -> None:
    meta = torch.device("meta")
    fields = {
        name: torch.zeros((3, 5, *array.shape), dtype=torch.from_numpy(array).dtype, device=meta)
        for name, array in UnitCodec().template.items()
    }
    with DeviceWatch("meta") as watch:
        UnitCodec().rebuild(fields)
    assert watch.complaints == []
    batch = drawn(filled(has_codec=True, device=meta))
    assert {str(batch.obs.device), str(batch.state.device), str(batch.avail_actions.device)} == {"meta"}


def test_what_a_codec_makes_of_padding_is_not_seen() -> None:
    class Lifted(UnitCodec):
        def rebuild(self, fields: Any) -> Any:
            obs, state, avail_actions = super().rebuild(fields)
            return obs + 1, state + 1, avail_actions & False

    buffer = ReplayBuffer(SPEC, CAPACITY, CPU, codec=Lifted())
    for block in rounds(CompactEnv(COPIES, has_codec=True)):
        buffer.add(block)
    batch = drawn(buffer)
    padding = torch.nn.functional.pad(~batch.mask, (1, 0))
    assert padding.any()
    assert not batch.obs[padding].any()
    assert not batch.state[padding].any()
    assert batch.avail_actions[padding].all()
    assert not batch.avail_actions[~padding].any()
