"""Rewards and infos of every sort."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.envs.corpus.team import HERE, Case, Team, plays, refused

VALUES: dict[str, tuple[Any, dict[str, object]]] = {
    "whole": (1, {"team_return": 3.0}),
    "of_shape_1": (np.array([1.0]), {"team_return": 3.0}),
    "without_axes": (np.array(1.0), {"team_return": 3.0}),
    "double": (np.float64(0.5), {"team_return": 1.5}),
    "truth": (True, {"team_return": 3.0}),
    "large": (1e30, {"length": 3}),
}
WRONG: dict[str, tuple[Any, str]] = {
    "beyond_float32": (1e39, "seed.*step 1.*reward.*1e.39.*float32"),
    "none": (None, "reward of a is None"),
    "nan": (np.nan, "reward of a is nan"),
    "infinite": (np.inf, "reward of a is inf"),
    "of_shape_2": (np.array([1.0, 2.0]), "reward of a is"),
    "a_word": ("much", "reward of a is 'much'"),
}


class Pays(Team):
    """Pays every agent one value, named in the tables above."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.value = {**VALUES, **WRONG}[what][0]

    def reward(self, agent: Any) -> Any:
        return self.value


class PaysUnequally(Team):
    """Pays a 1 and b 3."""

    def reward(self, agent: Any) -> Any:
        return {"a": 1.0, "b": 3.0}[agent]


class PaysThree(PaysUnequally):
    """Has an argument that is called as an option of ours."""

    def __init__(self, reward: float = 2.0) -> None:
        super().__init__()
        self.value = reward

    def reward(self, agent: Any) -> Any:
        return self.value


class PaysTooMuchTogether(Team):
    """Pays each what float32 holds, and the team more."""

    def reward(self, agent: Any) -> Any:
        return 3e38


class ForgetsToPay(Team):
    """Has no reward for b."""

    def pay(self) -> Any:
        return {"a": 1.0}


class PaysTheTeam(Team):
    """Gives one reward instead of one per agent."""

    def pay(self) -> Any:
        return 1.5


class NoInfos(Team):
    """Infos are None."""

    def tell(self) -> Any:
        return None


class NoInfoOfB(Team):
    """b's info is None."""

    def note(self, agent: Any) -> Any:
        return {} if agent == "a" else None


class LacksInfoOfB(Team):
    """There is no info of b."""

    def tell(self) -> Any:
        return {"a": {}}


class ListedInfos(Team):
    """Infos are a list."""

    def tell(self) -> Any:
        return [{}, {}]


PLACE = f"pettingzoo:{HERE}.rewards"
CASES: tuple[Case, ...] = (
    *(plays(f"a reward that is {what}", f"{PLACE}.Pays?what={what}", **facts) for what, (_, facts) in VALUES.items()),
    *(refused(f"a reward that is {what}", f"{PLACE}.Pays?what={what}", words) for what, (_, words) in WRONG.items()),
    plays("unequal rewards, their mean by default", f"{PLACE}.PaysUnequally", team_return=6.0),
    plays("unequal rewards, their sum", f"{PLACE}.PaysUnequally?reward=sum", team_return=12.0),
    plays("unequal rewards, the first one's", f"{PLACE}.PaysUnequally?reward=first", team_return=3.0),
    refused("rewards put together in an unknown way", f"{PLACE}.PaysUnequally?reward=summ", "did you mean 'sum'"),
    plays("an argument called reward is the environment's", f"{PLACE}.PaysThree?reward=5.0", team_return=15.0),
    refused("a team's reward beyond float32", f"{PLACE}.PaysTooMuchTogether?reward=sum", "float32"),
    refused("no reward for one agent", f"{PLACE}.ForgetsToPay", "step 1.*no reward for b"),
    plays("one reward for the team", f"{PLACE}.PaysTheTeam", team_return=4.5),
    plays("infos that are None", f"{PLACE}.NoInfos", length=3),
    plays("one info that is None", f"{PLACE}.NoInfoOfB", length=3),
    plays("one info that is missing", f"{PLACE}.LacksInfoOfB", length=3),
    refused("infos in a list", f"{PLACE}.ListedInfos", "infos are list"),
)
