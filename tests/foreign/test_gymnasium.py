"""Gymnasium's own wrappers, of single environments and of vectors, on the two faces of MACN."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import wrappers
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode
from gymnasium.wrappers import vector as vector_wrappers

pytestmark = [pytest.mark.foreign, pytest.mark.filterwarnings("default")]

PLAYER: dict[str, Callable[[Any], Any]] = {
    "Autoreset": wrappers.Autoreset,
    "ClipReward": lambda env: wrappers.ClipReward(env, -1.0, 0.0),
    "DelayObservation": lambda env: wrappers.DelayObservation(env, 2),
    "DtypeObservation": lambda env: wrappers.DtypeObservation(env, np.float32),
    "FlattenObservation": wrappers.FlattenObservation,
    "FrameStackObservation": lambda env: wrappers.FrameStackObservation(env, 3),
    "MaxAndSkipObservation": lambda env: wrappers.MaxAndSkipObservation(env, 2),
    "NormalizeObservation": wrappers.NormalizeObservation,
    "NormalizeReward": wrappers.NormalizeReward,
    "NumpyToTorch": lambda env: wrappers.NumpyToTorch(env),  # loads what only `make test-envs` installs
    "RecordEpisodeStatistics": wrappers.RecordEpisodeStatistics,
    "RescaleObservation": lambda env: wrappers.RescaleObservation(
        wrappers.DtypeObservation(env, np.float32), np.float32(0.0), np.float32(1.0)
    ),
    "StickyAction": lambda env: wrappers.StickyAction(env, 0.2),
    "TimeAwareObservation": wrappers.TimeAwareObservation,
    "TimeLimit": lambda env: wrappers.TimeLimit(env, 4),
}
VECTOR: dict[str, Callable[[Any], Any]] = {
    "ClipReward": lambda env: vector_wrappers.ClipReward(env, -1.0, 0.0),
    "DictInfoToList": vector_wrappers.DictInfoToList,
    "DtypeObservation": lambda env: vector_wrappers.DtypeObservation(env, np.float32),
    "FlattenObservation": vector_wrappers.FlattenObservation,
    "NormalizeObservation": vector_wrappers.NormalizeObservation,
    "NormalizeReward": vector_wrappers.NormalizeReward,
    "NumpyToTorch": lambda env: vector_wrappers.NumpyToTorch(env),
    "RecordEpisodeStatistics": vector_wrappers.RecordEpisodeStatistics,
}


@pytest.mark.parametrize("wrapper", PLAYER)
def test_wrapped_players_play(wrapper: str) -> None:
    env = PLAYER[wrapper](gymnasium.make("macn:MACN-v0", layout="bridge", slip=0.1, max_steps=9))
    ends = 0
    env.reset(seed=0)
    env.action_space.seed(0)
    for _ in range(60):
        action = env.action_space.sample()
        if wrapper == "NumpyToTorch":
            import torch

            action = torch.as_tensor(action)
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            ends += 1
            if wrapper != "Autoreset":
                env.reset()
    assert ends >= 5


def refusal(wrapper: str, made: Any, mode: AutoresetMode) -> str | None:
    """What the wrapper refuses while forty steps are played, or None."""
    try:
        env = VECTOR[wrapper](made)
        env.reset(seed=0)
        made.action_space.seed(0)
        for _ in range(40):
            actions: Any = made.action_space.sample()
            if wrapper == "NumpyToTorch":
                import torch

                actions = torch.as_tensor(actions)
            _, _, terminated, truncated, _ = env.step(actions)
            over = np.asarray(terminated) | np.asarray(truncated)
            if mode is AutoresetMode.DISABLED and over.any():
                env.reset(options={"reset_mask": over})
    except (ValueError, BufferError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("mode", AutoresetMode)
@pytest.mark.parametrize("wrapper", VECTOR)
def test_wrapped_vectors_play_wherever_gymnasiums_own_vectors_do(wrapper: str, mode: AutoresetMode) -> None:
    game: dict[str, Any] = {"layout": "bridge", "slip": 0.1, "max_steps": 9}
    made = gymnasium.make_vec("macn:MACN-v0", num_envs=3, autoreset_mode=mode, **game)
    theirs = gymnasium.vector.SyncVectorEnv(
        [lambda: gymnasium.make("macn:MACN-v0", **game) for _ in range(3)], autoreset_mode=mode
    )
    expected = refusal(wrapper, theirs, mode)
    assert refusal(wrapper, made, mode) == expected
    assert expected is None or mode is not AutoresetMode.NEXT_STEP


@pytest.mark.parametrize("name", ["RecordVideo", "HumanRendering", "RenderCollection"])
def test_players_are_drawn_by_the_wrappers(name: str, tmp_path: Path) -> None:
    arguments = {"video_folder": str(tmp_path / "films")} if name == "RecordVideo" else {}
    env: Any = getattr(wrappers, name)(gymnasium.make("macn:MACN-v0", render_mode="rgb_array"), **arguments)
    env.reset(seed=0)
    for _ in range(3):
        env.step(np.asarray([2, 2]))
    env.close()


@pytest.mark.parametrize("mode", AutoresetMode)
def test_vectors_are_recorded(mode: AutoresetMode, tmp_path: Path) -> None:
    made = gymnasium.make_vec("macn:MACN-v0", num_envs=4, render_mode="rgb_array", autoreset_mode=mode, max_steps=5)
    env: Any = vector_wrappers.RecordVideo(made, str(tmp_path / "films"), episode_trigger=lambda episode: True)
    env.reset(seed=0)
    for _ in range(5):
        env.step(np.full((4, 2), 2))
    env.close()
    assert {path.suffix for path in (tmp_path / "films").iterdir()} == {".mp4"}


@pytest.mark.parametrize("copies", ["sync", "async"])
def test_gymnasiums_own_vectors_of_the_player_play(copies: str) -> None:
    env = gymnasium.make_vec("macn:MACN-v0", num_envs=2, vectorization_mode=copies, max_steps=5)
    env.reset(seed=0)
    for _ in range(12):
        env.step(env.action_space.sample())
    env.close()


def test_the_checker_finds_nothing() -> None:
    check_env(gymnasium.make("macn:MACN-v0", render_mode="rgb_array").unwrapped)
