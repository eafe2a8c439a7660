"""Gymnasium environments of several agents; importing this registers them."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Tuple

from tests.envs.corpus.team import HERE, Case, plays, refused


class Listed(gymnasium.Env[Any, Any]):
    """Two agents in tuples; three steps; pays the first 1 and the second 2, in a list."""

    n_agents = 2
    observation_space: Any = Tuple([Box(-1.0, 1.0, (2,), np.float32)] * 2)
    action_space: Any = Tuple([Discrete(3)] * 2)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.steps = 0
        return self.see(), self.tell()

    def step(self, action: Any) -> Any:
        self.steps += 1
        return self.see(), self.pay(), self.over(), False, self.tell()

    def see(self) -> Any:
        return tuple(self.np_random.uniform(-1, 1, 2).astype(np.float32) for _ in range(2))

    def pay(self) -> Any:
        return [1.0, 2.0]

    def over(self) -> Any:
        return self.steps >= 3

    def tell(self) -> Any:
        return {}


class Joint(Listed):
    """Observations in one array, actions a MultiDiscrete, one reward."""

    observation_space = Box(-1.0, 1.0, (2, 4), np.float32)
    action_space = MultiDiscrete([3, 2])

    def see(self) -> Any:
        return self.np_random.uniform(-1, 1, (2, 4)).astype(np.float32)

    def pay(self) -> Any:
        return 1.5


class ListedEnds(Listed):
    """Says of each agent whether it is done; the second is after two steps."""

    def over(self) -> Any:
        return [self.steps >= 3, self.steps >= 2]


class Masks(Listed):
    """Says of each agent what is allowed."""

    def tell(self) -> Any:
        return {"avail_actions": [[0, 1, 1], [1, 0, 0]]}


class ListOfSpaces(Listed):
    """Spaces are lists, as older environments have them."""

    observation_space = [Box(-1.0, 1.0, (2,), np.float32)] * 2
    action_space = [Discrete(3)] * 2


class Single(Listed):
    """One agent, as most of Gymnasium's."""

    observation_space = Box(-1.0, 1.0, (2,), np.float32)
    action_space = Discrete(3)


class Miscounted(Listed):
    """Says three agents and has spaces of two."""

    n_agents = 3


class Forgetful(Listed):
    """Observes for one agent less."""

    def see(self) -> Any:
        return super().see()[:1]


class OldStep(Listed):
    """A step gives four things, as Gym's did."""

    def step(self, action: Any) -> Any:
        return super().step(action)[:4]


ENVIRONMENTS = (Listed, Joint, ListedEnds, Masks, ListOfSpaces, Single, Miscounted, Forgetful, OldStep)
for _made in ENVIRONMENTS:
    if f"Corpus{_made.__name__}-v0" not in gymnasium.registry:
        gymnasium.register(f"Corpus{_made.__name__}-v0", entry_point=_made, max_episode_steps=6)
if "CorpusEndless-v0" not in gymnasium.registry:
    gymnasium.register("CorpusEndless-v0", entry_point=Listed)

PLACE = f"gymnasium:{HERE}.gymnasium_teams:Corpus"
CASES: tuple[Case, ...] = (
    plays("a team in tuples", f"{PLACE}Listed-v0", n_agents=2, n_actions=3, episode_limit=6, team_return=9.0, length=3),
    plays("a team in tuples, its mean reward", f"{PLACE}Listed-v0?reward=mean", team_return=4.5),
    plays("a team in tuples, the first one's reward", f"{PLACE}Listed-v0?reward=first", team_return=3.0),
    plays("a team in tuples, a shorter limit", f"{PLACE}Listed-v0?episode_limit=2", length=2, end="truncated"),
    plays("a team in arrays", f"{PLACE}Joint-v0", obs_shape=(4,), n_actions=3, team_return=4.5),
    plays("a team that ends one by one", f"{PLACE}ListedEnds-v0", length=3, end="terminated", team_return=7.0),
    plays("a team with masks", f"{PLACE}Masks-v0", mask=[[False, True, True], [True, False, False]]),
    plays("a team in lists", f"{PLACE}ListOfSpaces-v0", n_agents=2, length=3),
    refused("a team without a limit", f"{PLACE}Endless-v0", "episode_limit=100"),
    plays("a team with a limit that is asked", f"{PLACE}Endless-v0?episode_limit=3", length=3),
    refused("a team of one", f"{PLACE}Single-v0", r"action space is Discrete\(3\)"),
    refused("a team that is miscounted", f"{PLACE}Miscounted-v0", "n_agents 3"),
    refused("a team with one observation less", f"{PLACE}Forgetful-v0", "1 .*observation.*2 agents"),
    refused("a team whose step gives four things", f"{PLACE}OldStep-v0", "step"),
    refused("an id that is not registered", "gymnasium:NoSuchTeam-v0", "NoSuchTeam"),
    refused("a module that is not there", "gymnasium:no_such_module:Team-v0", "no_such_module"),
    refused("an argument that the team does not take", f"{PLACE}Listed-v0?colour=red", "colour"),
)
