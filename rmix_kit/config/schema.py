"""The values that a configuration describes; they live where they are used and are named here for readers."""

from __future__ import annotations

from rmix_kit.training.run_config import INIT_FROM, KEYS, Device, InitialWeights, RunConfig, with_newer_settings
from rmix_kit.training.settings import TrainingSettings

__all__ = ["INIT_FROM", "KEYS", "Device", "InitialWeights", "RunConfig", "TrainingSettings", "with_newer_settings"]
