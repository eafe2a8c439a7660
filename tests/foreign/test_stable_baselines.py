"""Stable-Baselines3 and sb3-contrib train on the gymnasium face as it is, and on the team through SuperSuit."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

import macn

pytestmark = [pytest.mark.foreign, pytest.mark.filterwarnings("default")]

STEPS = 256
SMALL: dict[str, Any] = {"n_steps": 128, "batch_size": 64, "seed": 0, "device": "cpu"}


def player() -> gymnasium.Env[Any, Any]:
    return gymnasium.make("macn:MACN-v0", layout="bridge", slip=0.1)


def test_the_checker_of_stable_baselines_finds_nothing() -> None:
    from stable_baselines3.common.env_checker import check_env

    check_env(gymnasium.wrappers.FlattenObservation(player()))


@pytest.mark.parametrize("flat", [False, True])
def test_ppo_trains(flat: bool) -> None:
    from stable_baselines3 import PPO

    env = gymnasium.wrappers.FlattenObservation(player()) if flat else player()
    model = PPO("MlpPolicy", env, **SMALL).learn(STEPS)
    assert model.num_timesteps == STEPS
    assert model.predict(env.reset(seed=0)[0])[0].shape == (2,)


def test_maskable_ppo_trains_with_the_masks_of_the_face() -> None:
    from sb3_contrib import MaskablePPO
    from sb3_contrib.common.maskable.utils import get_action_masks, is_masking_supported

    model = MaskablePPO("MlpPolicy", player(), **SMALL)
    assert is_masking_supported(model.get_env())
    model.learn(STEPS)
    masks = get_action_masks(model.get_env())
    assert (masks.shape, masks.dtype) == ((1, 8), np.bool_)


def test_recurrent_ppo_trains() -> None:
    from sb3_contrib import RecurrentPPO

    assert RecurrentPPO("MlpLstmPolicy", player(), **SMALL).learn(STEPS).num_timesteps == STEPS


@pytest.mark.filterwarnings("ignore:The old environment creation API:DeprecationWarning")
def test_ppo_trains_the_team_with_one_policy_per_agent_through_supersuit() -> None:
    import supersuit
    from stable_baselines3 import PPO

    copies = supersuit.pettingzoo_env_to_vec_env_v1(macn.parallel_env("bridge", slip=0.1))
    envs = supersuit.concat_vec_envs_v1(copies, 2, num_cpus=1, base_class="stable_baselines3")
    small = {**SMALL, "seed": None}  # SuperSuit's copies cannot be seeded
    assert PPO("MlpPolicy", envs, **small).learn(4 * STEPS).num_timesteps == 4 * STEPS
