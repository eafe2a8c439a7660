"""Values as other people's tools and files give them: seeds of any size, numpy's numbers, floats, odd encodings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

import macn
from macn.counter_hash import LARGEST_SEED, checked_seed
from macn.errors import LayoutError, MACNError, ParameterError

SEEDS = [0, 1, 2**31, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, 2**200, 10**40]
MAP = "....\nS..G"


def slips(env: Any, seed: Any) -> list[float]:
    env.reset(seed=seed)
    states: list[float] = []
    for _ in range(12):
        env.step({"agent_0": 2, "agent_1": 2})
        states += env.state().tolist()
    return states


MEADOW = "........\n........\n........\n.S......\n.......G"


def test_seeds_of_any_size_give_streams_of_their_own() -> None:
    env = macn.parallel_env(MEADOW, slip=1.0)
    played = [tuple(slips(env, seed)) for seed in SEEDS]
    assert played == [tuple(slips(env, seed)) for seed in SEEDS]
    assert len(set(played)) == len(SEEDS)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_face_and_gymnasium_take_the_same_seeds(seed: int) -> None:
    gymnasium.utils.seeding.np_random(seed)
    arguments: dict[str, Any] = {"layout": MEADOW, "slip": 0.5}
    states = []
    parallel, aec, player = (
        macn.parallel_env(**arguments),
        macn.env(**arguments),
        gymnasium.make("MACN-v0", **arguments),
    )
    for env in (parallel, aec, player):
        env.reset(seed=seed)
    one, several = macn.vector_env(2, **arguments), macn.vector_env(2, **arguments)
    one.reset(seed=seed)
    several.reset(seed=[seed, None])
    for _ in range(6):
        parallel.step({"agent_0": 3, "agent_1": 3})
        for _ in range(2):
            aec.step(3)
        player.step(np.asarray([3, 3]))
        for vector in (one, several):
            vector.step(np.full((2, 2), 3))
        states.append([one.state()[0], several.state()[0], parallel.state(), aec.state(), player.unwrapped.state()])
    for state in states:
        np.testing.assert_array_equal(state[1:], [state[0]] * 4)


@pytest.mark.parametrize("seed", SEEDS)
def test_seeds_below_two_to_the_63_stand_for_themselves(seed: int) -> None:
    assert 0 <= checked_seed(seed) <= LARGEST_SEED
    assert (checked_seed(seed) == seed) is (seed <= LARGEST_SEED)


@pytest.mark.parametrize("seed", [np.int32(5), np.uint64(2**63 + 5), np.asarray(5)])
def test_seeds_of_numpy_are_those_of_python(seed: Any) -> None:
    for face in (macn.parallel_env(MEADOW, slip=1.0), macn.env(MEADOW), gymnasium.make("MACN-v0").unwrapped):
        face.reset(seed=seed)
    env = macn.parallel_env(MEADOW, slip=1.0)
    assert slips(env, seed) == slips(env, int(seed))


@pytest.mark.parametrize("seed", [-1, 0.5, "1"])
def test_what_is_no_seed_is_refused_alike_by_every_face(seed: Any) -> None:
    for face in (macn.parallel_env(), macn.env(), gymnasium.make("MACN-v0").unwrapped, macn.vector_env(2)):
        with pytest.raises(ParameterError, match="seed is|got 1 seeds"):
            face.reset(seed=seed)


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, np.int64])
def test_a_slip_may_be_a_number_of_numpy(kind: Any) -> None:
    settings = macn.parallel_env(slip=kind(0.25 if kind is not np.int64 else 1)).settings
    assert type(settings.slip) is float
    assert settings.slip in (0.25, 1.0)


@pytest.mark.parametrize("slip", [np.float32(1.5), np.float32("nan"), np.True_, True, "0.1", 1j, None])
def test_what_is_no_probability_is_refused(slip: Any) -> None:
    with pytest.raises(ParameterError, match="slip is"):
        macn.parallel_env(slip=slip)


@pytest.mark.parametrize("limit", [25, 25.0, np.float32(25), np.int16(25)])
@pytest.mark.parametrize("name", ["max_steps", "max_cycles"])
def test_a_whole_limit_may_be_written_as_a_float(name: str, limit: Any) -> None:
    for face in (macn.parallel_env, macn.env, macn.vector_env):
        settings = face(**{name: limit}).unwrapped.settings
        assert (settings.max_steps, type(settings.max_steps)) == (25, int)


@pytest.mark.parametrize("limit", [25.5, float("nan"), float("inf"), -1.0, 0, "25", True])
@pytest.mark.parametrize("name", ["max_steps", "max_cycles"])
def test_any_other_limit_is_refused_under_the_name_that_was_given(name: str, limit: Any) -> None:
    with pytest.raises(ParameterError, match=f"^{name} is .*; it must be a whole number from 1 to 1000000$"):
        macn.parallel_env(**{name: limit})


def test_counts_and_switches_of_numpy_become_pythons() -> None:
    settings = macn.parallel_env(n_agents=np.int64(3), show_agents=np.True_).settings
    assert (type(settings.n_agents), settings.show_agents) == (int, True)


@pytest.mark.parametrize(
    "data",
    [
        MAP.encode("utf-8-sig"),
        MAP.encode("utf-16"),
        MAP.replace("\n", "\r\n").encode("utf-8-sig"),
        MAP.replace("\n", "\r").encode("ascii"),
        (MAP + "\n\n").encode("latin-1"),
    ],
)
def test_map_files_of_any_editor_are_read(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "map.txt").write_bytes(data)
    assert macn.CliffLayout.parse(tmp_path / "map.txt").text == MAP
    assert macn.parallel_env(str(tmp_path / "map.txt")).settings.layout.text == MAP


def test_a_drawn_map_may_begin_with_a_byte_order_mark() -> None:
    assert macn.CliffLayout.parse("\ufeff" + MAP).text == MAP


def test_a_latin_1_character_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "map.txt").write_bytes("....\nS.\xe9G".encode("latin-1"))
    with pytest.raises(LayoutError, match="row 1, column 2 .*unknown character 'é'"):
        macn.parallel_env(tmp_path / "map.txt")


@pytest.mark.parametrize("data", [b"\xff\xfeS", b"\x00" * 40, b"\x89PNG\r\n\x1a\n\xff"])
def test_a_file_that_is_no_text_is_refused_in_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "map.txt").write_bytes(data)
    with pytest.raises(LayoutError) as caught:
        macn.parallel_env(tmp_path / "map.txt")
    assert "\n" not in str(caught.value)


def test_a_file_too_large_for_a_map_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "map.txt").write_bytes(b"." * (2**20 + 1))
    with pytest.raises(LayoutError, match="more than 1,048,576 bytes"):
        macn.parallel_env(tmp_path / "map.txt")


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "~nobody/map.txt"])
def test_a_name_that_no_file_can_have_is_refused_in_one_short_line(name: str) -> None:
    with pytest.raises(MACNError) as caught:
        macn.parallel_env(name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
