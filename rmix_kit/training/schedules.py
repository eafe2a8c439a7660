"""What changes with the environment steps of a run."""

from __future__ import annotations

from rmix_kit.collect import LinearSchedule
from rmix_kit.training.settings import TrainingSettings


def schedules(settings: TrainingSettings, steps: int) -> tuple[LinearSchedule, LinearSchedule]:
    """Give exploration and the factor on the learning rate over a run of so many environment steps."""
    explored = int(settings.epsilon_share * steps) or settings.epsilon_steps
    epsilon = LinearSchedule(start=settings.epsilon_start, end=settings.epsilon_end, begin_steps=0, end_steps=explored)
    decays = settings.learning_rate_decay_from < 1
    learning_rate = LinearSchedule(
        start=1.0,
        end=settings.learning_rate_end if decays else 1.0,
        begin_steps=int(settings.learning_rate_decay_from * steps),
        end_steps=steps,
    )
    return epsilon, learning_rate
