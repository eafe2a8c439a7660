"""Observations of every sort."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete, Space, Text, Tuple

from tests.envs.corpus.team import HERE, Case, Team, plays, refused

FLOAT, INT, INF = np.finfo(np.float32), np.iinfo(np.int32), np.inf

# By name: the space, what is observed, and what is known of it afterwards.
BOXES: dict[str, tuple[Space[Any], Any, dict[str, object]]] = {
    "byte_floats": (Box(0, 255, (2,), np.float32), [255.0, 0.0], {"first_obs": [[255, 0], [255, 0]], "normalised": 0}),
    "a_million_wide": (Box(-1e6, 1e6, (2,), np.float32), [3.0, -2.0], {"normalised": 2}),
    "the_limits_of_floats": (Box(FLOAT.min, FLOAT.max, (2,), np.float32), [3.0, -2.0], {"normalised": 2}),
    "the_limits_of_integers": (Box(INT.min, INT.max, (2,), np.int32), [3, -2], {"normalised": 2, "obs_dtype": "int32"}),
    "infinite_integers": (Box(-INF, INF, (2,), np.int64), [3, -2], {"normalised": 2, "obs_dtype": "int64"}),
    "half_infinite": (Box(0, INF, (2,), np.float32), [3.0, 0.0], {"normalised": 2}),
    "float64_without_bounds": (Box(-INF, INF, (2,), np.float64), [1e6, 0.0], {"normalised": 2, "obs_dtype": "float32"}),
    "far_from_zero": (Box(500, 510, (2,), np.float32), [500.0, 510.0], {"normalised": 0}),
    "within_one": (Box(-1, 1, (2,), np.float32), [0.0, 1.0], {"normalised": 0, "one_hot": 0}),
    "small_codes": (Box(0, 8, (2,), np.int8), [0, 8], {"one_hot": 18, "obs_dtype": "int8"}),
    "unsigned_16_bits": (Box(0, 65535, (2,), np.uint16), [65535, 0], {"obs_dtype": "int32", "normalised": 2}),
    "unsigned_32_bits": (
        Box(0, 2**32 - 1, (1,), np.uint32), [2**32 - 1], {"obs_dtype": "int64", "first_obs": [[2**32 - 1]] * 2}
    ),
    "unsigned_64_bits": (Box(0, 2**64 - 1, (1,), np.uint64), [5], {"obs_dtype": "float32", "normalised": 1}),
    "half_floats": (Box(-1, 1, (2,), np.float16), [0.5, -0.5], {"obs_dtype": "float32"}),
    "double_floats": (Box(-1, 1, (2,), np.float64), [0.5, -0.5], {"obs_dtype": "float32"}),
    "truth_values": (Box(0, 1, (2,), np.bool_), [True, False], {"obs_dtype": "int8", "one_hot": 4}),
    "one_number_without_axes": (Box(0, 1, (), np.float32), 0.5, {"obs_shape": (1,), "first_obs": [[0.5], [0.5]]}),
    "a_matrix": (Box(0, 1, (2, 3), np.float32), np.zeros((2, 3)), {"obs_shape": (2, 3), "state_size": 12}),
    "an_image": (
        Box(0, 255, (8, 8, 3), np.uint8), np.zeros((8, 8, 3), np.uint8), {"obs_shape": (8, 8, 3), "obs_dtype": "uint8"}
    ),
    "several_binaries": (MultiBinary(3), [1, 0, 1], {"first_obs": [[1, 0, 1]] * 2, "one_hot": 6}),
    "binaries_in_a_matrix": (MultiBinary((2, 2)), [[1, 0], [0, 1]], {"obs_shape": (2, 2)}),
    "a_number_of_three": (Discrete(3), 2, {"first_obs": [[0, 0, 1]] * 2, "obs_shape": (3,)}),
    "a_number_from_five": (Discrete(3, start=5), 6, {"first_obs": [[0, 1, 0]] * 2}),
    "a_number_of_numpy": (Discrete(3), np.int64(1), {"first_obs": [[0, 1, 0]] * 2}),
    "a_number_in_an_array": (Discrete(3), np.array([1]), {"first_obs": [[0, 1, 0]] * 2}),
    "several_numbers": (MultiDiscrete([3, 2]), [2, 0], {"first_obs": [[0, 0, 1, 1, 0]] * 2, "obs_shape": (5,)}),
    "several_numbers_from_five": (
        MultiDiscrete([3, 2], start=[5, -1]), np.array([5, 0]), {"first_obs": [[1, 0, 0, 0, 1]] * 2}
    ),
    "a_dict_of_an_observation": (
        Dict({"observation": Box(0, 1, (1,), np.float32)}), {"observation": [0.5]}, {"first_obs": [[0.5], [0.5]]}
    ),
    "integers_in_a_float_box": (Box(-5, 5, (2,), np.float32), np.array([1, -2]), {"first_obs": [[1, -2]] * 2}),
    "whole_floats_in_an_integer_box": (Box(0, 5, (2,), np.int8), np.array([1.0, 2.0]), {"first_obs": [[1, 2]] * 2}),
    "a_double_that_rounds_onto_the_bound": (Box(0, 0.7, (1,), np.float32), np.array([0.7]), {"obs_shape": (1,)}),
    "a_double_that_rounds_onto_the_lower_bound": (Box(-0.7, 0.7, (1,), np.float32), np.array([-0.7]), {}),
    "two_axes_of_which_one_has_one": (Box(0, 1, (1, 1), np.float32), [[0.5]], {"obs_shape": (1, 1)}),
}  # fmt: skip

# By name: the space, what is observed, and the words of the refusal.
WRONG: dict[str, tuple[Space[Any], Any, str]] = {
    "a_fraction_in_an_integer_box": (Box(0, 5, (2,), np.int8), [0.9, 1.0], "0.9.*whole numbers"),
    "not_a_number": (Box(-INF, INF, (2,), np.float32), [np.nan, 0.0], "seed.*step 0.*a: .*not finite"),
    "infinity": (Box(-INF, INF, (2,), np.float32), [np.inf, 0.0], "not finite"),
    "more_than_float32_holds": (Box(-INF, INF, (2,), np.float64), [1e39, 0.0], "1e.39.*float32"),
    "above_its_bound": (Box(0, 1, (2,), np.float32), [0.0, 1.001], "1.001.*outside its observation space"),
    "below_its_bound": (Box(0, 5, (2,), np.int8), [0, -1], "-1.*outside its observation space"),
    "another_shape": (Box(0, 1, (2,), np.float32), [0.0, 0.5, 1.0], r"\(3,\).*\(2,\)"),
    "text": (Box(0, 1, (2,), np.float32), ["0", "1"], "observ"),
    "nothing_at_all": (Box(0, 1, (2,), np.float32), None, "a: .*observ"),
    "a_number_beyond_its_space": (Discrete(3), 3, "3 was observed"),
    "half_a_number": (Discrete(3), 0.5, "0.5 was observed"),
    "too_few_numbers": (MultiDiscrete([3, 2]), [1], "expected 2"),
    "a_binary_of_two": (MultiBinary(2), [2, 0], "outside its observation space"),
    "a_tuple": (Tuple((Discrete(2), Discrete(2))), (0, 0), "observation space of a is Tuple"),
    "a_dict_of_two_things": (
        Dict({"observation": Box(0, 1, (1,)), "compass": Discrete(4)}), {"observation": [0.0], "compass": 1}, "compass"
    ),
    "a_dict_without_an_observation": (Dict({"words": Box(0, 1, (1,))}), {"words": [0.0]}, "words"),
    "words": (Text(5), "left", "observation space of a is Text"),
    "nothing_to_see": (Box(0, 1, (0,), np.float32), [], "empty"),
}  # fmt: skip


class Sees(Team):
    """Observes one thing of one space, named in the tables above."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self.space, self.seen = {**BOXES, **WRONG}[what][:2]

    def observation_space(self, agent: Any) -> Space[Any]:
        return self.space

    def observe(self, agent: Any) -> Any:
        return self.seen


class Unequal(Team):
    """The agents' observations differ in length, dtype and bounds."""

    def observation_space(self, agent: Any) -> Space[Any]:
        return Box(-1, 1, (2,), np.float32) if agent == "a" else Box(0, 3, (3,), np.int8)

    def observe(self, agent: Any) -> Any:
        return np.array([0.5, -0.5]) if agent == "a" else np.array([1, 2, 3])


class UnequalRanks(Team):
    """One sees a vector, the other a matrix."""

    def observation_space(self, agent: Any) -> Space[Any]:
        return Box(0, 1, (2,) if agent == "a" else (2, 2), np.float32)


class OneArray(Team):
    """Gives the same array each time and writes into it."""

    def __init__(self) -> None:
        super().__init__()
        self.array = np.zeros(2, np.float32)

    def observe(self, agent: Any) -> Any:
        self.array[:] = self.steps / 10
        return self.array


PLACE = f"pettingzoo:{HERE}.observations"
CASES: tuple[Case, ...] = (
    *(plays(f"sees {what}", f"{PLACE}.Sees?what={what}", **facts) for what, (_, _, facts) in BOXES.items()),
    *(refused(f"sees {what}", f"{PLACE}.Sees?what={what}", words) for what, (_, _, words) in WRONG.items()),
    plays(
        "agents see unequal things", f"{PLACE}.Unequal",
        first_obs=[[0.5, -0.5, 0], [1, 2, 3]], obs_dtype="float32", state_size=6,
    ),
    refused("agents see things of unequal rank", f"{PLACE}.UnequalRanks", "equally many axes"),
    plays("observations are one array that is overwritten", f"{PLACE}.OneArray", first_obs=[[0, 0], [0, 0]]),
)  # fmt: skip
