"""What exported agents are shown is noted as it was."""

from __future__ import annotations

import numpy as np

from rmix_kit.envs.make import make_vector_env
from rmix_kit.playing.recording import LEVELS, record
from rmix_kit.playing.team import load_team
from tests.fixtures.trained import ENVIRONMENT, Trained

STEPS = 400


def test_the_noted_actions_play_the_noted_observations_again(trained: Trained) -> None:
    recordings = record(load_team(trained.agents, "onnx"), make_vector_env(ENVIRONMENT, 3), steps=STEPS, seed=2)
    from rmix_kit.seeding import episode_seed

    envs = make_vector_env(ENVIRONMENT, 1)
    first = next(iter(recordings.values()))
    assert len(first.obs) == STEPS
    starts = np.flatnonzero(first.starts)
    assert len(starts) > len(LEVELS)
    for episode, (start, end) in enumerate(zip(starts, [*starts[1:], STEPS], strict=True)):
        step = envs.reset([episode_seed(2, "test", 3 * episode)])
        assert set(first.risk_level[start:end].tolist()) == {np.float32(LEVELS[episode % len(LEVELS)])}
        for now in range(start, end):
            for agent, recording in enumerate(recordings.values()):
                np.testing.assert_array_equal(recording.obs[now], step.obs[0, agent])
                np.testing.assert_array_equal(recording.avail_actions[now], step.avail_actions[0, agent])
                assert step.avail_actions[0, agent, recording.executed[now]]
            step = envs.step(np.array([[recording.executed[now] for recording in recordings.values()]]))
        assert step.has_ended[0] or end == STEPS
