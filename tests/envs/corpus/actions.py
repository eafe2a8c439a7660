"""Actions and masks of every sort."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Tuple

from tests.envs.corpus.team import HERE, Case, Team, plays, refused

WRONG: dict[str, Space[Any]] = {
    "Box": Box(-1.0, 1.0, (2,)),
    "MultiDiscrete": MultiDiscrete([2, 3]),
    "MultiBinary": MultiBinary(2),
    "Tuple": Tuple((Discrete(2), Discrete(2))),
    "Dict": Dict({"move": Discrete(2)}),
}
# Each name is a way to give [False, True, True] of three actions, or something else in its place.
MASKS: dict[str, dict[str, Any]] = {
    "action_mask": {"action_mask": np.array([0, 1, 1], np.int8)},
    "avail_actions": {"avail_actions": [0, 1, 1]},
    "available_actions": {"available_actions": np.array([False, True, True])},
    "action_masks": {"action_masks": (False, True, True)},
    "floats": {"action_mask": np.array([0.0, 1.0, 1.0])},
    "absent": {"action_mask": None},
    "all_false": {"action_mask": np.zeros(3, np.int8)},
    "too_long": {"action_mask": [0, 1, 1, 1]},
    "a_column": {"action_mask": [[0], [1], [1]]},
    "legal_moves": {"legal_moves": [0, 1, 1]},
    "valid": {"valid": np.array([False, True, True])},
    "no_mask_at_all": {"legal_notice": "none", "moves": [0, 1, 1]},
}
MASKED = [[False, True, True]] * 2


class ActsBy(Team):
    """The action space is one of those that are refused."""

    def __init__(self, space: str) -> None:
        super().__init__()
        self.space = WRONG[space]

    def action_space(self, agent: Any) -> Space[Any]:
        return self.space


class Actions(Team):
    """So many actions, from `start`; pays the action that was taken, and accepts no other."""

    def __init__(self, n: int = 2, start: int = 0) -> None:
        super().__init__()
        self.n, self.start = n, start

    def action_space(self, agent: Any) -> Discrete:
        return Discrete(self.n, start=self.start)

    def reward(self, agent: Any) -> Any:
        action = self.actions[agent]
        if not (isinstance(action, int) and self.action_space(agent).contains(action)):
            raise ValueError(f"{action!r} is no action")
        return float(action)


class Unequal(Team):
    """a has three actions, b two."""

    def action_space(self, agent: Any) -> Discrete:
        return Discrete(3) if agent == "a" else Discrete(2)


class Three(Team):
    """Three actions."""

    def action_space(self, agent: Any) -> Discrete:
        return Discrete(3)


class InInfo(Three):
    """Says in the infos what is allowed."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.given = MASKS[what]

    def note(self, agent: Any) -> Any:
        return dict(self.given)


class InObservation(InInfo):
    """Says in the observation what is allowed, under a name that may be declared there."""

    def observation_space(self, agent: Any) -> Space[Any]:
        masks = {key: MultiBinary(3) for key in self.given}
        return Dict({"observation": super().observation_space(agent), **masks})

    def observe(self, agent: Any) -> Any:
        return {"observation": super().observe(agent), **self.given}

    def note(self, agent: Any) -> Any:
        return {}


class ByMethod(Three):
    """Says by `action_masks()` what is allowed, in the order of the agents."""

    def action_masks(self) -> Any:
        return np.array([[False, True, True]] * 2)


class ByMethodOfOne(Three):
    """Says by `action_mask(agent)` what is allowed."""

    def action_mask(self, agent: Any) -> Any:
        return np.array([False, True, True])


class ByPyMARLsMethod(Three):
    """Says by `get_avail_actions()` what is allowed, as PyMARL's environments do."""

    def get_avail_actions(self) -> Any:
        return [[0, 1, 1], [0, 1, 1]]


class ByAttribute(Three):
    """Keeps from its first reset on, in `action_masks`, what is allowed; a new array at every step."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.action_masks = {agent: np.array([False, True, True]) for agent in self.possible_agents}
        return super().reset(seed=seed, options=options)


class ByProperty(Three):
    """Says by the property `avail_actions` what is allowed."""

    @property
    def avail_actions(self) -> Any:
        return [[0, 1, 1], [0, 1, 1]]


class NamesItsActions(Three):
    """Keeps the names of its actions where others keep a mask."""

    available_actions = ("stay", "left", "right")


class NumbersItsActions(Three):
    """Keeps the numbers of its actions where others keep a mask."""

    available_actions = (0, 1, 2)


class ByName(Three):
    """Says by `action_masks()` what is allowed, by the agents' names."""

    def action_masks(self) -> Any:
        return {agent: [0, 1, 1] for agent in self.agents}


class StuckAtTheEnd(Three):
    """Allows nothing once it is over."""

    def note(self, agent: Any) -> Any:
        return {"action_mask": [0, 0, 0] if self.steps == self.length else [0, 1, 1]}


PLACE = f"pettingzoo:{HERE}.actions"
CASES: tuple[Case, ...] = (
    *(refused(f"actions that are a {n}", f"{PLACE}.ActsBy?space={n}", f"action space of a is {n}") for n in WRONG),
    plays("one action", f"{PLACE}.Actions?n=1", n_actions=1, action_dtype="uint8", team_return=0.0),
    plays("256 actions", f"{PLACE}.Actions?n=256", n_actions=256, action_dtype="uint8"),
    plays("257 actions", f"{PLACE}.Actions?n=257", n_actions=257, action_dtype="int16"),
    plays("300 actions", f"{PLACE}.Actions?n=300", n_actions=300, action_dtype="int16", highest_return=3 * 299.0),
    plays(
        "65,536 actions", f"{PLACE}.Actions?n=65536", n_actions=65536, action_dtype="int32", highest_return=3 * 65535.0
    ),
    plays("actions from five on", f"{PLACE}.Actions?n=2&start=5", team_return=15.0, highest_return=18.0),
    plays("actions from minus one on", f"{PLACE}.Actions?n=3&start=-1", team_return=-3.0),
    plays("unequal counts of actions", f"{PLACE}.Unequal", n_actions=3, mask=[[True] * 3, [True, True, False]]),
    *(
        plays(f"a mask in the {place} by way of {what}", f"{PLACE}.{factory}?what={what}", mask=MASKED)
        for what in ("action_mask", "avail_actions", "available_actions", "action_masks", "floats")
        for place, factory in (("info", "InInfo"), ("observation", "InObservation"))
    ),
    plays("a mask that is None", f"{PLACE}.InInfo?what=absent", mask=[[True] * 3] * 2),
    plays("notes that are no masks", f"{PLACE}.InInfo?what=no_mask_at_all", mask=[[True] * 3] * 2),
    *(
        refused(f"a mask under the unknown name {name} in the info", f"{PLACE}.InInfo?what={name}", f"mask={name}")
        for name in ("legal_moves", "valid")
    ),
    refused("an unknown mask in the observation", f"{PLACE}.InObservation?what=legal_moves", "legal_moves"),
    plays("a mask under a name that is told", f"{PLACE}.InInfo?what=legal_moves&mask=legal_moves", mask=MASKED),
    plays(
        "a mask in the observation under a name that is told",
        f"{PLACE}.InObservation?what=legal_moves&mask=legal_moves", mask=MASKED,
    ),
    plays("what is said to be no mask", f"{PLACE}.InInfo?what=valid&mask=none", mask=[[True] * 3] * 2),
    refused("a mask that allows nothing", f"{PLACE}.InInfo?what=all_false", "step 0.*a has no allowed action"),
    refused("a mask of another length", f"{PLACE}.InInfo?what=too_long", r"\(4,\).*\(3,\)"),
    refused("a mask of another shape", f"{PLACE}.InInfo?what=a_column", r"\(3, 1\).*\(3,\)"),
    *(
        plays(f"a mask by the method {method}", f"{PLACE}.{method}", mask=MASKED)
        for method in ("ByMethod", "ByMethodOfOne", "ByPyMARLsMethod", "ByName")
    ),
    *(
        plays(f"a mask as an attribute, {name}", f"{PLACE}.{name}", mask=MASKED)
        for name in ("ByAttribute", "ByProperty")
    ),
    plays("the actions' names as an attribute", f"{PLACE}.NamesItsActions", mask=[[True] * 3] * 2),
    refused("the actions' numbers as an attribute", f"{PLACE}.NumbersItsActions", r"\(0, 1, 2\).*append mask=none"),
    plays("the same, said to be no mask", f"{PLACE}.NumbersItsActions?mask=none", mask=[[True] * 3] * 2),
    plays("a mask that allows nothing at the end", f"{PLACE}.StuckAtTheEnd", mask=MASKED, length=3),
)  # fmt: skip
