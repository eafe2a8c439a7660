"""What a run on the device is made of, put together."""

from __future__ import annotations

from dataclasses import dataclass

from rmix_kit.device.capture import Capture
from rmix_kit.device.games import Game
from rmix_kit.device.replay import DeviceReplay
from rmix_kit.device.rollout import Rollout
from rmix_kit.device.updates import BatchMaker, Updates
from rmix_kit.training.learner import Learner


@dataclass(frozen=True)
class Parts:
    """Play and updates of one learner, around one replay.

    Attributes:
        replay: Written by the one, drawn from by the other.
        batches: Of what is drawn.
    """

    game: Game
    learner: Learner
    replay: DeviceReplay
    rollout: Rollout
    batches: BatchMaker
    updates: Updates


def make_parts(
    game: Game,
    learner: Learner,
    replay: DeviceReplay,
    *,
    seed: int,
    rollout_steps: int,
    batch_size: int,
    reward_scale: float,
    capture: Capture,
) -> Parts:
    """Put a run together; every copy begins its first episode.

    Args:
        game: On the learner's device.
        replay: Empty or added to, on the same device.
        seed: The run's.
        rollout_steps: Steps of a block of play.
        batch_size: Episodes of an update.
        reward_scale: Factor on every reward that the learner sees.
        capture: How blocks and updates are started.
    """
    algorithm = learner.algorithm
    rollout = Rollout(
        game,
        learner.online.agent,
        replay,
        seed=seed,
        steps=rollout_steps,
        level_draws=algorithm.risk_level_draws,
        capture=capture,
    )
    batches = BatchMaker(game=game, replay=replay, algorithm=algorithm, seed=seed, reward_scale=reward_scale)
    return Parts(game, learner, replay, rollout, batches, Updates(learner, batches, batch_size, capture))
