"""Teams that say in their own ways what is allowed."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from tests.envs.strangers import Plain


class TellsAll(Plain):
    """Keeps in the infos, beside the agents', what is told of all: `what` is the key, `form` how it is told."""

    def __init__(self, what: str = "action_mask", form: str = "dict") -> None:
        super().__init__()
        self.what, self.form = what, form

    def tell(self) -> Any:
        masks = {agent: [0, 1, 0] for agent in self.names}
        return {**super().tell(), self.what: masks if self.form == "dict" else list(masks.values())}


class Hints(Plain):
    """Each agent's info holds one thing, named in the table."""

    values: ClassVar[dict[str, Any]] = {
        "a_list_of_actions": {"legal_actions": [0, 2]},
        "a_mapping_of_actions": {"legal_actions": {0: None, 2: None}},
        "a_column": {"valid_actions": [[1], [0], [1]]},
        "numbers": {"action_mask": [0, 1, 2]},
        "additive": {"action_mask": [0.0, -1e9, 0.0]},
        "a_count": {"legal_moves_so_far": 3},
        "a_list": {"allowed": [0, 2]},
        "text": {"action_mask": "all"},
    }

    def __init__(self, what: str) -> None:
        super().__init__()
        self.what = what

    def tell(self) -> Any:
        return dict.fromkeys(self.agents, self.values[self.what])


class MaskedByMethod(Plain):
    """Has a method as sb3-contrib's users write it."""

    def valid_action_mask(self) -> Any:
        return np.array([True, False, True])


class MaskedUnheard(Plain):
    """Has a method under a name of its own."""

    def legal_moves(self, agent: Any) -> Any:
        return [0, 1, 1]


class MaskedByAttribute(Plain):
    """Has a new mask at every step, from its first reset on."""

    def tell(self) -> Any:
        self.action_masks = np.array([True, True, False] if self.steps == 0 else [False, True, True])
        return super().tell()


class MaskedInside(Plain):
    """Keeps what it allows in an attribute of its own name."""

    def __init__(self) -> None:
        super().__init__()
        self.legal_moves = {name: [0, 1, 1] for name in self.names}
