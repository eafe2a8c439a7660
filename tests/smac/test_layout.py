"""The layout against states, observations, masks and rewards recorded from unmodified SMAC."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from rmix_kit.envs.smac.builtin import UnitCodec
from rmix_kit.smac.facts import NO_ACTION_YET, SIGHT, Facts, Units, layout_facts
from rmix_kit.smac.layout import encode, observation_meanings, outcome, reward
from rmix_kit.smac.maps import SCENARIOS

FOLDER = Path(__file__).parents[1] / "data" / "smac"
MAPS = ("3m", "2s3z", "5m_vs_6m", "8m_vs_9m", "10m_vs_11m", "MMM2", "1c3s5z", "corridor")


class Recorded(NamedTuple):
    facts: Facts
    units: Units
    rows: dict[str, NDArray[np.generic]]


@pytest.fixture(params=MAPS)
def recorded(request: pytest.FixtureRequest) -> Recorded:
    with np.load(FOLDER / f"{request.param}.npz", allow_pickle=False) as file:
        rows = {name: file[name] for name in file.files}
    last = np.where(rows["last_action"].any(-1), rows["last_action"].argmax(-1), NO_ACTION_YET).astype(np.uint8)
    units = Units(**{name: rows[name] for name in Units._fields[:-1]}, last_action=last)
    return Recorded(layout_facts(SCENARIOS[request.param]), units, rows)


def followers(recorded: Recorded) -> tuple[Units, Units, NDArray[np.int64]]:
    """Return the units before and after each recorded step, and the rows after it."""
    after = np.flatnonzero(~recorded.rows["first"])
    before, behind = (Units(*(field[rows] for field in recorded.units)) for rows in (after - 1, after))
    return before, behind, after


def test_observations_are_smacs(recorded: Recorded) -> None:
    obs = encode(recorded.facts, recorded.units).obs
    assert obs.dtype == np.float32
    np.testing.assert_allclose(obs, recorded.rows["obs"], rtol=0, atol=1e-6)


def test_each_word_names_the_element_that_it_stands_for(recorded: Recorded) -> None:
    facts, units = recorded.facts, recorded.units
    obs, words = recorded.rows["obs"], observation_meanings(facts)
    assert len(words) == len(set(words)) == obs.shape[-1]
    element = {word: obs[..., place] for place, word in enumerate(words)}  # [row, agent]
    alive = units.ally_hp > 0
    health = units.ally_hp / facts.ally_hp_max
    np.testing.assert_allclose(element["own health"], health * alive, rtol=0, atol=1e-6)
    np.testing.assert_array_equal(element["may move south"], recorded.rows["avail"][..., 3] * alive)
    last = units.enemy_hp.shape[1] - 1
    np.testing.assert_array_equal(element[f"enemy {last}: may be aimed at"], recorded.rows["avail"][..., -1] * alive)
    seen = element["other 0: in sight"][:, 1] == 1  # the first agent, as the second one sees it
    assert seen.any()
    offset = {"east": units.ally_x[:, 0] - units.ally_x[:, 1], "north": units.ally_y[:, 0] - units.ally_y[:, 1]}
    for word, expected in offset.items():
        np.testing.assert_allclose(element[f"other 0: {word}"][seen, 1], expected[seen] / SIGHT, rtol=0, atol=1e-6)
    np.testing.assert_allclose(element["other 0: health"][seen, 1], health[seen, 0], rtol=0, atol=1e-6)
    if facts.has_ally_shield:
        shield = units.ally_shield / facts.max_shield_ally
        np.testing.assert_allclose(element["own shield"], shield * alive, rtol=0, atol=1e-6)
    for number in range(facts.ally_type.shape[-1]):
        np.testing.assert_array_equal(element[f"own type {number}"], facts.ally_type[:, number] * alive)


def test_states_are_smacs(recorded: Recorded) -> None:
    state = encode(recorded.facts, recorded.units).state
    np.testing.assert_allclose(state, recorded.rows["state"], rtol=0, atol=1e-6)


def test_masks_are_smacs(recorded: Recorded) -> None:
    np.testing.assert_array_equal(encode(recorded.facts, recorded.units).avail_actions, recorded.rows["avail"] == 1)


def test_rewards_are_smacs(recorded: Recorded) -> None:
    before, after, rows = followers(recorded)
    paid = reward(recorded.facts, before, after, won=outcome(recorded.facts, after).won)
    np.testing.assert_allclose(paid, recorded.rows["reward"][rows], rtol=0, atol=1e-6)


def test_battles_end_when_smacs_do(recorded: Recorded) -> None:
    _, after, rows = followers(recorded)
    ended = outcome(recorded.facts, after)
    np.testing.assert_array_equal(ended.is_over, recorded.rows["terminated"][rows])
    np.testing.assert_array_equal(ended.won, recorded.rows["battle_won"][rows] == 1)


def test_facts_are_smacs(recorded: Recorded) -> None:
    facts, rows = recorded.facts, recorded.rows
    np.testing.assert_array_equal(facts.ally_hp_max, rows["ally_hp_max"][0])
    np.testing.assert_array_equal(facts.enemy_hp_max, rows["enemy_hp_max"][0])
    np.testing.assert_array_equal(facts.max_cooldown, rows["max_cooldown"])
    np.testing.assert_array_equal(facts.pathing.reshape(32, 32), rows["pathing"])
    np.testing.assert_array_equal(facts.medivac, rows["medivac"])
    assert facts.max_reward == rows["max_reward"]
    if rows["unit_type_bits"]:
        np.testing.assert_array_equal(facts.ally_type.argmax(-1), rows["ally_type"][0])
        np.testing.assert_array_equal(facts.enemy_type.argmax(-1), rows["enemy_type"][0])


def test_torch_gives_the_same_bits(recorded: Recorded) -> None:
    units = Units(*map(torch.from_numpy, recorded.units))
    tensors = encode(recorded.facts.to(torch.as_tensor), units)
    for ours, theirs in zip(encode(recorded.facts, recorded.units), tensors, strict=True):
        np.testing.assert_array_equal(ours, theirs.numpy())


def test_the_codec_rebuilds_every_bit_whatever_the_leading_axes(recorded: Recorded) -> None:
    whole = encode(recorded.facts, recorded.units)
    fields = {name: torch.from_numpy(field[:80].reshape(8, 10, -1)) for name, field in recorded.units._asdict().items()}
    for part, rebuilt in zip(whole, UnitCodec(recorded.facts).rebuild(fields), strict=True):
        np.testing.assert_array_equal(part[:80].reshape(rebuilt.shape), rebuilt.numpy())


def test_a_battle_lost_with_medivacs_alone_is_over() -> None:
    facts = layout_facts(SCENARIOS["MMM2"])
    ally_hp = np.zeros((3, 10), dtype=np.float32)
    enemy_hp = np.ones((3, 12), dtype=np.float32)
    ally_hp[0, -1] = 1.0  # our medivac alone
    ally_hp[1:, 0] = 1.0
    enemy_hp[1, :-1] = 0.0  # theirs alone
    blank = {name: np.zeros_like(enemy_hp if name.startswith("enemy") else ally_hp) for name in Units._fields}
    units = Units(**{**blank, "ally_hp": ally_hp, "enemy_hp": enemy_hp})
    ended = outcome(facts, units)
    assert ended.is_over.tolist() == [True, True, False]
    assert ended.won.tolist() == [False, True, False]
