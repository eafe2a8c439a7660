"""The presets of published values: those of the authors' code, or PyMARL's."""

from __future__ import annotations

import math

import pytest

from rmix_kit.config.load import resolve

FRAME = {"num_envs": 1, "updates_per_episode": 1.0, "batch_size": 32, "buffer_episodes": 5000, "interval_episodes": 200}
FRAME |= {"epsilon_start": 1.0, "epsilon_end": 0.05, "epsilon_steps": 50_000, "td_lambda": 0.0, "hidden_size": 64}
FRAME |= {"optimizer": "rmsprop", "learning_rate": 5e-4, "optimizer_eps": 1e-5, "grad_clip": 10.0, "gamma": 0.99}
QMIX_MIXER = {"mixer_embed_size": 32, "hypernet_size": 64}
OURS_OFF = {"reward_scale": 1.0, "has_bounded_targets": False, "learning_rate_decay_from": 1.0, "rate": 0.0}
ACTOR_CRITIC = {"optimizer": "rmsprop", "optimizer_eps": 1e-5, "learning_rate": 5e-4, "has_step_per_time_step": True}
ACTOR_CRITIC |= {"td_lambda": 0.8, "entropy_bonus": 0.0, "entropy_floor": 0.0, "entropy_floor_end": 0.0}
ACTOR_CRITIC |= {"interval_episodes": 0, "epsilon_start": 0.5, "gamma": 0.99}
PUBLISHED: dict[str, dict[str, object]] = {
    "iql": FRAME,
    "vdn": FRAME,
    "qmix": FRAME | QMIX_MIXER,
    "qtran": FRAME | {"joint_embed_size": 64, "lambda_opt": 1.0, "lambda_nopt": 0.1},
    "cw-qmix": FRAME | QMIX_MIXER | {"weight": 0.1, "central_embed_size": 256},
    "ow-qmix": FRAME | QMIX_MIXER | {"weight": 0.1, "central_embed_size": 256},
    "qplex": FRAME | {"n_kernels": 4, "kernel_layers": 1, "hypernet_size": 64},
    "coma": ACTOR_CRITIC
    | {"critic_learning_rate": 5e-4, "critic_hidden_size": 128, "num_envs": 8, "buffer_episodes": 8, "grad_clip": 10.0}
    | {"epsilon_end": 0.01, "epsilon_steps": 100_000, "interval_steps": 200},
    "dop": ACTOR_CRITIC
    | {
        "critic_learning_rate": 1e-4,
        "critic_hidden_size": 256,
        "num_envs": 4,
        "buffer_episodes": 5000,
        "grad_clip": 20.0,
    }
    | {"epsilon_end": 0.05, "epsilon_steps": 500_000, "interval_steps": 600, "batch_size": 32, "on_policy_episodes": 16}
    | {"tree_lambda": 0.93, "tree_steps": 5, "has_normalised_weights": True, "updates_per_episode": 0.25},
    **dict.fromkeys(
        ("dmix", "ddn"),
        {"n_quantiles": 8, "n_target_quantiles": 8, "n_acting_quantiles": 32, "n_max": 1, "quantile_kappa": 1.0}
        | {"optimizer": "adam", "learning_rate": 5e-4, "optimizer_eps": 1e-5, "grad_clip": 10.0, "gamma": 0.99}
        | {name: FRAME[name] for name in ("num_envs", "updates_per_episode", "interval_episodes", "epsilon_steps")},
    ),
    "riskq": {"n_quantiles": 32, "tail_level": 0.5, "risk": "wang", "level_source": "static", "targets": "lambda"}
    | {"default_risk_level": math.exp(-0.75), "td_lambda": 0.6, "trace": "peng", "quantile_kappa": 1.0}
    | {"optimizer": "rmsprop", "learning_rate": 1e-3, "optimizer_eps": 1e-5, "grad_clip": 10.0, "gamma": 0.99}
    | {name: FRAME[name] for name in ("num_envs", "updates_per_episode", "interval_episodes", "batch_size")}
    | {"epsilon_steps": 100_000},
    "lh-iqn": {"n_quantiles": 16, "n_target_quantiles": 16, "n_acting_quantiles": 16, "n_max": 1, "quantile_kappa": 1.0}
    | {"beta_start": 0.2, "beta_end": 0.4, "beta_steps": 200_000, "likelihood_window": "absolute", "gamma": 0.99}
    | {"optimizer": "adam", "learning_rate": 1e-3, "updates_per_step": 0.2, "batch_size": 32, "epsilon_end": 0.1}
    | {"interval_episodes": 0, "interval_steps": 1000},  # 5,000 environment steps
}
"""By algorithm."""


@pytest.mark.parametrize("algo", PUBLISHED)
def test_the_paper_presets_of_the_baselines_have_the_published_values(algo: str) -> None:
    config = resolve(algo=algo, env="macn:4x12", seed=0, steps=1000, preset=f"{algo}-paper")
    found = vars(config.algorithm) | vars(config.training) | vars(config.training.target)
    expected = OURS_OFF | PUBLISHED[algo]
    assert {name: found[name] for name in expected} == expected
