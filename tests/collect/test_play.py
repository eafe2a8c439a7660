"""Copies that do not wait for each other: who begins when, what is handed on, and that episodes are the same."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from rmix_kit.collect import Collector, Round, Starts
from rmix_kit.errors import EnvironmentContractError
from rmix_kit.networks import QuantileAgent
from rmix_kit.policy import TeamPolicy, team_policy
from rmix_kit.testing.episodes import CPU, make_spec
from rmix_kit.types import BoolArray, EnvSpec, IntArray, TimeStep
from tests.fixtures.compact_env import SPEC as COMPACT
from tests.fixtures.compact_env import CompactEnv

SPEC = make_spec(obs_values=100)


class Timetable:
    """An episode lasts as many steps as a table says for its seed, and shows its seed; it pays one a step.

    Those whose seed is in ``broken`` break at their end.
    """

    spec = SPEC

    def __init__(self, num_envs: int, lengths: Sequence[int], broken: Sequence[int] = ()) -> None:
        self.num_envs, self._lengths, self._broken = num_envs, np.array(lengths), list(broken)
        self.steps = 0

    def reset(self, seeds: Sequence[int]) -> TimeStep:
        self._seeds, self._time = np.array(seeds), np.zeros(self.num_envs, dtype=np.int64)
        return self._seen(0.0)

    def restart(self, copies: BoolArray, seeds: Sequence[int]) -> TimeStep:
        self._seeds[copies], self._time[copies] = seeds, 0
        return self._seen(0.0)

    def step(self, actions: IntArray) -> TimeStep:
        del actions
        self.steps += 1
        going = self._time < self._lengths[self._seeds]
        self._time += going
        return self._seen(going.astype(np.float32))

    def _seen(self, reward: np.ndarray | float) -> TimeStep:
        shape, ended = (self.num_envs, SPEC.n_agents), self._time >= self._lengths[self._seeds]
        damaged = ended & np.isin(self._seeds, self._broken)
        return TimeStep(
            obs=np.broadcast_to(self._seeds[:, None, None], (*shape, 2)).astype(np.int8),
            avail_actions=np.ones((*shape, SPEC.n_actions), dtype=np.bool_),
            state=np.zeros((self.num_envs, SPEC.state_size), dtype=np.float32),
            reward=np.zeros(self.num_envs, dtype=np.float32) + np.float32(reward),
            terminated=ended & ~damaged,
            truncated=np.zeros(self.num_envs, dtype=np.bool_),
            success=ended & (self._seeds % 2 == 0),
            fell=np.zeros(shape, dtype=np.bool_),
            damaged=damaged,
        )

    def close(self) -> None:
        """Nothing is held."""


class Plan:
    """Numbers the episodes in the order of their starts, and writes down how many copies were free."""

    def __init__(self, episodes: int) -> None:
        self.left, self.free = episodes, list[int]()
        self.begun = 0

    def begin(self, free: int) -> Starts:
        self.free.append(free)
        count = min(free, self.left)
        self.left -= count
        seeds = list(range(self.begun, self.begun + count))
        self.begun += count
        return Starts(seeds, np.array(seeds, dtype=np.float32) / 100)


def policy_of(spec: EnvSpec) -> TeamPolicy:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return TeamPolicy(
            QuantileAgent(spec, hidden_size=8, n_quantiles=4, level_source="predicted", n_levels=5), spec, CPU
        )


def played(envs: Timetable, plan: Plan) -> list[Round]:
    collector = Collector(envs, policy_of(SPEC))
    return list(collector.play(plan.begin, epsilon=lambda: 0.5, rng=np.random.default_rng(0)))


def seeds_of(one: Round) -> list[int]:
    return [int(obs[0, 0, 0]) for obs in one.block.observed["obs"]]


# Copy 0 plays episodes 0, 4, 5; copy 1 meanwhile 1, 2, 3 and then nothing:
#   0 0 0 4 5
#   1 2 3 3 -
LENGTHS = [3, 1, 1, 2, 1, 1]


def test_a_copy_begins_the_next_episode_at_once_and_seeds_follow_the_order_of_starts() -> None:
    envs = Timetable(2, LENGTHS)
    assert list(map(seeds_of, played(envs, Plan(6)))) == [[1], [2], [0], [4, 3], [5]]
    assert envs.steps == 5


def test_a_plan_is_asked_for_all_copies_and_then_for_those_that_are_free() -> None:
    plan = Plan(6)
    played(Timetable(2, LENGTHS), plan)
    assert plan.free == [2, 1, 1, 1, 2, 1]


def test_what_is_handed_on_is_trimmed_and_holds_each_episode_alone() -> None:
    for one in played(Timetable(2, LENGTHS), Plan(6)):
        lengths = [LENGTHS[seed] for seed in seeds_of(one)]
        assert one.block.length.tolist() == lengths
        assert one.block.reward.shape == (len(lengths), max(lengths))
        np.testing.assert_array_equal(one.block.reward, np.arange(max(lengths)) < np.array(lengths)[:, None])
        assert one.episode_return.tolist() == lengths
        assert one.success.tolist() == [seed % 2 == 0 for seed in seeds_of(one)]
        is_seen = np.arange(max(lengths) + 1) <= np.array(lengths)[:, None]
        expected = np.array(seeds_of(one))[:, None] * is_seen
        np.testing.assert_array_equal(one.block.observed["obs"][..., 0, 0], expected)


def test_a_round_that_was_handed_on_does_not_change_any_more() -> None:
    plan, collector = Plan(6), Collector(Timetable(1, [2] * 6), policy_of(SPEC))
    rounds = collector.play(plan.begin, epsilon=lambda: 0.5, rng=np.random.default_rng(0))
    first = next(rounds)
    before = {name: array.tobytes() for name, array in first.block.rows().items()}
    list(rounds)
    assert {name: array.tobytes() for name, array in first.block.rows().items()} == before


def test_levels_belong_to_the_episodes_that_begin_with_them() -> None:
    for one in played(Timetable(2, LENGTHS), Plan(6)):
        asked = np.array(seeds_of(one), dtype=np.float32) / 100
        np.testing.assert_array_equal(one.block.risk_level, asked)
        used = np.repeat(asked[:, None], SPEC.n_agents, axis=1)
        is_asked = asked > 0
        np.testing.assert_allclose(one.risk_level[is_asked], used[is_asked], rtol=1e-6)  # a mean of float32


def test_copies_drain_once_nothing_begins_any_more() -> None:
    envs = Timetable(3, [4, 2, 1])
    assert list(map(seeds_of, played(envs, Plan(3)))) == [[2], [1], [0]]
    assert envs.steps == 4


def test_a_copy_whose_episode_broke_begins_the_next_one() -> None:
    rounds = played(Timetable(2, LENGTHS, broken=[1, 3]), Plan(6))
    assert list(map(seeds_of, rounds)) == [[], [2], [0], [4], [5]]
    assert [one.damaged for one in rounds] == [1, 0, 0, 1, 0]
    assert rounds[0].env_steps == 0


def test_exploration_is_asked_for_at_every_step() -> None:
    asked: list[float] = []

    def epsilon() -> float:
        asked.append(1.0)
        return 1.0

    collector = Collector(Timetable(2, LENGTHS), policy_of(SPEC))
    list(collector.play(Plan(6).begin, epsilon=epsilon, rng=np.random.default_rng(0)))
    assert len(asked) == 5


def test_an_episode_beyond_the_limit_stops_where_copies_do_not_wait_too() -> None:
    with pytest.raises(EnvironmentContractError, match="longer than the limit of 8"):
        played(Timetable(2, [1, 1, 9, 1, 1, 1]), Plan(6))


def test_greedy_episodes_are_those_that_waiting_copies_play() -> None:
    envs, plan = CompactEnv(4), Plan(24)
    collector, rng = Collector(envs, policy_of(COMPACT)), np.random.default_rng(0)
    rounds = list(collector.play(plan.begin, epsilon=lambda: 0.0, rng=rng))
    found = {
        level: one.block.of_episodes(np.array([row])).rows()
        for one in rounds
        for row, level in enumerate(one.block.risk_level.tolist())
    }
    assert len(found) == 24
    for begin in range(0, 24, 4):
        starts = Plan(24)
        starts.begun = begin
        seeds, levels = starts.begin(4)
        block = collector.collect(seeds, epsilon=0.0, rng=rng, risk_level=levels).block
        for row, level in enumerate(levels.tolist()):
            expected = block.of_episodes(np.array([row])).rows()
            assert {n: a.tobytes() for n, a in found[level].items()} == {n: a.tobytes() for n, a in expected.items()}


def test_a_team_acts_by_changed_weights_once_it_is_told() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        agent = QuantileAgent(SPEC, hidden_size=8, n_quantiles=4, level_source="predicted", n_levels=5)
    team, plain = team_policy(agent, SPEC, CPU), TeamPolicy(agent, SPEC, CPU)
    assert type(team) is not TeamPolicy
    obs = np.random.default_rng(0).integers(0, 100, (64, 2, 2)).astype(np.int8)
    avail, levels = np.ones((64, 2, 3), dtype=np.bool_), np.full(64, 0.5, dtype=np.float32)
    carry = team.initial_carry(64)
    with torch.no_grad():
        for weights in agent.parameters():
            weights.normal_(generator=torch.Generator().manual_seed(1))
    team.refresh()
    found, expected = (one.act(obs, avail, levels, carry)[0].actions for one in (team, plain))
    np.testing.assert_array_equal(found, expected)


def test_the_memory_of_copies_that_begin_is_zero_and_that_of_others_stays() -> None:
    team = policy_of(SPEC)
    carry = {name: memory + 1 for name, memory in team.initial_carry(3).items()}
    for memory in team.restarted(carry, np.array([False, True, False])).values():
        assert memory.flatten(1).sum(1).tolist() == pytest.approx([s * memory.shape[1] for s in (1, 1, 0, 0, 1, 1)])


# Four copies; episodes are handed on once more than one has ended:
#   0 4 4 6 9
#   1 1 5 7 -
#   2 2 2 8 -
#   3 3 3 3 -
def test_finished_episodes_wait_until_more_than_a_quarter_as_many_as_the_copies_have_ended() -> None:
    lengths = [1, 2, 3, 4, 2, 1, 1, 1, 1, 1]
    rounds = played(Timetable(4, lengths), Plan(10))
    assert list(map(seeds_of, rounds)) == [[0, 1], [4, 5, 2], [6, 7, 8, 3], [9]]
    for one in rounds:
        assert one.block.length.tolist() == [lengths[seed] for seed in seeds_of(one)]
