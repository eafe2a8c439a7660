"""Records of runs that never were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from rmix_kit.results import Episodes, RunRecord

INTERVAL = 1000
BRIDGE, MMM2 = "macn:bridge?slip=0.1", "smac:MMM2?backend=builtin"


def evaluation(env_steps: int, success: float, *, seed: int = 0) -> dict[str, Any]:
    """A row of evaluations; returns go from -50 to -10 with success."""
    mean = -50.0 + 40.0 * success
    return {
        "kind": "evaluation",
        "env_steps": env_steps,
        "return_mean": mean,
        "return_std": 1.0,
        "success_rate": success,
        "fall_rate": 1.0 - success,
        "episode_length_mean": 20.0,
        "cvar_0.1": mean - 10.0,
        "cvar_0.25": mean - 5.0,
        "risk_level_mean": 0.5,
        "episodes": 32,
        "checkpoint_step": env_steps,
        "seed": seed,
    }


def episodes(won: int, lost: int, *, step: int = 4000) -> Episodes:
    """Episodes that end at -10 or, with a fall, at -110."""
    count = won + lost
    return Episodes(
        checkpoint_step=step,
        seed=10_000,
        returns=(-10.0,) * won + (-110.0,) * lost,
        success=(True,) * won + (False,) * lost,
        fell=(False,) * won + (True,) * lost,
        lengths=(20,) * count,
        risk_levels=(0.5,) * count,
    )


def record(
    algo: str = "rmix",
    env: str = "macn:4x7",
    seed: int = 0,
    *,
    successes: tuple[float, ...] = (0.0, 0.25, 0.5, 1.0, 0.9),
    won: int | None = 36,
    **changes: Any,
) -> RunRecord:
    """A run with an evaluation every thousand steps, each a few steps late, and 40 last episodes."""
    rows = tuple(
        evaluation(place * INTERVAL + (7 + seed) * (place > 0), success, seed=seed)
        for place, success in enumerate(successes)
    )
    config: Mapping[str, Any] = {
        "algo": algo,
        "preset": algo,
        "env": env,
        "seed": seed,
        "steps": 4000,
        "device": "auto",
        "algorithm": {"gamma": 0.99},
        "training": {"evaluation_interval": INTERVAL, "batch_size": 32, "threads": 1},
    }
    origin = {"env_steps": 0, "rmix_kit": "0.1.0", "commit": "0123456789abcdef", "is_modified": False}
    values: dict[str, Any] = {
        "name": f"{algo}-{seed}",
        "algo": algo,
        "preset": algo,
        "env": env,
        "seed": seed,
        "steps": 4000,
        "overrides": {},
        "config": config,
        "command": f"rmix-kit train --algo {algo} --env {env} --seed {seed} --steps 4000",
        "is_finished": True,
        "is_sealed": True,
        "origins": (
            origin | {"python": "3.12", "torch": "2.13.0", "numpy": "2.4", "platform": "Linux", "device": "cpu"},
        ),
        "environment": {},
        "env_spec": {"n_agents": 2},
        "evaluations": rows,
        "seconds_at": tuple(10.0 * place for place in range(len(rows))),
        "wall_seconds": 40.0,
        "cpu_seconds": 38.0,
        "peak_mebibytes": 500.0,
        "replay_mebibytes": 30.0,
        "best": None if won is None else episodes(40, 0, step=3000),
        "last": None if won is None else episodes(won, 40 - won),
    }
    return RunRecord(**{**values, **changes})


def small_set() -> list[RunRecord]:
    """Two algorithms on two environments, a third one on one of them, two seeds each."""
    cells = [("rmix", BRIDGE), ("qmix", BRIDGE), ("vdn", BRIDGE), ("rmix", MMM2), ("qmix", MMM2)]
    rng = np.random.default_rng(0)
    return [
        record(algo, env, seed, won=int(rng.integers(10, 40)), successes=tuple(rng.random(5).tolist()))
        for algo, env in cells
        for seed in range(2)
    ]
