"""Mixers: from per-agent values to one joint value."""

from rmix_kit.mixers.central import CentralMixer
from rmix_kit.mixers.qmix import QMixer
from rmix_kit.mixers.qplex import QPLEXMixer
from rmix_kit.mixers.qtran import JointValue, StateValue
from rmix_kit.mixers.vdn import mix_sum

__all__ = ["CentralMixer", "JointValue", "QMixer", "QPLEXMixer", "StateValue", "mix_sum"]
