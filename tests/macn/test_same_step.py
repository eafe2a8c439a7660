from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import macn
from macn.errors import NotResetError, ParameterError

GAMES: list[dict[str, Any]] = [
    {"layout": "4x7", "slip": 0.3, "max_steps": 9},
    {"layout": "bridge", "n_agents": 3, "slip": 0.2, "include_position": True, "show_agents": True, "max_steps": 5},
]


def agree(ours: Any, theirs: Any, where: str) -> None:
    """Raise unless both are equal, gymnasium's masks of keys that all copies always have aside."""
    if isinstance(ours, dict):
        extra = {f"_{key}" for key in ours if f"_{key}" not in ours}
        assert set(ours) == set(theirs) - extra, where
        for key, value in ours.items():
            agree(value, theirs[key], f"{where}.{key}")
    elif isinstance(ours, np.ndarray) and ours.dtype == object:
        for copy, value in enumerate(ours):
            assert (value is None) is (theirs[copy] is None), where
            if value is not None:
                np.testing.assert_array_equal(value, theirs[copy], where)
    else:
        np.testing.assert_array_equal(ours, theirs, where)


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("mode", [AutoresetMode.SAME_STEP, AutoresetMode.NEXT_STEP])
def test_the_vector_face_does_what_gymnasium_does_with_single_environments(
    game: dict[str, Any], mode: AutoresetMode
) -> None:
    ours = macn.vector_env(4, autoreset_mode=mode, **game)
    theirs: Any = SyncVectorEnv([lambda: gymnasium.make("MACN-v0", **game) for _ in range(4)], autoreset_mode=mode)
    seeds = [3, 5, 7, 2**70]
    obs, infos = ours.reset(seed=seeds)
    their_obs, their_infos = theirs.reset(seed=seeds)
    np.testing.assert_array_equal(obs, their_obs)
    agree(infos, their_infos, "reset")
    rng, endings = np.random.default_rng(0), 0
    for step in range(200):
        actions = rng.integers(0, 4, (4, ours.settings.n_agents))
        obs, reward, terminated, truncated, infos = ours.step(actions)
        their_obs, *their_numbers, their_infos = theirs.step(actions)
        np.testing.assert_array_equal(obs, their_obs)
        for mine, other in zip((reward, terminated, truncated), their_numbers, strict=True):
            np.testing.assert_array_equal(mine, other)
        agree(infos, their_infos, f"step {step}")
        endings += int((terminated | truncated).sum())
        assert ("final_obs" in infos) == (mode is AutoresetMode.SAME_STEP and bool((terminated | truncated).any()))
    assert endings > 20


def test_gymnasium_makes_every_autoreset_mode_by_its_value() -> None:
    for mode in AutoresetMode:
        env = gymnasium.make_vec("macn:MACN-v0", num_envs=2, autoreset_mode=mode.value)
        assert env.metadata["autoreset_mode"] is mode


def test_returned_arrays_of_a_final_step_are_the_callers_own() -> None:
    env, other = (macn.vector_env(2, max_steps=1, autoreset_mode="SameStep") for _ in range(2))
    for one in (env, other):
        one.reset(seed=0)
    for _ in range(3):
        infos = env.step(np.zeros((2, 2), dtype=np.int64))[4]
        for array in (infos["_final_obs"], infos["_final_info"], *infos["final_info"].values(), *infos["final_obs"]):
            array[...] = 1
        expected = other.step(np.zeros((2, 2), dtype=np.int64))[4]
        np.testing.assert_array_equal(infos["state"], expected["state"])


@pytest.mark.parametrize("name", ["max_steps", "max_cycles", "max_episode_steps"])
def test_make_vec_takes_the_limit_under_each_of_its_names(name: str) -> None:
    env = gymnasium.make_vec("macn:MACN-v0", num_envs=2, **{name: 3})
    env.reset(seed=0)
    ends = [env.step(np.full((2, 2), 2))[3].tolist() for _ in range(3)]
    assert ends == [[False, False], [False, False], [True, True]]


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_every_copy_is_drawn(mode: str) -> None:
    pictures = gymnasium.make_vec("MACN-v0", num_envs=3, render_mode="rgb_array", autoreset_mode=mode)
    texts = macn.vector_env(3, render_mode="ansi", autoreset_mode=mode)
    with pytest.raises(NotResetError, match="call reset"):
        texts.render()
    pictures.reset(seed=0)
    texts.reset(seed=0)
    frames = pictures.render()
    assert isinstance(frames, tuple)
    assert [(frame.shape, frame.dtype) for frame in frames] == [((4 * 48, 12 * 48, 3), np.uint8)] * 3
    texts.step(np.asarray([[0, 0], [3, 0], [0, 2]]))
    goes = [frame.split("\n") for frame in texts.render()]
    assert [rows[2][0] for rows in goes[:1]] == ["*"]
    assert goes[2][2][0] == "0"
    assert goes[2][3][0] == "1"
    with pytest.raises(ParameterError, match="render_mode is None"):
        macn.vector_env(2).render()


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.DISABLED])
def test_gymnasium_records_videos_of_the_vector_face(tmp_path: Path, mode: AutoresetMode) -> None:
    made = gymnasium.make_vec("MACN-v0", num_envs=2, render_mode="rgb_array", max_steps=4, autoreset_mode=mode)
    env = gymnasium.wrappers.vector.RecordVideo(made, str(tmp_path / "films"), episode_trigger=lambda episode: True)
    env.reset(seed=0)
    for _ in range(4):
        env.step(np.full((2, 2), 2))
    env.close()
    assert [path.suffix for path in (tmp_path / "films").iterdir()] == [".mp4"]
