"""What environments say of where things stand."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rmix_kit.envs.interface import Scenery, VectorEnv, scenery_of
from rmix_kit.envs.make import make_vector_env
from rmix_kit.types import IntArray, TimeStep

UP, RIGHT = 0, 3


def scenery(text: str, num_envs: int = 1) -> tuple[VectorEnv, Scenery]:
    envs = make_vector_env(text, num_envs)
    found = scenery_of(envs)
    assert found is not None
    return envs, found


def fighting(step: TimeStep) -> IntArray:
    """Attack where one can, else walk east, else do the first thing that is allowed."""
    chosen = [[6 if row[6:].any() else 4 if row[4] else row.argmax() for row in mask] for mask in step.avail_actions]
    attacks = step.avail_actions[..., 6:].argmax(-1)
    return np.asarray(chosen) + np.where(np.asarray(chosen) == 6, attacks, 0)


def test_a_cliff_map_says_where_the_agents_are() -> None:
    envs, found = scenery("macn:4x7", 2)
    envs.reset([0, 1])
    envs.step(np.asarray([[UP, UP], [UP, RIGHT]]))
    assert found.scene(0) == {"cells": [14, 14], "fell": [False, False], "is_out": [False, False]}
    assert found.scene(1) == {"cells": [14, 22], "fell": [False, True], "is_out": [False, True]}
    assert found.stage["rows"] == [".......", ".......", ".......", "SCCCCCG"]


def test_games_without_a_picture_have_no_scenery() -> None:
    assert scenery_of(make_vector_env("didactic:climbing", 1)) is None


@pytest.mark.parametrize("text", ["macn:bridge?slip=0.1", "smac:corridor?backend=builtin", "smac:2s3z?backend=builtin"])
def test_stages_and_scenes_are_plain_data(text: str) -> None:
    envs, found = scenery(text)
    envs.reset([0])
    for value in (found.stage, found.scene(0)):
        assert json.loads(json.dumps(value, allow_nan=False)) == value


def test_a_battle_begins_with_everybody_whole_and_no_shot() -> None:
    envs, found = scenery("smac:2s3z?backend=builtin")
    envs.reset([5])
    scene, units = found.scene(0), found.stage["units"]
    assert scene["health"] == [unit["health"] for unit in units]
    assert scene["shield"] == [unit["shield"] for unit in units]
    assert (scene["shots"], scene["heals"], scene["is_out"]) == ([], [], [False] * 5)


def test_the_ground_of_a_battle_is_free_where_units_begin() -> None:
    envs, found = scenery("smac:corridor?backend=builtin")
    envs.reset([5])
    scene, stage = found.scene(0), found.stage
    parts = len(stage["ground"]) // stage["size"]
    free = [stage["ground"][-1 - int(parts * y)][int(parts * x)] for x, y in zip(scene["x"], scene["y"], strict=True)]
    assert set(free) == {"."}
    assert any("#" in row for row in stage["ground"])


def test_who_lost_health_was_shot() -> None:
    envs, found = scenery("smac:3m?backend=builtin")
    step = envs.reset([5])
    while not step.has_ended.any():
        before = found.scene(0)
        step = envs.step(fighting(step))
        after = found.scene(0)
        assert after["health"] != before["health"] or not after["shots"]
        pairs = enumerate(zip(before["health"], after["health"], strict=True))
        assert {unit for unit, (old, new) in pairs if new < old} == {target for _, target in after["shots"]}


def test_a_medivac_is_seen_healing_the_wounded() -> None:
    envs, found = scenery("smac:MMM?backend=builtin")
    step = envs.reset([5])
    healed = []
    while not step.has_ended.any():
        step = envs.step(fighting(step))
        scene = found.scene(0)
        healed += [(healer, scene["health"][target] > 0) for healer, target in scene["heals"]]
    healers = {unit for unit, facts in enumerate(found.stage["units"]) if facts["heals"]}
    assert healed
    assert {healer for healer, _ in healed} <= healers


def test_a_battle_that_is_over_shows_no_more_shots() -> None:
    envs, found = scenery("smac:3m?backend=builtin")
    step = envs.reset([5])
    while not step.has_ended.any():
        step = envs.step(fighting(step))
    envs.step(step.avail_actions.argmax(-1))
    assert found.scene(0)["shots"] == []
