"""BenchMARL trains IPPO and QMIX on MACN as it does on its own tasks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.foreign, pytest.mark.filterwarnings("default")]

ITERATIONS = 3
FRAMES = 100  # per iteration
SMALL: dict[str, Any] = {
    "max_n_frames": None,
    "max_n_iters": ITERATIONS,
    "loggers": [],
    "create_json": False,
    "render": False,
    "evaluation_episodes": 2,
    "evaluation_interval": 2 * FRAMES,
    "on_policy_collected_frames_per_batch": FRAMES,
    "on_policy_n_envs_per_worker": 2,
    "on_policy_n_minibatch_iters": 2,
    "on_policy_minibatch_size": 50,
    "off_policy_collected_frames_per_batch": FRAMES,
    "off_policy_n_envs_per_worker": 2,
    "off_policy_n_optimizer_steps": 2,
    "off_policy_train_batch_size": 16,
    "off_policy_memory_size": 1000,
}


@pytest.mark.parametrize("name", ["IppoConfig", "QmixConfig"])
def test_benchmarl_trains_a_few_iterations(name: str, tmp_path: Path) -> None:
    import benchmarl.algorithms
    from benchmarl.experiment import Experiment, ExperimentConfig
    from benchmarl.models.mlp import MlpConfig

    from tests.foreign.benchmarl_task import MAX_STEPS, Bridge

    config = ExperimentConfig.get_from_yaml()
    for key, value in {**SMALL, "save_folder": str(tmp_path)}.items():
        assert hasattr(config, key)
        setattr(config, key, value)
    experiment = Experiment(
        task=Bridge(name="MACN_BRIDGE", config={"max_cycles": MAX_STEPS}),
        algorithm_config=getattr(benchmarl.algorithms, name).get_from_yaml(),
        model_config=MlpConfig.get_from_yaml(),
        critic_model_config=MlpConfig.get_from_yaml(),
        seed=0,
        config=config,
    )
    experiment.run()
    assert (experiment.n_iters_performed, experiment.total_frames) == (ITERATIONS, ITERATIONS * FRAMES)
    assert -101.0 - MAX_STEPS <= experiment.mean_return <= 0.0
