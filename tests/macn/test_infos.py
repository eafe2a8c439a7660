from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

import macn
from macn.errors import ActionError, NotResetError

KEYS = {"action_mask", "fell", "success"}
RIGHT, UP = 3, 0
TO_THE_GOAL = [(UP, UP), *[(RIGHT, RIGHT)] * 6, (1, 1)]  # on 4x7
ENDINGS = {
    "goal": ({"layout": "4x7"}, TO_THE_GOAL),
    "fall": ({"layout": "4x7"}, [(UP, UP), (RIGHT, UP), (1, UP)]),
    "clock": ({"layout": "4x7", "max_steps": 3}, [(UP, UP)] * 3),
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_parallel_infos_have_one_set_of_keys(ending: str) -> None:
    arguments, moves = ENDINGS[ending]
    env = macn.parallel_env(**arguments)
    _, first = env.reset(seed=0)
    told = [first] + [env.step(dict(zip(env.possible_agents, move, strict=True)))[4] for move in moves]
    assert env.agents == []
    assert [{frozenset(info) for info in infos.values()} for infos in told] == [{frozenset(KEYS)}] * len(told)
    success = [{info["success"] for info in infos.values()} for infos in told]
    assert success == [{False}] * (len(told) - 1) + [{ending == "goal"}]
    fell = [[infos[name]["fell"] for name in env.possible_agents] for infos in told]
    assert fell == [[False, False]] * (len(told) - 1) + [[ending == "fall", False]]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_aec_infos_have_one_set_of_keys(ending: str) -> None:
    arguments, moves = ENDINGS[ending]
    env = macn.env(**arguments)
    env.reset(seed=0)
    told = [dict(env.infos)]
    for move in moves:
        for action in move:
            env.step(action)
            told.append(dict(env.infos))
    assert all(set(info) == KEYS for infos in told for info in infos.values())
    assert [told[-1]["agent_0"]["success"], told[-2]["agent_0"]["success"]] == [ending == "goal", False]


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_gymnasium_and_vector_infos_have_one_set_of_keys(ending: str) -> None:
    arguments, moves = ENDINGS[ending]
    player, vector = gymnasium.make("macn:MACN-v0", **arguments), macn.vector_env(2, **arguments)
    told = [player.reset(seed=0)[1]] + [player.step(np.asarray(move))[4] for move in moves]
    assert all(set(info) == KEYS | {"state"} for info in told)
    assert [info["success"] for info in told] == [False] * (len(told) - 1) + [ending == "goal"]
    many = [vector.reset(seed=0)[1]] + [vector.step(np.asarray([move] * 2))[4] for move in [*moves, (UP, UP)]]
    assert all(set(info) == KEYS | {"state"} for info in many)
    assert [info["success"].tolist() for info in many[:-1]] == [[info["success"]] * 2 for info in told]


def test_no_actions_of_no_agents_give_nothing_after_the_end() -> None:
    env = macn.parallel_env(max_steps=1)
    with pytest.raises(NotResetError, match="call reset"):
        env.step({})
    env.reset(seed=0)
    with pytest.raises(ActionError, match="no action for 'agent_0'"):
        env.step({})
    env.step(dict.fromkeys(env.agents, UP))
    assert env.step({}) == ({}, {}, {}, {}, {})
    with pytest.raises(NotResetError, match="call reset"):
        env.step(dict.fromkeys(env.possible_agents, UP))


class BlackDeath:
    """What SuperSuit's `black_death` does: the dead stay, and are told that nothing has ended until all is empty."""

    def __init__(self, env: Any) -> None:
        self.env = env

    def step(self, actions: dict[str, int]) -> bool:
        acting = {agent: actions[agent] for agent in self.env.agents}
        _, _, terminated, truncated, _ = self.env.step(acting)
        return all(terminated[agent] and truncated[agent] for agent in terminated)


def test_a_wrapper_that_keeps_the_dead_comes_to_an_end() -> None:
    env = macn.parallel_env("4x7")
    wrapped = BlackDeath(env)
    env.reset(seed=0)
    ends = [wrapped.step(dict.fromkeys(env.possible_agents, action)) for action in (UP, RIGHT, 1, UP)]
    assert ends == [False, False, False, True]
